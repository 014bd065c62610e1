"""Whether the needle may go in: one pure decision over facts frozen in the recording transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from clinic_server.kit.errors import Conflict, Malformed, NotFound, Refused
from clinic_server.people.rules import age_in_months
from clinic_server.stock.rules import AtBench, BodySite, StopFinding, UnitFacts, UnitFinding, findings_for_unit
from clinic_server.stock.vaccines import Vaccine
from clinic_server.visits.body_sites import sites_left

PERMIT_LASTS = timedelta(minutes=5)
LEAST_OBSERVATION_MINUTES = 30  # 预防接种工作规范: nobody leaves earlier


class SentBackReason(StrEnum):
    """Why a bench sends a person back to the questions."""

    UNWELL = "unwell"
    ANSWERS_DOUBTED = "answers_doubted"
    PERSON_DOUBTED = "person_doubted"
    NO_USABLE_UNIT = "no_usable_unit"


class IdentityCheck(StrEnum):
    """How a bench learnt who sits there: what was shown to its reader, or what the vaccinator did instead."""

    CARD = "card"
    SLIP = "slip"
    DOCUMENT_BY_EYE = "document_by_eye"
    TOLD_BIRTH_DATE = "told_birth_date"


ByWord = Literal[IdentityCheck.DOCUMENT_BY_EYE, IdentityCheck.TOLD_BIRTH_DATE]


class PermitFinding(StrEnum):
    """Why the server does not permit the needle; findings about the unit itself are stock's."""

    NO_STANDING_DECISION = "no_standing_decision"
    NO_CONSENT = "no_consent"
    DECISION_EXPIRED = "decision_expired"
    PHYSICIAN_IS_VACCINATOR = "physician_is_vaccinator"
    VACCINE_NOT_IN_CATALOGUE = "vaccine_not_in_catalogue"
    AGE_OUTSIDE_VACCINE = "age_outside_vaccine"
    ROUTE_OUTSIDE_VACCINE = "route_outside_vaccine"
    VOLUME_OUTSIDE_VACCINE = "volume_outside_vaccine"
    NO_BODY_SITE_LEFT = "no_body_site_left"
    EARLIER_DOSE_NOT_WATCHED = "earlier_dose_not_watched"
    UNDER_CARE = "under_care"
    ANOTHER_CAME = "another_came"
    PERMIT_OVER = "permit_over"
    VACCINATOR_NOT_QUALIFIED = "vaccinator_not_qualified"
    TOLD_BY_ANOTHER = "told_by_another"


class PermitRefused(Refused):
    """The needle may not go in; the findings say why, all of them."""

    code = "permit_refused"


class BodySiteNotSaid(Malformed):
    """Nobody said where the needle went in; no place is the usual one."""

    code = "body_site_not_said"


class PermitUnknown(NotFound):
    """No permit has this id."""

    code = "permit_unknown"


class PermitExpired(Refused):
    """The permit's minutes are over; scan the unit again."""

    code = "permit_expired"


class PermitOfAnotherDay(Refused):
    """The permit's clinic day is over: no dose of that day is recorded as one of this."""

    code = "permit_of_another_day"


class NeedleUnexplained(Refused):
    """Something stands against a needle that was in already, and nobody said how it came; ``findings`` say what."""

    code = "needle_unexplained"


class PermitUsed(Conflict):
    """A dose was already recorded under this permit."""

    code = "permit_used"


class PermitOfAnother(Refused):
    """The permit was given to another vaccinator or another bench."""

    code = "permit_of_another"


class ScanPerished(Conflict):
    """What the scanner read is used, replaced or too old to be acted on."""

    code = "scan_perished"


class CheckListChanged(Conflict):
    """The bench confirmed by another list of confirmations than is in force."""

    code = "check_list_changed"


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the physician decided and the person agreed to, as it stands now."""

    order_id: UUID
    decision_id: UUID
    product_code: str
    consent_id: UUID | None
    valid_until: datetime
    physician_id: UUID
    observation_minutes: int


@dataclass(frozen=True, slots=True)
class Followed:
    """How somebody stands whose further vaccine this is: watched after the dose before, or not; cared for, or not."""

    is_watched: bool
    is_cared_for: bool


@dataclass(frozen=True, slots=True)
class NeedleFacts:
    """Everything the needle rests on, as it stands now.

    ``box`` (the bench's), ``pauses`` (the opening's) and ``outlook`` (the schedule's) are findings of theirs, each of
    which forbids the needle. ``sites_used`` are those of the doses the person was given on this clinic day;
    ``followed`` is how they stand after the dose before, if this is a further. ``is_another`` says that the card or
    slip shown at the bench was somebody else's (``identity.py``). Where this needle goes in is none of them: what
    speaks against that is recorded beside the dose (``visits/body_sites.py``).
    """

    at: AtBench
    person_id: UUID = field(repr=False)
    order: OrderFacts | None
    unit: UnitFacts | None
    vaccine: Vaccine | None
    born_on: date = field(repr=False)
    vaccinator_id: UUID | None
    is_physician_separate: bool
    required: tuple[str, ...]
    confirmed: frozenset[str]
    box: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    outlook: tuple[str, ...] = ()
    sites_used: frozenset[BodySite] = frozenset()
    followed: Followed | None = None
    is_another: bool = False

    @property
    def body_sites(self) -> tuple[BodySite, ...]:
        """Where the vaccine may go in."""
        return self.vaccine.body_sites if self.vaccine else ()


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """A permit once given: it binds one person, one order, one unit, one bench and one vaccinator for minutes."""

    permit_id: UUID
    visit_id: UUID
    order_id: UUID
    consent_id: UUID
    unit_id: UUID
    station: str
    vaccinator_id: UUID
    granted_at: datetime
    expires_at: datetime
    is_used: bool


ABOUT_VIAL: Final = frozenset(
    {
        UnitFinding.LOT_EXPIRED,
        UnitFinding.UNIT_USED_UP,
        UnitFinding.UNIT_OPEN_TOO_LONG,
        UnitFinding.UNIT_ON_HOLD,
        StopFinding.UNIT_STOPPED,
        StopFinding.LOT_STOPPED,
        StopFinding.PRODUCT_STOPPED,
    }
)  # what the keepers hear of when a dose of it was given all the same


def findings_for_needle(facts: NeedleFacts) -> tuple[str, ...]:
    """Return every reason against the needle; an empty answer is the permit (疫苗管理法 art. 45)."""
    if facts.order is None:
        return (PermitFinding.NO_STANDING_DECISION,)
    return (
        *facts.pauses,
        *((PermitFinding.ANOTHER_CAME,) if facts.is_another else ()),
        *_about_order(facts, facts.order),
        *facts.outlook,
        *findings_for_unit(facts.unit, facts.order.product_code, facts.at),
        *facts.box,
        *facts.stops,
        *_about_vaccine(facts, facts.vaccine),
        *_about_dose_before(facts),
        *(unconfirmed(code) for code in facts.required if code not in facts.confirmed),
    )


def unconfirmed(code: str) -> str:
    """Return the finding that one of the bench's confirmations is missing."""
    return f"unconfirmed_{code}"


def permit_ends(now: datetime, order: OrderFacts, unit: UnitFacts, lot_good_until: datetime) -> datetime:
    """Return when a permit given now is over: its minutes, the order's day, the lot's or the open vial's time."""
    return min(now + PERMIT_LASTS, order.valid_until, lot_good_until, unit.open_until or lot_good_until)


def minutes_to_stay(order: OrderFacts, site_minutes: int) -> int:
    """Return the minutes under observation: the longest of the order's, the site's and the floor for everybody."""
    return max(order.observation_minutes, site_minutes, LEAST_OBSERVATION_MINUTES)


def refuse_foreign_permit(permit: PermitFacts, station: str | None, vaccinator_id: UUID | None, now: datetime) -> None:
    """Raise unless the permit is unused, still running, and this vaccinator's at this bench."""
    if permit.is_used:
        raise PermitUsed
    if permit.station != station or permit.vaccinator_id != vaccinator_id:
        raise PermitOfAnother
    if permit.expires_at < now:
        raise PermitExpired


def refuse_permit_of_elsewhere(permit: PermitFacts, station: str | None) -> None:
    """Raise unless the permit is unused and of this bench: more is not asked of a needle that was in already."""
    if permit.is_used:
        raise PermitUsed
    if permit.station != station:
        raise PermitOfAnother


def findings_for_needle_in(
    permit: PermitFacts, facts: NeedleFacts, standing: OrderFacts | None, *, is_qualified: bool, told_by: UUID | None
) -> tuple[str, ...]:
    """Return everything that stands against a needle that was in already; ``facts`` are of the order permitted.

    ``standing`` is the order that stands now, if one does, ``told_by`` who says that it was in.
    """
    is_ordered = standing is not None and standing.order_id == permit.order_id
    reasons = (
        (permit.expires_at < facts.at.now, PermitFinding.PERMIT_OVER),
        (not is_ordered, PermitFinding.NO_STANDING_DECISION),
        (not is_qualified, PermitFinding.VACCINATOR_NOT_QUALIFIED),
        (told_by != permit.vaccinator_id, PermitFinding.TOLD_BY_ANOTHER),
    )
    told = tuple(finding for applies, finding in reasons if applies)
    return tuple(dict.fromkeys((*told, *findings_for_needle(facts))))


def same_order(permit: PermitFacts, order: OrderFacts | None) -> bool:
    """Tell whether what the permit was given for still stands unchanged."""
    return order is not None and (order.order_id, order.consent_id) == (permit.order_id, permit.consent_id)


def _about_order(facts: NeedleFacts, order: OrderFacts) -> Iterable[str]:
    if order.valid_until <= facts.at.now:
        yield PermitFinding.DECISION_EXPIRED
    if order.consent_id is None:
        yield PermitFinding.NO_CONSENT
    if facts.is_physician_separate and order.physician_id == facts.vaccinator_id:
        yield PermitFinding.PHYSICIAN_IS_VACCINATOR


def _about_dose_before(facts: NeedleFacts) -> Iterable[str]:
    """Compare with what was given on this clinic day."""
    if facts.followed is not None and not facts.followed.is_watched:
        yield PermitFinding.EARLIER_DOSE_NOT_WATCHED
    if facts.followed is not None and facts.followed.is_cared_for:
        yield PermitFinding.UNDER_CARE


def _about_vaccine(facts: NeedleFacts, vaccine: Vaccine | None) -> Iterable[str]:
    """Compare the product, the recipient's age and the places that are left with the catalogue."""
    if facts.unit is None:
        return
    if vaccine is None:
        yield PermitFinding.VACCINE_NOT_IN_CATALOGUE
        return
    if not vaccine.admits(age_in_months(facts.born_on, facts.at.today), facts.at.today):
        yield PermitFinding.AGE_OUTSIDE_VACCINE
    if facts.unit.route not in vaccine.routes:
        yield PermitFinding.ROUTE_OUTSIDE_VACCINE
    if facts.unit.volume_ul != vaccine.volume_ul:
        yield PermitFinding.VOLUME_OUTSIDE_VACCINE
    if not sites_left(vaccine.body_sites, facts.sites_used):
        yield PermitFinding.NO_BODY_SITE_LEFT
