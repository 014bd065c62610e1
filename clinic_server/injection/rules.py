"""Whether the needle may go in: one pure decision over facts frozen in the recording transaction."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.stock.rules import UnitFacts, findings_for_unit

PERMIT_LASTS = timedelta(minutes=5)


class SentBackReason(StrEnum):
    """Why a bench sends a person back to the questions."""

    UNWELL = "unwell"
    ANSWERS_DOUBTED = "answers_doubted"
    PERSON_DOUBTED = "person_doubted"
    NO_USABLE_UNIT = "no_usable_unit"


class PermitFinding(StrEnum):
    """Why the server does not permit the needle; findings about the unit itself are stock's."""

    NO_STANDING_DECISION = "no_standing_decision"
    NO_CONSENT = "no_consent"
    DECISION_EXPIRED = "decision_expired"


class PermitRefused(Refused):
    """The needle may not go in; the findings say why, all of them."""

    code = "permit_refused"


class PermitUnknown(NotFound):
    """No permit has this id."""

    code = "permit_unknown"


class PermitExpired(Refused):
    """The permit's minutes are over; scan the unit again."""

    code = "permit_expired"


class PermitUsed(Conflict):
    """A dose was already recorded under this permit."""

    code = "permit_used"


class PermitOfAnother(Refused):
    """The permit was given to another vaccinator or another bench."""

    code = "permit_of_another"


class ScanPerished(Conflict):
    """What the scanner read is used, replaced or too old to be acted on."""

    code = "scan_perished"


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the physician decided and the person agreed to, as it stands now."""

    order_id: UUID
    decision_id: UUID
    product_code: str
    consent_id: UUID | None
    valid_until: datetime


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
    expires_at: datetime
    is_used: bool


def findings_for_needle(
    order: OrderFacts | None, unit: UnitFacts | None, now: datetime, today: date
) -> tuple[str, ...]:
    """Return every reason against the needle; an empty answer is the permit (疫苗管理法 art. 45)."""
    if order is None:
        return (PermitFinding.NO_STANDING_DECISION,)
    reasons = (
        (order.valid_until < now, PermitFinding.DECISION_EXPIRED),
        (order.consent_id is None, PermitFinding.NO_CONSENT),
    )
    about_order = tuple(finding for applies, finding in reasons if applies)
    return about_order + findings_for_unit(unit, order.product_code, today)


def refuse_foreign_permit(permit: PermitFacts, station: str | None, vaccinator_id: UUID | None, now: datetime) -> None:
    """Raise unless the permit is unused, still running, and this vaccinator's at this bench."""
    if permit.is_used:
        raise PermitUsed
    if permit.station != station or permit.vaccinator_id != vaccinator_id:
        raise PermitOfAnother
    if permit.expires_at < now:
        raise PermitExpired


def still_stands(
    permit: PermitFacts, actor: tuple[str | None, UUID | None], findings: tuple[str, ...], now: datetime
) -> bool:
    """Tell whether a screen may show this permit to an actor (station, staff id): only if a dose would be taken."""
    try:
        refuse_foreign_permit(permit, *actor, now)
    except (PermitUsed, PermitOfAnother, PermitExpired):
        return False
    return not findings


def same_order(permit: PermitFacts, order: OrderFacts | None) -> bool:
    """Tell whether what the permit was given for still stands unchanged."""
    return order is not None and (order.order_id, order.consent_id) == (permit.order_id, permit.consent_id)
