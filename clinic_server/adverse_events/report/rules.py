"""The record of an event: how its card is numbered, what is concluded, what bars later doses, when it may be closed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from clinic_server.adverse_events.report.barring import Barring
from clinic_server.adverse_events.report.card import Card
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    CaseOutcome,
    ClaimKind,
    ConcludingBody,
    FeverBand,
    FinalClass,
    HarmGrade,
    WhoClass,
)
from clinic_server.adverse_events.rules import Classed, FoundHow, SuspectElsewhere
from clinic_server.kit.errors import Conflict, NotFound, NotPermitted, Refused

LATER_WAYS: Final = (FoundHow.TELEPHONE, FoundHow.RETURNED, FoundHow.REPORTED)
LAST_SERIAL: Final = 9999
LEAST_TRIES: Final = 3  # to learn the outcome, before a file is closed without it: the site's practice
_COUNTY_DIGITS: Final = 6

WHO_CLASS: Final[Mapping[FinalClass, WhoClass]] = {
    FinalClass.COMMON: WhoClass.PRODUCT,
    FinalClass.ABNORMAL: WhoClass.PRODUCT,
    FinalClass.QUALITY: WhoClass.QUALITY_DEFECT,
    FinalClass.ERROR: WhoClass.IMMUNISATION_ERROR,
    FinalClass.PSYCHOGENIC: WhoClass.ANXIETY,
    FinalClass.COINCIDENTAL: WhoClass.COINCIDENTAL,
    FinalClass.UNEXPLAINED: WhoClass.INDETERMINATE,
    FinalClass.PENDING: WhoClass.UNCLASSIFIABLE,
}


class DiscoveryImpossible(Refused):
    """Nobody knew of an event before it began, nor will know of it only later."""

    code = "discovery_impossible"


class CardIncomplete(Refused):
    """Fields that the national card requires are empty; ``findings`` name them, as labels and as places."""

    code = "card_incomplete"


class CardFiled(Conflict):
    """The event has a card: what is to be changed in it is an amendment."""

    code = "card_filed"


class CardNotFiled(Conflict):
    """The event has no card yet."""

    code = "card_not_filed"


class CardUnchanged(Refused):
    """An amendment changes something."""

    code = "card_unchanged"


class CardOvertaken(Conflict):
    """Somebody amended the card meanwhile; ``version`` is the one that stands."""

    code = "card_overtaken"


class CardVersionUnknown(NotFound):
    """The card has no such version."""

    code = "card_version_unknown"


class CardSerialsUsedUp(Refused):
    """The county's code and the year leave no number for another card."""

    code = "card_serials_used_up"


class ReportReasonNeeded(Refused):
    """Whoever amends, reopens or takes a copy of a record says why."""

    code = "report_reason_needed"


class ReportedByCard(Refused):
    """An event is reported by filing its card, and by nothing else."""

    code = "reported_by_card"


class ConclusionIncomplete(Refused):
    """What is concluded names who concluded it."""

    code = "conclusion_incomplete"


class ClaimUnknown(NotFound):
    """No claim of this event has this id."""

    code = "claim_unknown"


class ClaimSettled(Conflict):
    """This claim was settled."""

    code = "claim_settled"


class ClaimDateImpossible(Refused):
    """A claim is made after the event began, settled after it was made, and neither in the future."""

    code = "claim_date_impossible"


class BarsNothing(Refused):
    """The event is of no class that bars later doses."""

    code = "bars_nothing"


class BarredAlready(Conflict):
    """The severe reaction to this dose stands in the person's record."""

    code = "barred_already"


class SuspectUnknown(NotFound):
    """The event is not suspected to follow this dose, or it was not given here."""

    code = "suspect_unknown"


class OutcomeKnown(Conflict):
    """The card tells what became of the person: nothing is left to be asked."""

    code = "outcome_known"


class ReportOpen(Conflict):
    """A file is closed once its card is filed."""

    code = "report_open"


class OutcomeOpen(Conflict):
    """A file is closed once it is known what became of the person, or was asked often enough; ``tries`` are missing."""

    code = "outcome_open"


class ExportUnknown(NotFound):
    """No copy of this id was taken."""

    code = "card_export_unknown"


class CopyOfNothing(Refused):
    """Of none of these cases may the one it is for have a copy: no card was filed, or nothing is claimed of them."""

    code = "copy_of_nothing"


class ExportOfAnother(NotPermitted):
    """A copy is read by whoever gave the reason for it, and on that day."""

    code = "card_export_of_another"


@dataclass(frozen=True, slots=True)
class LaterEvent:
    """An event that the site heard of after the visit; ``classed`` as far as that is known."""

    found_how: FoundHow
    onset_at: datetime
    discovered_at: datetime | None = None
    dose_ids: Sequence[UUID] = ()
    elsewhere: Sequence[SuspectElsewhere] = field(default=(), repr=False)
    classed: Classed | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CardVersion:
    """One version of a card: the first is what was filed, the others say why they are there."""

    version: int
    card: Card = field(repr=False)
    reason: str = field(repr=False)
    written_by: UUID
    written_at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeTry:
    """A try to learn what became of somebody that came to nothing."""

    words: str = field(repr=False)
    tried_by: UUID
    tried_at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Conclusion:
    """What an event is concluded to have been, by whom."""

    final_class: FinalClass
    diagnosis: str
    concluded_on: date
    body: ConcludingBody | None = None
    level: BodyLevel | None = None
    harm: HarmGrade | None = None

    @property
    def who_class(self) -> WhoClass:
        """The class of the WHO it stands for; the last two of them are this project's reading."""
        return WHO_CLASS[self.final_class]


@dataclass(frozen=True, slots=True)
class Claim:
    """Costs that somebody was asked to bear, since when, and what came of it."""

    claim_id: UUID
    kind: ClaimKind
    claimed_on: date
    words: str = field(repr=False)
    settled_on: date | None = None
    settled_words: str = field(default="", repr=False)


def card_number(county_code: str, year: int, serial: int) -> str:
    """Return the 14 digits of a card: county, year, serial; raises CardSerialsUsedUp."""
    if serial > LAST_SERIAL:
        raise CardSerialsUsedUp
    number = f"{county_code}{year:04}{serial:04}"
    if not re.fullmatch(r"\d{14}", number):
        raise ValueError(f"a county's code has {_COUNTY_DIGITS} digits")
    return number


def refuse_inconclusive(told: Conclusion) -> None:
    """Refuse a conclusion that names nobody, unless it only says that nothing is concluded yet."""
    if told.final_class is FinalClass.PENDING:
        return
    lacking = [name for name, value in (("body", told.body), ("level", told.level)) if value is None]
    if not told.diagnosis.strip():
        lacking.append("diagnosis")
    if lacking:
        raise ConclusionIncomplete(findings=lacking)


def refuse_closing(card: Card | None, tries: int) -> None:
    """Refuse to close a file whose event was not reported, or whose outcome is unknown after fewer than three tries."""
    if card is None:
        raise ReportOpen
    if card.outcome in {None, CaseOutcome.UNKNOWN} and tries < LEAST_TRIES:
        raise OutcomeOpen(tries=LEAST_TRIES - tries)


def bars_later_doses(classed: Classed | None, barring: Barring) -> bool:
    """Tell whether an event, confirmed by a physician, stands against later doses of the vaccine."""
    if classed is None:
        return False
    return classed.kind in barring.kinds or bool(set(classed.seriousness) & set(barring.seriousness))


def fever_band(milli_celsius: int | None) -> FeverBand | None:
    """Return the card's band of a temperature in the armpit, None while none was measured."""
    if milli_celsius is None:
        return None
    tenths = (milli_celsius + 50) // 100
    for least_tenths, band in ((386, FeverBand.FROM_38_6), (376, FeverBand.TO_38_5), (371, FeverBand.TO_37_5)):
        if tenths >= least_tenths:
            return band
    return FeverBand.NONE


def required_reason(reason: str) -> str:
    """Return a reason without blanks around it, or raise ReportReasonNeeded."""
    if not reason.strip():
        raise ReportReasonNeeded
    return reason.strip()
