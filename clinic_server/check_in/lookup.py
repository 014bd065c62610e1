"""What a desk sees: the card on its reader, and visits as far as a role may know them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.check_in.actions import Arrival
from clinic_server.check_in.admission import AdmissionOn, admission_of
from clinic_server.check_in.rules import (
    BookingsNotSetUp,
    CardPerished,
    CardUnreadable,
    DocumentNeeded,
    Finding,
    How,
    ScanIsUnit,
    SlipIsNoDocument,
    findings_for,
    refuse_inadmissible,
)
from clinic_server.check_in.tables import check_in
from clinic_server.kit.call import Call, House
from clinic_server.kit.clock import business_date
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.kit.labels import labels
from clinic_server.kit.tx import Tx
from clinic_server.people.documents import Document, DocumentKind, NumberRefused, Sex
from clinic_server.people.lookup import find_by_document, people, person
from clinic_server.people.rules import (
    CardFacts,
    CardFault,
    CardHolder,
    IdentityFacts,
    PersonFacts,
    PersonUnknown,
    differs_from_held,
    mask_number,
)
from clinic_server.queue.promises import doses_promised
from clinic_server.queue.rules import DosesPromised, refuse_without_dose
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import BookingScan, ScanFacts, ScanFault, UnitScan, VisitScan, refusal_of
from clinic_server.visits.against import GivenAgainstRule, given_against_rule
from clinic_server.visits.body_sites import BodySiteFinding
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import Standing, history, open_visit_of, standing, standing_at
from clinic_server.visits.rules import Admission
from clinic_server.visits.slip_code import visit_of_slip
from clinic_server.visits.steps import VisitAlreadyOpen
from clinic_server.visits.tables import dose
from clinic_server.visits.withheld import deferral_of

KNOW_NAMES = frozenset({Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR, Role.OBSERVER, Role.SITE_LEAD})
TREAT = frozenset({Role.PHYSICIAN, Role.VACCINATOR, Role.OBSERVER, Role.SITE_LEAD})
_OF_PLACES = frozenset(BodySiteFinding)  # what stands against a needle may tell of its person's health
MAY_CLOSE = frozenset({Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR, Role.SITE_LEAD})


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person as a role may see them: whole, or no more than a masked name."""

    name: str = field(repr=False)
    is_masked: bool
    latin_name: str | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    born_on: date | None = field(default=None, repr=False)
    document_kind: DocumentKind | None = None
    masked_number: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step of a visit's history."""

    outcome: Outcome
    stage: Stage
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class VisitSeen:
    """Where one visit stands."""

    visit_id: UUID
    ticket_number: int
    stage: Stage
    is_open: bool
    since_at: datetime
    called_to: str | None
    person: PersonSeen


@dataclass(frozen=True, slots=True)
class VisitHistory:
    """One visit with every step it took, and what of its dose stands against a rule, for those who know names."""

    visit: VisitSeen
    steps: tuple[StepSeen, ...]
    against_rule: tuple[GivenAgainstRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket just given, and what the desk should look at."""

    visit_id: UUID
    ticket_number: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies at a station's reader or was scanned there; ``fault`` is the error that a check-in would meet."""

    delivery_id: UUID
    how: How
    fault: str | None = None
    fault_facts: Mapping[str, str | int] = field(default_factory=dict)
    person: PersonSeen | None = None
    is_known: bool = False
    open_visit_id: UUID | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def fault_group(self) -> str:
        """Which labels have the words of the fault: those of refusals, or those of cards that cannot be read."""
        return "card_fault" if self.fault in labels()["card_fault"] else "error"


def lying_at(house: House, connection: Connection, station: str, admission_on: AdmissionOn) -> Lying | None:
    """Return what a device delivered to a station last, with what we know of that person."""
    keyring, inbox, site = house.db.keyring, house.inbox, house.settings.site
    day = business_date(house.db.clock.now(), site.zone, site.day_starts_at)
    delivery, how = _newest(inbox, station)
    if delivery is None:
        return None
    if isinstance(delivery.content, CardFault):
        return Lying(delivery.id, how, _shown_fault(delivery.content))
    if isinstance(delivery.content, CardHolder):
        return Lying(delivery.id, how, DocumentNeeded.code, person=_holder_seen(delivery.content))
    try:
        if isinstance(delivery.content, VisitScan):
            return _slip_seen(connection, keyring, delivery, how)
        stated = _stated_by(connection, keyring, delivery.content)
    except ClinicError as refused:
        return Lying(delivery.id, how, refused.code, refused.facts)
    person_id = find_by_document(connection, keyring, stated.document)
    held = person(connection, keyring, person_id) if person_id else None
    visit = open_visit_of(connection, person_id) if person_id else None
    deferral = deferral_of(connection, person_id, site.zone) if person_id else None
    promised = doses_promised(connection, site, house.db.clock.now().astimezone(site.zone).date())
    obstacle = _obstacle(stated, visit, day, promised, admission_on(connection, day))
    return Lying(
        delivery.id,
        how,
        obstacle.code if obstacle else None,
        obstacle.facts if obstacle else {},
        _seen_on_card(stated),
        is_known=held is not None,
        open_visit_id=visit.visit_id if visit else None,
        findings=findings_for(
            stated,
            day,
            differs_from_held=held is not None and differs_from_held(stated, held),
            deferral=deferral,
            promised=promised,
        ),
    )


def lying_for(call: Call) -> Callable[[Connection], Lying | None]:
    """Return the question what lies at the caller's station now."""
    station, admission_on = call.station(), admission_of(call)
    return lambda connection: lying_at(call.house, connection, station, admission_on)


def holder_at(inbox: Inbox, station: str) -> CardHolder | None:
    """Return whom the card names that lies at a station, when it is one that only fills in the form."""
    delivery, _ = _newest(inbox, station)
    return delivery.content if delivery and isinstance(delivery.content, CardHolder) else None


def arrival_by_delivery(tx: Tx, inbox: Inbox, station: str, delivery_id: UUID, *, take_stated: bool) -> Arrival:
    """Return who is at the desk by what a device delivered there, or raise CardPerished."""
    delivery, how = _newest(inbox, station, delivery_id)
    if delivery is None:
        raise CardPerished
    return Arrival(_stated_by(tx.connection, tx.keyring, delivery.content), how, take_stated=take_stated)


def sound_fault(inbox: Inbox, station: str, lying: Lying | None) -> None:
    """Let a scanner hear that its scan checks nobody in; somebody new is no fault, their form is begun with it."""
    if lying and lying.how is How.SCAN and lying.fault not in {None, PersonUnknown.code}:
        inbox.judge(station, lying.delivery_id, accepted=False)


def begun_with(inbox: Inbox, station: str, delivery_id: UUID) -> Document | None:
    """Return the document whose number was scanned at a station, to begin the typed form with, if it still lies there.

    The page's address names the delivery, never the number.
    """
    delivery, _ = _newest(inbox, station, delivery_id)
    try:
        return Document.parse(scanned_number(delivery.content)) if delivery else None
    except (ClinicError, TypeError):
        return None


def owners_of(connection: Connection, keyring: Keyring, scanned: ScanFacts) -> Collection[UUID]:
    """Return whose document's number was scanned, nobody where it is none or unknown."""
    try:
        owner = find_by_document(connection, keyring, Document.parse(scanned.text))
    except NumberRefused:
        return ()
    return () if owner is None else (owner,)


def issued(connection: Connection, visit_id: UUID) -> Issued:
    """Return the ticket a check-in gave, or raise VisitUnknown."""
    found = standing(connection, visit_id)
    record_id = history(connection, visit_id)[0].record_id
    findings = connection.execute(select(check_in.c.findings).where(check_in.c.id == record_id)).scalar_one()
    return Issued(visit_id, found.ticket_number, tuple(findings.split()))


def visit_seen(connection: Connection, keyring: Keyring, visit_id: UUID, roles: Collection[str]) -> VisitHistory:
    """Return one visit as these roles may see it, or raise VisitUnknown."""
    found = standing(connection, visit_id)
    facts = person(connection, keyring, found.person_id)
    steps = tuple(StepSeen(step.outcome, step.stage, step.taken_at) for step in history(connection, visit_id))
    return VisitHistory(_seen(found, facts, roles), steps, _against_rule(connection, keyring, visit_id, roles))


def _against_rule(
    connection: Connection, keyring: Keyring, visit_id: UUID, roles: Collection[str]
) -> tuple[GivenAgainstRule, ...]:
    if not KNOW_NAMES & set(roles):
        return ()
    of_visit, opens = dose.c.visit_id == visit_id, Role.PHYSICIAN in roles
    found = given_against_rule(connection, keyring, of_visit, with_reasons=opens)
    if not TREAT & set(roles):
        found = [replace(one, findings=tuple(code for code in one.findings if code in _OF_PLACES)) for one in found]
    return tuple(found)


def visits_seen(
    connection: Connection, keyring: Keyring, stages: Collection[Stage], roles: Collection[str]
) -> Sequence[VisitSeen]:
    """Return the visits at these stages as these roles may see them, in ticket order."""
    found = standing_at(connection, *stages)
    facts = people(connection, keyring, {one.person_id for one in found})
    return [_seen(one, facts[one.person_id], roles) for one in found]


def _slip_seen(connection: Connection, keyring: Keyring, delivery: Delivery, how: How) -> Lying:
    """Return the open visit of a slip; a slip is no document, so it never checks anybody in."""
    visit = visit_of_slip(connection, keyring, delivery.content.code)
    if not visit.stage.is_open:
        raise SlipIsNoDocument
    held = person_seen(person(connection, keyring, visit.person_id), KNOW_NAMES)
    return Lying(
        delivery.id,
        how,
        VisitAlreadyOpen.code,
        {"ticket": visit.ticket_number},
        held,
        is_known=True,
        open_visit_id=visit.visit_id,
    )


def _shown_fault(fault: CardFault) -> str:
    """Return the code people are told; a reader's own word is none of theirs, unless it says what to do instead."""
    is_told = fault.code in labels()["error"] or fault.code in labels()["card_fault"]
    return fault.code if is_told else CardUnreadable.code


def _obstacle(
    stated: IdentityFacts, visit: Standing | None, day: date, promised: DosesPromised | None, admission: Admission
) -> ClinicError | None:
    """Return the error a check-in would meet now."""
    if visit is not None:
        return VisitAlreadyOpen(ticket=visit.ticket_number)
    try:
        refuse_inadmissible(stated, day, admission)
        refuse_without_dose(promised)
    except ClinicError as refused:
        return refused
    return None


def _newest(inbox: Inbox, station: str, delivery_id: UUID | None = None) -> tuple[Delivery | None, How]:
    """Return the station's latest card or scan, whichever came last, or the one that is asked for."""
    lying = [(inbox.latest(station, how.value), how) for how in (How.CARD, How.SCAN)]
    wanted = [
        (delivery, how) for delivery, how in lying if delivery and (delivery_id is None or delivery.id == delivery_id)
    ]
    return max(wanted, key=lambda one: one[0].id, default=(None, How.CARD))


def _stated_by(connection: Connection, keyring: Keyring, content: object) -> IdentityFacts:
    """Return who a card or a scan says somebody is; a scanned number speaks only for a person we know."""
    if isinstance(content, CardFacts):
        return content
    if isinstance(content, CardFault):
        raise CardUnreadable(findings=[content.code])
    if isinstance(content, CardHolder):
        raise DocumentNeeded
    document = Document.parse(scanned_number(content))
    person_id = find_by_document(connection, keyring, document)
    if person_id is None:
        raise PersonUnknown
    held = person(connection, keyring, person_id)
    return IdentityFacts(document, held.name, held.sex, held.born_on, held.latin_name, held.nationality)


def scanned_number(content: object) -> str:
    """Return the text of a scan that may be a document's number, or raise a Refused that says what it is instead."""
    match content:
        case ScanFacts(text):
            return text
        case ScanFault():
            raise refusal_of(content)
        case BookingScan():
            raise BookingsNotSetUp
        case UnitScan():
            raise ScanIsUnit
        case VisitScan():
            raise SlipIsNoDocument
    raise TypeError(type(content).__name__)


def _seen_on_card(stated: IdentityFacts) -> PersonSeen:
    return PersonSeen(
        stated.name,
        False,
        stated.latin_name,
        stated.sex,
        stated.born_on,
        stated.document.kind,
        mask_number(stated.document.number),
    )


def _holder_seen(holder: CardHolder) -> PersonSeen:
    return PersonSeen(holder.name, False, holder.latin_name, holder.sex, holder.born_on)


def _seen(found: Standing, facts: PersonFacts, roles: Collection[str]) -> VisitSeen:
    return VisitSeen(
        found.visit_id,
        found.ticket_number,
        found.stage,
        found.stage.is_open,
        found.since_at,
        found.called_to,
        person_seen(facts, roles),
    )


def person_seen(facts: PersonFacts, roles: Collection[str]) -> PersonSeen:
    """Return a person as these roles may see them."""
    if not KNOW_NAMES & set(roles):
        return PersonSeen(facts.masked_name, is_masked=True)
    return PersonSeen(
        facts.name, False, facts.latin_name, facts.sex, facts.born_on, facts.document_kind, facts.masked_number
    )
