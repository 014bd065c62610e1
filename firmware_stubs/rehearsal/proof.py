"""Compares the players' books with what the server says, line by line: nothing lost, nothing half, nothing twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from firmware_stubs.rehearsal.ledger import WARMEST_ALLOWED, Ledger, Write, stage_after
from firmware_stubs.rehearsal.testimony import Closing, Line, Opening

MOST_NAMED = 10

# What the journal calls the writes of a day; other lines are not the players' doing.
KINDS = frozenset(
    {
        *("checked_in", "questions_answered", "decision_made", "consent_signed", "dose_refused", "visit_called"),
        "consent_withdrawn",
        *("permit_granted", "dose_given", "person_sent_back", "person_left", "person_left_early", "visit_abandoned"),
        "person_checked",
        *("delivery_begun", "delivery_scanned", "delivery_finished", "units_moved", "site_opened"),
        *("person_arrived", "team_called", "care_line_written", "care_ended", "event_classed", "report_card_filed"),
    }
)

# Lines named by a record of which no answer tells: they are counted, kind by kind and station by station.
_UNNAMED = frozenset({"team_called", "report_card_filed"})

# Lines named by the record they made, which only the answer tells; all others are named by their visit.
_NAMED_BY_ANSWER = frozenset(
    {
        "questions_answered",
        "decision_made",
        "consent_signed",
        "dose_refused",
        "consent_withdrawn",
        "dose_given",
        "person_checked",
        *("delivery_begun", "delivery_scanned", "delivery_finished"),
        "units_moved",
        "site_opened",
        *("care_line_written", "care_ended", "event_classed"),
        *_UNNAMED,
    }
)
_KIND_OF_STEP = {
    "checked_in": "checked_in",
    "answered": "questions_answered",
    "recommended": "decision_made",
    "deferred": "decision_made",
    "unsuitable": "decision_made",
    "consented": "consent_signed",
    "consent_withdrawn": "consent_withdrawn",
    "refused": "dose_refused",
    "dose_given": "dose_given",
    "sent_back": "person_sent_back",
    "left": "person_left",
    "left_early": "person_left_early",
    "abandoned": "visit_abandoned",
}


class Verdict(StrEnum):
    """What is wrong with the server's records."""

    LOST = "lost"
    HALF = "half"
    DOUBLED = "doubled"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree; it names nobody."""

    verdict: Verdict
    what: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted, and what did not agree."""

    counts: Mapping[str, int]
    differences: tuple[Difference, ...]


def prove(ledger: Ledger, opening: Opening, closing: Closing) -> Proof:
    """Compare everything."""
    found = (
        *(Difference(Verdict.UNPROVEN, fault) for fault in ledger.faults),
        *(Difference(Verdict.UNPROVEN, f"the chain: {fault}") for fault in closing.chain_faults),
        *_journal(ledger, closing),
        *_visits(ledger, closing),
        *_steps_and_lines(closing),
        *_doses(ledger, closing),
        *_stock(ledger, closing),
        *_readings(ledger, closing),
        *_excursions(ledger, closing),
        *_pages(ledger, closing),
    )
    return Proof(_counts(ledger, opening, closing), tuple(found))


def _journal(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """Every acknowledged write has exactly one line of its kind; every other line is of a write nobody answered."""
    told: Counter[Line] = Counter()
    for (kind, ref, station), count in closing.lines.items():
        if kind in KINDS:
            told[kind, "" if kind in _UNNAMED else ref, station] += count
    acknowledged = Counter(_line(write) for write in ledger.accepted())
    for line, count in (acknowledged - told).items():
        yield Difference(Verdict.LOST, f"{count} x {line[0]} at {line[2]} {line[1]}: acknowledged, not in the journal")
    open_writes = Counter(_line(write) for write in ledger.unknown())
    for line, count in (told - acknowledged).items():
        unnamed = (line[0], "", line[2])
        for _ in range(count):
            known = line if open_writes[line] else unnamed
            if open_writes[known]:
                open_writes[known] -= 1
            else:
                yield Difference(Verdict.DOUBLED, f"{line[0]} at {line[2]} {line[1]}: in the journal once too often")


def _visits(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """Every visit took the steps acknowledged, then at most one that was never answered, and stands where they lead."""
    acted = ledger.steps_of_visits()
    unanswered = {write.visit_id: write.step for write in ledger.unknown() if write.visit_id and write.step}
    nameless = sum(not write.visit_id and write.step == "checked_in" for write in ledger.unknown())
    for visit_id, told in closing.visits.items():
        steps = tuple(acted.get(visit_id, ()))
        if not steps:
            nameless -= 1
            steps = ("checked_in",)
        last = unanswered.get(visit_id)
        allowed = {steps, (*steps, last)} if last else {steps}
        if told.steps not in allowed:
            verdict = Verdict.LOST if len(told.steps) < len(steps) else Verdict.DOUBLED
            yield Difference(verdict, f"visit {visit_id} took {told.steps}, acted were {steps}")
        elif told.stage != stage_after(told.steps):
            yield Difference(Verdict.HALF, f"visit {visit_id} stands at {told.stage} after {told.steps}")
    if nameless < 0:
        yield Difference(Verdict.DOUBLED, f"{-nameless} visits nobody opened")
    if closing.visit_count != len(closing.visits):
        yield Difference(Verdict.HALF, f"the days count {closing.visit_count} visits, there are {len(closing.visits)}")


def _steps_and_lines(closing: Closing) -> Iterable[Difference]:
    """Yield what was begun and not finished: steps and journal lines of one kind are equally many, visit by visit."""
    told: Counter[tuple[str, str]] = Counter()
    for (kind, ref, _), count in closing.lines.items():
        told[kind, "" if kind in _NAMED_BY_ANSWER else ref] += count
    taken: Counter[tuple[str, str]] = Counter()
    for visit_id, visit in closing.visits.items():
        for kind in (_KIND_OF_STEP[step] for step in visit.steps if step in _KIND_OF_STEP):
            taken[kind, "" if kind in _NAMED_BY_ANSWER else visit_id] += 1
    steps_have = frozenset(_KIND_OF_STEP.values())
    for kind, visit_id in told | taken:
        lines, steps = told[kind, visit_id], taken[kind, visit_id]
        if kind in steps_have and lines != steps:
            yield Difference(Verdict.HALF, f"{kind} {visit_id}: {lines} in the journal, {steps} steps")


def _doses(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """One dose for each step of a dose, of the vial that was scanned; no vial gave more than it holds."""
    given = {write.ref: write for write in ledger.accepted() if write.kind == "dose_given"}
    told = {dose["dose_id"]: dose for dose in closing.doses}
    for dose_id in given.keys() - told.keys():
        yield Difference(Verdict.LOST, f"dose {dose_id}")
    for dose_id, write in given.items():
        dose = told.get(dose_id)
        if dose and (dose["visit_id"], dose["trace_code"]) != (write.visit_id, write.trace_code):
            yield Difference(Verdict.HALF, f"dose {dose_id} is not of the vial scanned, or not this visit's")
    yield from _doses_of_visits(closing)
    yield from _more_than_once(closing)


def _doses_of_visits(closing: Closing) -> Iterable[Difference]:
    """Yield what does not fit: a step of a dose without one, or a dose without its step."""
    by_visit = Counter(dose["visit_id"] for dose in closing.doses)
    for visit_id, visit in closing.visits.items():
        if by_visit[visit_id] != visit.steps.count("dose_given"):
            yield Difference(Verdict.HALF, f"visit {visit_id} has {by_visit[visit_id]} doses after {visit.steps}")
    for visit_id in by_visit.keys() - closing.visits.keys():
        yield Difference(Verdict.DOUBLED, f"a dose of visit {visit_id}, which nobody opened")


def _more_than_once(closing: Closing) -> Iterable[Difference]:
    """Yield what was used or given once too often."""
    for code, count in Counter(dose["trace_code"] for dose in closing.doses).items():
        if count > closing.doses_per_unit:
            yield Difference(Verdict.DOUBLED, f"vial {code} gave {count} doses")
    for person, count in Counter(dose["person_id"] for dose in closing.doses).items():
        if count > 1:
            yield Difference(Verdict.DOUBLED, f"person {person} got {count} doses")


def _stock(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """What was drawn is what was given, and only deliveries added to the stock."""
    if closing.drawn != len(closing.doses):
        yield Difference(Verdict.HALF, f"{closing.drawn} doses drawn, {len(closing.doses)} given")
    delivered = sum(count for line, count in closing.lines.items() if line[0] == "delivery_finished")
    finished = [write for write in ledger.writes if write.kind == "delivery_finished"]
    if not finished and (closing.received or delivered):
        yield Difference(Verdict.DOUBLED, f"{closing.received} doses received that nobody delivered")


def _readings(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """Everything each probe measured is stored, each once."""
    for (probe, boot), count in ledger.measured.items():
        stored = Counter(closing.readings.get((probe, boot), ()))
        missing = sorted(set(range(count)) - set(stored))
        if missing:
            which = ", ".join(map(str, missing[:MOST_NAMED]))
            yield Difference(Verdict.LOST, f"{len(missing)} of {count} readings of {probe}, numbers {which}")
        surplus = sorted(seq for seq, times in stored.items() if times > 1 or seq >= count)
        if surplus:
            which = ", ".join(map(str, surplus[:MOST_NAMED]))
            yield Difference(Verdict.DOUBLED, f"{len(surplus)} readings of {probe}, numbers {which}")


def _excursions(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """A fridge that was too warm for long has an excursion as warm as it was; one that never was has none."""
    for probe, temperatures in ledger.temperatures.items():
        told = [one for one in closing.excursions if one["probe_id"] == probe and not one["is_withdrawn"]]
        warmest = max((one["max_milli_celsius"] for one in told), default=None)
        if probe in ledger.surely_failed and warmest != max(temperatures):
            yield Difference(Verdict.LOST, f"{probe} was as warm as {max(temperatures)} m°C, its excursion {warmest}")
        if told and max(temperatures) <= WARMEST_ALLOWED:
            yield Difference(Verdict.DOUBLED, f"{probe} has {len(told)} excursions and never was too warm")


def _pages(ledger: Ledger, closing: Closing) -> Iterable[Difference]:
    """What the server says was delivered is on a pager, what is on a pager the server sent; a failed fridge wakes."""
    if closing.alerts is None:
        return
    reached = {number for number, told in closing.alerts.items() if told and any(_is_reached(told))}
    for number in reached - ledger.alerts_paged:
        yield Difference(Verdict.LOST, f"alert {number}: said to be delivered, and no pager shows it")
    for number in ledger.alerts_paged:
        if not closing.alerts[number] or not closing.alerts[number]["pages"]:
            yield Difference(Verdict.DOUBLED, f"alert {number}: on a pager, and the server never sent it")
    woke_for = {closing.alerts[number]["facts"]["place_code"] for number in reached & ledger.alerts_paged}
    for one in closing.excursions:
        if one["probe_id"] in ledger.surely_failed and one["place_code"] not in woke_for:
            yield Difference(Verdict.LOST, f"the excursion at {one['place_code']} woke nobody")


def _is_reached(told: Mapping[str, Any]) -> Iterable[bool]:
    return (page["is_reached"] is True for page in told["pages"])


def _line(write: Write) -> Line:
    """Return the journal's line of a write; one that was never answered has no name, unless its visit is its name."""
    if write.kind in _UNNAMED:
        return write.kind, "", write.station
    return write.kind, write.ref or ("" if write.kind in _NAMED_BY_ANSWER else write.visit_id), write.station


def _counts(ledger: Ledger, opening: Opening, closing: Closing) -> Mapping[str, int]:
    writes = ledger.writes
    stages = Counter(visit.stage for visit in closing.visits.values())
    return {
        "writes": len(writes),
        "acknowledged": sum(write.is_accepted for write in writes),
        "refused as they should be": sum(write.status >= 400 for write in writes),  # noqa: PLR2004 - HTTP
        "never answered": len(list(ledger.unknown())),
        "sent again": sum(write.sendings > 1 for write in writes),
        "journal lines since the opening": sum(closing.lines.values()),
        "of the journal before": opening.head_seq,
        "visits": len(closing.visits),
        **{f"visits {stage}": count for stage, count in sorted(stages.items())},
        "doses": len(closing.doses),
        **{f"acted: {what}": count for what, count in sorted(ledger.tally.items())},
        "readings": sum(len(stored) for stored in closing.readings.values()),
        "excursions": len(closing.excursions),
        "pages received": len(ledger.paged),
    }
