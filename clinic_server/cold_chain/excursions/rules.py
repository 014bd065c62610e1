"""What an excursion is, how its verdicts follow each other, and what a decision about exposed units rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.alerts.telling import Phrase, Told, tell
from clinic_server.cold_chain.judging import Breach, BreachKind, Profile
from clinic_server.kit.degrees import rounded
from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role
from clinic_server.stock.whereabouts import HoldEnd

DISPOSERS: Final = frozenset({Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.PHYSICIAN})
VIEWERS: Final = DISPOSERS | {Role.VACCINATOR, Role.AUDITOR}
FORM_WITHIN: Final = timedelta(minutes=30)  # from the discovery until vaccine is moved and the form filled in
MOST_FILE_BYTES: Final = 1_000_000
_SEVERITIES: Final = tuple(Severity)


class Verdict(StrEnum):
    """What a judgement changed about an excursion."""

    OPENED = "opened"
    WORSE = "worse"
    ENDED = "ended"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"


class DispositionKind(StrEnum):
    """What a named person decided about units that were out of their temperature; a site destroys none itself."""

    RELEASED = "released"
    RETURNED = "returned"
    KEPT = "kept"

    @property
    def hold_end(self) -> HoldEnd | None:
        """How the units' holds end; None where they stand."""
        return {DispositionKind.RELEASED: HoldEnd.RELEASED, DispositionKind.RETURNED: HoldEnd.SENT_AWAY}.get(self)


class FileKind(StrEnum):
    """What an evaluation may be attached as, known by its first bytes and not by its name."""

    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """What a browser is told."""
        return "application/pdf" if self is FileKind.PDF else f"image/{self}"


_MAGIC: Final = {b"%PDF-": FileKind.PDF, b"\xff\xd8\xff": FileKind.JPEG, b"\x89PNG\r\n\x1a\n": FileKind.PNG}


class ExcursionUnknown(NotFound):
    """No excursion has this id."""

    code = "excursion_unknown"


class EvaluationUnknown(NotFound):
    """No evaluation was attached to this decision."""

    code = "evaluation_unknown"


class EvaluationNeeded(Refused):
    """Only the manufacturer's written evaluation releases what was out of its temperature."""

    code = "evaluation_needed"


class StillExposed(Conflict):
    """What stands where an excursion lasts is not released: no evaluation knows how long it will have been."""

    code = "still_exposed"


class EvaluationUnusable(Refused):
    """An evaluation is attached as PDF, JPEG or PNG of a megabyte at most."""

    code = "evaluation_unusable"


class QaCodeNeeded(Refused):
    """A freeze-sensitive vaccine that froze is released only with the code of quality assurance."""

    code = "qa_code_needed"


class NothingToDecide(Refused):
    """None of these units waits for a decision about this."""

    code = "nothing_to_decide"


class NothingToCarry(Refused):
    """No unit is left in this place."""

    code = "nothing_to_carry"


class PlaceNotInOrder(Refused):
    """Vaccine is carried to a place that is in order, and not to where it stands."""

    code = "place_not_in_order"


@dataclass(frozen=True, slots=True)
class Known:
    """An excursion as it was judged before."""

    excursion_id: UUID
    breach: Breach
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A manufacturer's written answer: the number it carries, and the file itself."""

    reference: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewDisposition:
    """What is decided about units, and on what that rests; ``excursion_id`` is None for units held by hand."""

    excursion_id: UUID | None
    unit_ids: Sequence[UUID]
    kind: DispositionKind
    note: str
    evaluation: Evaluation | None = None
    qa_code: str | None = None


@dataclass(frozen=True, slots=True)
class NewForm:
    """What people add to the record: who found it and when, the room, what was done, and where the vaccine went."""

    discovered_at: datetime
    discovered_by: str = field(repr=False)
    room_milli_celsius: int
    what_happened: str
    measures: str
    moved_to: str
    also_inside: str = ""
    earlier_trouble: str = ""
    told: str = ""
    prevention: str = ""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one excursion did to one unit while the unit stood there; ``minutes`` are the most it can have been."""

    unit_id: UUID
    excursion_id: UUID
    place_code: str
    kind: BreachKind
    from_at: datetime
    until_at: datetime
    minutes: int
    min_milli_celsius: int
    max_milli_celsius: int


@dataclass(frozen=True, slots=True)
class Exposed:
    """What a unit has been through of one kind, over its life."""

    minutes: int
    min_milli_celsius: int
    max_milli_celsius: int


def paired(
    known: Sequence[Known], breaches: Sequence[Breach]
) -> tuple[Sequence[tuple[Known | None, Breach]], Sequence[Known]]:
    """Return each breach with the excursion it continues, if any; and the excursions that are no longer found.

    A breach continues the earliest excursion of its kind whose time it touches.
    """
    left = sorted(known, key=lambda one: one.breach.began_unix_ms)
    pairs: list[tuple[Known | None, Breach]] = []
    for breach in sorted(breaches, key=lambda one: one.began_unix_ms):
        same = next((one for one in left if _touch(one.breach, breach)), None)
        if same is not None:
            left.remove(same)
        pairs.append((same, breach))
    return pairs, [one for one in left if not one.is_withdrawn]


def verdict_of(known: Known, breach: Breach) -> Verdict | None:
    """Return what a further judgement changes, None where only its figures grew."""
    before = known.breach
    begins_otherwise = (before.began_unix_ms, before.alarmed_unix_ms) != (breach.began_unix_ms, breach.alarmed_unix_ms)
    if known.is_withdrawn or begins_otherwise or (before.ended_unix_ms is not None and before != breach):
        return Verdict.REVISED
    if breach.ended_unix_ms is not None and before.ended_unix_ms is None:
        return Verdict.ENDED
    if _SEVERITIES.index(breach.severity) > _SEVERITIES.index(before.severity):
        return Verdict.WORSE
    return None


def is_worse(known: Known, breach: Breach) -> bool:
    """Tell whether a further judgement finds more than what somebody may have decided by: longer, hotter or colder."""
    before = known.breach
    return (
        known.is_withdrawn
        or breach.out_ms > before.out_ms
        or breach.max_milli_celsius > before.max_milli_celsius
        or breach.min_milli_celsius < before.min_milli_celsius
    )


def alert_kind_of(kind: BreachKind) -> AlertKind:
    """Return the alert a breach raises."""
    return AlertKind(kind.value)


def told_of(breach: Breach, profile: Profile) -> Told:
    """Tell a breach: the worst reading, never rounded onto a limit it was beyond, and for how long."""
    worst = breach.max_milli_celsius if breach.kind is BreachKind.TOO_WARM else breach.min_milli_celsius
    beyond = (rule.beyond_milli_celsius for rule in profile.rules if rule.kind is breach.kind)
    limits = {profile.low_milli_celsius, profile.high_milli_celsius, *beyond}
    minutes = (breach.last_out_unix_ms - breach.began_unix_ms) // 60_000
    return tell(Phrase.OUT_OF_RANGE, milli_celsius=rounded(worst, limits), minutes=minutes)


def refuse_unfounded(new: NewDisposition, *, was_withdrawn: bool, froze: bool) -> None:
    """Raise unless a release rests on what it must: a written evaluation, and after freezing the code of QA.

    Where later readings show that the excursion never was, a named person's word is enough.
    """
    if new.kind is not DispositionKind.RELEASED:
        return
    if froze and not new.qa_code:
        raise QaCodeNeeded
    if new.evaluation is None and not was_withdrawn:
        raise EvaluationNeeded


def file_kind_of(content: bytes) -> FileKind:
    """Return what an attached file is by its first bytes, or raise EvaluationUnusable."""
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    if kind is None or len(content) > MOST_FILE_BYTES:
        raise EvaluationUnusable
    return kind


def added_up(exposures: Iterable[Exposure]) -> Mapping[BreachKind, Exposed]:
    """Return what a unit has been through of each kind; what two probes saw at once counts once."""
    by_kind: dict[BreachKind, list[Exposure]] = {}
    for one in exposures:
        by_kind.setdefault(one.kind, []).append(one)
    return {
        kind: Exposed(
            _minutes_of(found),
            min(one.min_milli_celsius for one in found),
            max(one.max_milli_celsius for one in found),
        )
        for kind, found in by_kind.items()
    }


def _minutes_of(exposures: Sequence[Exposure]) -> int:
    minutes, groups_end, longest = 0, None, 0
    for one in sorted(exposures, key=lambda one: one.from_at):
        if groups_end is None or one.from_at >= groups_end:
            minutes, longest, groups_end = minutes + longest, 0, one.until_at
        longest, groups_end = max(longest, one.minutes), max(groups_end, one.until_at)
    return minutes + longest


def _touch(before: Breach, after: Breach) -> bool:
    return (
        before.kind is after.kind
        and before.began_unix_ms <= after.last_out_unix_ms
        and after.began_unix_ms <= before.last_out_unix_ms
    )
