"""The record of one person's observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.care.lookup import CallFacts, call_of_visit
from clinic_server.kit.crypto import Keyring
from clinic_server.observation.actions import vouching_context
from clinic_server.observation.area import products_given
from clinic_server.observation.checks.lookup import check_standings
from clinic_server.observation.checks.rules import CheckStanding
from clinic_server.observation.handover.lookup import notes_of
from clinic_server.observation.handover.rules import Note
from clinic_server.observation.rules import OF_AGE, DepartureKind, EarlyReason, ExtensionReason
from clinic_server.observation.seats.lookup import free, place_of, placements_of
from clinic_server.observation.seats.rules import Place, Placed, Seat
from clinic_server.observation.tables import departure, early_leave, early_leave_signature, extension, time_vouched
from clinic_server.observation.unseen.lookup import all_unseen_of
from clinic_server.observation.unseen.rules import Unseen
from clinic_server.people.lookup import person, phones
from clinic_server.people.rules import PersonFacts
from clinic_server.people.signatures import Signer
from clinic_server.staff.actions import members
from clinic_server.visits.chain import visit_that_counts, waiting_for_more
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.watch import Watched, standing_watch, watched


@dataclass(frozen=True, slots=True)
class Extended:
    """By how many minutes an observation was made longer, and why."""

    minutes: int
    reason: ExtensionReason


@dataclass(frozen=True, slots=True)
class Departed:
    """How somebody left."""

    kind: DepartureKind
    reason: EarlyReason | None
    minutes_short: int
    left_at: datetime
    informed_by: UUID | None
    signed_by: Signer | None
    vouching: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything of one visit's observation; ``watched`` is None once it has ended, or gone on at ``goes_on_at``.

    ``further_ticket`` is the number under which they wait for a further vaccine.
    """

    visit: Standing
    person: PersonFacts
    watched: Watched | None
    products: Sequence[str]
    place: Place | None
    placements: Sequence[Placed]
    free: Sequence[Seat]
    called: CallFacts | None
    checks: CheckStanding | None
    extensions: Sequence[Extended]
    departure: Departed | None
    unseen: Sequence[Unseen]
    phone: str = field(repr=False)
    notes: Sequence[Note]
    is_minor: bool
    further_ticket: int | None
    goes_on_at: UUID | None
    names: Mapping[UUID, str]

    @property
    def may_ask_for_more(self) -> bool:
        """Whether they are as well as somebody is to be who is given a further vaccine."""
        return self.called is None and self.checks is not None and not self.checks.findings

    @property
    def gone(self) -> Unseen | None:
        """How they left unseen, while they are gone."""
        return self.unseen[-1] if self.visit.stage is Stage.LEFT_UNSEEN else None


def record_of(connection: Connection, keyring: Keyring, visit_id: UUID, today: date) -> Record:
    """Return the record of a visit's observation, or raise VisitUnknown."""
    visit = standing(connection, visit_id)
    watch = standing_watch(connection, visit_id)
    counts = visit_that_counts(connection, visit_id)
    who = person(connection, keyring, visit.person_id)
    return Record(
        visit=visit,
        person=who,
        watched=next((one for one in watched(connection) if one.visit_id == visit_id), None),
        products=products_given(connection, [visit_id]).get(visit_id, ()),
        place=place_of(connection, visit_id),
        placements=placements_of(connection, visit_id),
        free=free(connection),
        called=call_of_visit(connection, visit_id),
        checks=check_standings(connection, keyring, {visit_id: watch})[visit_id] if watch else None,
        extensions=_extensions(connection, visit_id),
        departure=_departure(connection, keyring, visit_id),
        unseen=all_unseen_of(connection, keyring, visit_id),
        phone=phones(connection, keyring, [visit.person_id]).get(visit.person_id, ""),
        notes=notes_of(connection, keyring, visit_id),
        is_minor=who.age_on(today) < OF_AGE.adult,
        further_ticket=waiting_for_more(connection).get(visit_id),
        goes_on_at=None if counts == visit_id else counts,
        names={one.staff_id: one.name for one in members(connection, keyring)},
    )


def _extensions(connection: Connection, visit_id: UUID) -> Sequence[Extended]:
    told = select(extension.c.minutes, extension.c.reason).where(extension.c.visit_id == visit_id)
    return [Extended(*row) for row in connection.execute(told.order_by(extension.c.journal_seq))]


def _departure(connection: Connection, keyring: Keyring, visit_id: UUID) -> Departed | None:
    row = connection.execute(
        select(
            departure.c.kind,
            departure.c.reason,
            departure.c.minutes_short,
            departure.c.left_at,
            early_leave.c.informed_by,
            early_leave_signature.c.signer,
            time_vouched.c.id,
            time_vouched.c.reason_sealed,
        )
        .outerjoin_from(departure, early_leave, early_leave.c.departure_id == departure.c.id)
        .outerjoin(early_leave_signature, early_leave_signature.c.departure_id == departure.c.id)
        .outerjoin(time_vouched, time_vouched.c.departure_id == departure.c.id)
        .where(departure.c.visit_id == visit_id)
    ).first()
    if row is None:
        return None
    sealed = row.reason_sealed
    return Departed(*row[:6], "" if sealed is None else keyring.open(sealed, vouching_context(row.id)))
