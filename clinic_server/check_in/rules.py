"""Who may be checked in: the questions a registration desk answers before a ticket is given."""

from datetime import date
from enum import StrEnum

from clinic_server.kit.errors import Conflict, Refused
from clinic_server.people.rules import CardFacts, IdentityFacts, age_in_months
from clinic_server.queue.rules import DosesPromised
from clinic_server.visits.rules import Admission, WithheldDose


class How(StrEnum):
    """How somebody showed who they are."""

    CARD = "card"
    SCAN = "scan"
    TYPED = "typed"


class TypedReason(StrEnum):
    """Why a registrar typed what a card should have told."""

    NO_CARD = "no_card"
    CARD_UNREADABLE = "card_unreadable"
    READER_BROKEN = "reader_broken"
    FOREIGN_DOCUMENT = "foreign_document"
    NEWBORN = "newborn"


class Finding(StrEnum):
    """What the desk should look at; none of it stops a check-in."""

    DOCUMENT_NOT_SEEN = "document_not_seen"
    CARD_EXPIRED = "card_expired"
    SEX_CONTRADICTS_NUMBER = "sex_contradicts_number"
    HELD_DETAILS_DIFFER = "held_details_differ"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    TWIN_ON_RECORD = "twin_on_record"
    DEFERRAL_STANDS = "deferral_stands"
    DEFERRAL_PAST = "deferral_past"
    OVERBOOKED = "overbooked"


class UnderAge(Refused):
    """Younger than the site vaccinates; ``minimum`` is in years."""

    code = "under_age"


class UnderMonths(UnderAge):
    """Younger than the site vaccinates, where the age is no whole year; ``minimum`` is in months."""

    code = "under_months"


class BornInFuture(Refused):
    """The birth date is still to come."""

    code = "born_in_future"


class BirthOrderTaken(Conflict):
    """A child of the other sex is on record under this mother, birth date and order: one of them has another order."""

    code = "birth_order_taken"


class CardPerished(Conflict):
    """What lay on the reader is used, replaced or too old to be acted on."""

    code = "card_perished"


class CardUnreadable(Refused):
    """The card that lies on the reader told nothing that can be used; the finding is why."""

    code = "card_unreadable"


class ScanIsUnit(Refused):
    """A vial was scanned where people are checked in."""

    code = "scan_is_unit"


class SlipIsNoDocument(Refused):
    """A slip was scanned where people are checked in; it finds a visit that is open, and says who nobody is."""

    code = "slip_is_no_document"


class BookingsNotSetUp(Refused):
    """A booking was scanned at a site that takes none."""

    code = "bookings_not_set_up"


class DocumentNeeded(Refused):
    """The card names its holder, but nobody is registered by such a card: another document is typed."""

    code = "document_needed"


def refuse_inadmissible(stated: IdentityFacts, day: date, admission: Admission) -> None:
    """Raise unless this person may have a ticket on this clinic day."""
    if stated.born_on > day:
        raise BornInFuture
    if age_in_months(stated.born_on, day) < admission.from_months:
        years, months = divmod(admission.from_months, 12)
        raise UnderMonths(minimum=admission.from_months) if months else UnderAge(minimum=years)


def findings_for(  # noqa: PLR0913  # each from its own owner
    stated: IdentityFacts,
    day: date,
    *,
    document_seen: bool = True,
    differs_from_held: bool = False,
    has_duplicates: bool = False,
    has_twins: bool = False,
    deferral: WithheldDose | None = None,
    promised: DosesPromised | None = None,
) -> tuple[Finding, ...]:
    """Return what the desk should look at, the gravest first."""
    valid_until = stated.valid_until if isinstance(stated, CardFacts) else None
    told = (
        (not document_seen, Finding.DOCUMENT_NOT_SEEN),
        (valid_until is not None and valid_until < day, Finding.CARD_EXPIRED),
        (stated.document.sex not in {None, stated.sex}, Finding.SEX_CONTRADICTS_NUMBER),
        (differs_from_held, Finding.HELD_DETAILS_DIFFER),
        (has_duplicates, Finding.POSSIBLE_DUPLICATE),
        (has_twins, Finding.TWIN_ON_RECORD),
        (deferral is not None and deferral.stands_on(day), Finding.DEFERRAL_STANDS),
        (deferral is not None and not deferral.stands_on(day), Finding.DEFERRAL_PAST),
        (promised is not None and promised.waiting >= promised.usable, Finding.OVERBOOKED),
    )
    return tuple(finding for applies, finding in told if applies)
