"""The database against the books of probes and gateways; what should be there is worked out without the server."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.alerts.rules import HARMS, DueKind, DueState
from clinic_server.alerts.tables import alert, alert_answered, alert_contact, alert_said, page_due
from clinic_server.cold_chain.excursions.tables import (
    excursion_now,
    reading_gap,
    reading_gap_ended,
    reading_gap_filled,
)
from clinic_server.cold_chain.judging import Profile
from clinic_server.cold_chain.tables import dead_letter, heard_probe, is_set_aside, probe, reading, to_unix_ms
from clinic_server.paging.tables import page_attempt
from clinic_server.stock.tables import place as place_table
from clinic_server.stock.tables import unit_hold, unit_now
from devices.pagers.page import Reached
from tests.faults.storm.fridges import Told
from tests.faults.storm.gateways import CHANNELS, Receipt
from tests.proof.reference_judge import reference

TOLD_WITHIN_S = 2.0  # a gateway's word may be heard so long after the page was taken
Excursion = tuple[str, str, int]  # probe, kind, unix milliseconds of its first reading
Gap = tuple[str, int, int]


@dataclass(slots=True)
class Books:
    """What was kept outside the server: ledgers of probes, receipts of gateways, and when which end of a page died."""

    ledgers: Mapping[str, Sequence[Told]]
    receipts: Sequence[Receipt]
    server_died_at_s: Sequence[float]
    pagers_died_at_s: Sequence[float]
    profile: Profile
    ways: int = len(CHANNELS)  # by which each of the people can be reached


@dataclass(slots=True)
class Compared:
    """Figures, and every difference in words."""

    figures: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def differ(self, what: str, found: Iterable[object]) -> int:
        """Note differences of one kind; return how many."""
        listed = sorted(map(str, found))
        self.differences += [f"{what}: {one}" for one in listed]
        return len(listed)


def compare(connection: Connection, books: Books) -> Compared:
    """Hold everything against everything."""
    compared = Compared()
    _readings(connection, books, compared)
    expected, gaps = judged(books)
    _gaps(connection, gaps, books, compared)
    found = compare_excursions(connection, expected, compared)
    _holds(connection, found, compared)
    compare_pages(connection, books, found, compared)
    return compared


def _readings(connection: Connection, books: Books, compared: Compared) -> None:
    said = reading.c
    rows = connection.execute(
        select(heard_probe.c.probe_id, said.boot, said.seq, said.measured_unix_ms, said.milli_celsius).join(
            heard_probe, heard_probe.c.number == said.probe
        )
    )
    stored = Counter(tuple(row) for row in rows)
    told = Counter(
        (dev, one.boot, one.seq, one.at_unix_ms, one.milli_celsius)
        for dev, ledger in books.ledgers.items()
        for one in ledger
    )
    letters = connection.execute(select(func.count()).select_from(dead_letter)).scalar_one()
    compared.figures |= {"readings_sent": told.total(), "readings_stored": stored.total()}
    compared.differ("a reading was lost", (told - stored).elements())
    compared.differ("a reading nobody sent, or twice", (stored - told).elements())
    compared.differ("dead letters", [letters] if letters else [])


def judged(books: Books) -> tuple[set[Excursion], Sequence[Gap]]:
    """Return what should have been found, by the reference alone."""
    excursions: set[Excursion] = set()
    gaps: list[Gap] = []
    for dev, ledger in books.ledgers.items():
        points = [_Point(one.at_unix_ms, one.milli_celsius) for one in ledger]
        if points:
            found = reference(books.profile, points, max(point.at_unix_ms for point in points))
            excursions |= {(dev, breach[0], breach[2]) for breach in found["breaches"]}
            gaps += [(dev, begin, end) for begin, end in found["gaps"]]
    return excursions, gaps


@dataclass(frozen=True, slots=True)
class _Point:
    at_unix_ms: int
    milli_celsius: int


def _gaps(connection: Connection, expected: Sequence[Gap], books: Books, compared: Compared) -> None:
    """Every gap is inside a row that was not filled, and every such row has a gap in it."""
    rows = connection.execute(
        select(probe.c.probe_id, reading_gap.c.from_at, reading_gap_ended.c.until_at)
        .join(probe, probe.c.id == reading_gap.c.placement_id)
        .outerjoin(reading_gap_ended, reading_gap_ended.c.gap_id == reading_gap.c.id)
        .outerjoin(reading_gap_filled, reading_gap_filled.c.gap_id == reading_gap.c.id)
        .where(reading_gap_filled.c.id.is_(None))
    )
    first = {dev: min(one.at_unix_ms for one in ledger) for dev, ledger in books.ledgers.items() if ledger}
    noted = [
        (row.probe_id, to_unix_ms(row.from_at), None if row.until_at is None else to_unix_ms(row.until_at))
        for row in rows
    ]
    compared.figures |= {"gaps_expected": len(expected), "gaps_noted": len(noted)}
    compared.differ("a gap without a row", [gap for gap in expected if not any(_covers(row, gap) for row in noted)])
    # Before its first reading and after its last a probe is silent in its place as well.
    between = [row for row in noted if row[0] in first and first[row[0]] <= row[1] and row[2] is not None]
    without = [row for row in between if not any(_covers(row, gap) for gap in expected)]
    compared.differ("a row without a gap", without)


def _covers(row: tuple[str, int, int | None], gap: Gap) -> bool:
    return row[0] == gap[0] and row[1] <= gap[1] and (row[2] is None or gap[2] <= row[2])


def compare_excursions(
    connection: Connection, expected: set[Excursion], compared: Compared
) -> Mapping[UUID, Excursion]:
    """Hold what was found against what should have been; return what was found, by its id.

    What rests on readings that a set clock put aside stands as it was found, whatever the others say.
    """
    now = excursion_now.c
    is_as_found = is_set_aside(now.turn_seq, now.last_out_unix_ms, excursion_now)
    rows = connection.execute(
        select(now.excursion_id, probe.c.probe_id, now.kind, now.began_unix_ms, now.is_withdrawn)
        .join(probe, probe.c.id == now.placement_id)
        .where(~is_as_found)
    ).all()
    standing = [row for row in rows if not row.is_withdrawn]
    found = {row.excursion_id: (row.probe_id, row.kind.value, row.began_unix_ms) for row in standing}
    counted = Counter(found.values())
    missed, invented = Counter(expected) - counted, counted - Counter(expected)
    compared.figures |= {
        "excursions_expected": len(expected),
        "excursions_found": len(found),
        "excursions_missed": compared.differ("an excursion was missed", missed.elements()),
        "excursions_invented": compared.differ("an excursion was invented", invented.elements()),
        "excursions_withdrawn": len(rows) - len(standing),
    }
    return found


def _holds(connection: Connection, found: Mapping[UUID, Excursion], compared: Compared) -> None:
    """Nothing was ever moved, so that every excursion of a fridge holds all that stands in it."""
    stands = connection.execute(
        select(place_table.c.code, unit_now.c.unit_id).join(place_table, place_table.c.id == unit_now.c.place_id)
    ).all()
    held = Counter(tuple(row) for row in connection.execute(select(unit_hold.c.cause_id, unit_hold.c.unit_id)))
    wanted = Counter(
        (excursion_id, row.unit_id) for excursion_id, (dev, _, _) in found.items() for row in stands if row.code == dev
    )
    compared.figures["units_held"] = (wanted & held).total()
    compared.differ("a unit is not held", (wanted - held).elements())
    compared.differ("a unit is held twice for one excursion", [key for key in wanted if held[key] > 1])


def compare_pages(connection: Connection, books: Books, found: Mapping[UUID, Excursion], compared: Compared) -> None:
    """Hold what the server says of its pages against what gateways took."""
    pages = _settled_pages(connection)
    taken = {(one.number, one.address[-1]) for one in books.receipts if one.is_told}
    reached = [page for page in pages if page.is_reached and (page.number, page.person) in taken]
    untaken = [page.number for page in pages if page.is_reached and (page.number, page.person) not in taken]
    vain = [page for page in pages if page.is_reached is False]
    doubled, without_cause = _doubled(connection, books)
    compared.figures |= {
        "pages_due": len(pages),
        "pages_delivered": len(reached),
        "pages_visibly_undelivered": len(vain),
        "pages_doubled": doubled,
    }
    compared.differ("a page is said to be delivered and no gateway took it", untaken)
    compared.differ("a page was given up too soon", _given_up_too_soon(connection, books.ways))
    unsettled = [page.number for page in pages if page.is_reached is None and page.is_of_harm]
    compared.differ("a page was never settled", unsettled)
    compared.differ("a page was doubled though nothing died between", without_cause)
    alerts = dict(connection.execute(select(alert_said.c.cause_id, alert_said.c.alert_id)).all())
    answered = set(connection.execute(select(alert_answered.c.alert_id)).scalars())  # by somebody who had heard
    told = {page.alert_id for page in (*reached, *vain)} | answered
    nobody_heard = [what for excursion_id, what in found.items() if alerts.get(excursion_id) not in told]
    compared.differ("nobody was told, nor is it visible that nobody was", nobody_heard)


def _doubled(connection: Connection, books: Books) -> tuple[int, Sequence[Receipt]]:
    """Return how many pages a gateway took again, and those without a cause.

    A cause is that server or gateway died meanwhile, or that the server has it on record that it was left in doubt.
    """
    doubts = _in_doubt(connection)
    ways: dict[tuple[str, str, str], list[Receipt]] = {}
    for one in sorted(books.receipts, key=lambda one: one.at_s):
        if one.is_told:
            ways.setdefault((one.channel, one.number, one.address), []).append(one)
    again = [pair for taken in ways.values() for pair in pairwise(taken)]
    died = {"robots": books.server_died_at_s, "pagers": [*books.server_died_at_s, *books.pagers_died_at_s]}
    without = [
        later
        for earlier, later in again
        if not any(earlier.at_s - TOLD_WITHIN_S < at_s < later.at_s for at_s in died[later.channel])
        and (later.channel, later.number) not in doubts
    ]
    return len(again), without


def _in_doubt(connection: Connection) -> set[tuple[str, str]]:
    """Return the channels and pages of which the server could not know whether they were taken."""
    doubted = page_attempt.c.reached == Reached.UNCONFIRMED
    rows = connection.execute(
        select(page_attempt.c.channel_code, page_due, alert.c.number)
        .join(page_due, page_due.c.id == page_attempt.c.due_id)
        .join(alert, alert.c.id == page_due.c.alert_id)
        .where(doubted)
    )
    return {(row.channel_code, _number_of(row)) for row in rows}


def _given_up_too_soon(connection: Connection, ways: int) -> Sequence[UUID]:
    """Return the pages that were given up without having been tried through each channel again."""
    vain = select(page_due.c.id).where(page_due.c.is_reached.is_(False), page_due.c.id == page_due.c.lead_id)
    due, tried = page_attempt.c.due_id, page_attempt.c.channel_code
    rows = connection.execute(select(due, tried, func.count().label("times")).group_by(due, tried).where(due.in_(vain)))
    again = Counter(row.due_id for row in rows if row.times > 1)
    return [due_id for due_id in connection.execute(vain).scalars() if again[due_id] < ways]


@dataclass(frozen=True, slots=True)
class _Page:
    number: str
    person: str
    alert_id: UUID
    is_reached: bool | None
    is_of_harm: bool  # the silence of fridges that ended goes on calling


def _settled_pages(connection: Connection) -> Sequence[_Page]:
    """Return every row that somebody was to be paged for, with the number of the page it went out in."""
    due = page_due.c
    rows = connection.execute(
        select(page_due, alert.c.number, alert.c.kind.label("about"))
        .join(alert, alert.c.id == due.alert_id)
        .where(due.kind != DueKind.TEST)
    ).all()
    by_id: Mapping[UUID, Any] = {row.id: row for row in rows}
    people = {contact_id: str(number) for number, contact_id in enumerate(_people(connection))}
    return [
        _Page(
            _number_of(by_id.get(row.lead_id, row)),
            people[row.contact_id],
            row.alert_id,
            row.is_reached,
            row.about in HARMS,
        )
        for row in rows
        if row.state is not DueState.DROPPED
    ]


def _number_of(row: Any) -> str:
    return f"{row.number}-{row.round}.{row.step}-{row.id.hex[-4:]}"


def _people(connection: Connection) -> Sequence[UUID]:
    order = (alert_contact.c.journal_seq, alert_contact.c.id)
    return connection.execute(select(alert_contact.c.id).order_by(*order)).scalars().all()
