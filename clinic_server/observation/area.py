"""Everyone in the area as its nurses see them: who, where, what is due, and whom to look at first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.care.lookup import CallFacts, calls_by_visit
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.moments import Turn
from clinic_server.kit.turns import moment_of, turns_since
from clinic_server.observation.checks.lookup import check_standings
from clinic_server.observation.checks.rules import CheckStanding
from clinic_server.observation.rules import urgency
from clinic_server.observation.seats.lookup import places, seats
from clinic_server.observation.seats.rules import Place, Seat, free_seats
from clinic_server.observation.unseen.lookup import came_back
from clinic_server.observation.unseen.rules import CameBack
from clinic_server.people.lookup import people
from clinic_server.people.rules import PersonFacts
from clinic_server.stock.tables import product
from clinic_server.visits.chain import stays, waiting_for_more
from clinic_server.visits.doses import in_error
from clinic_server.visits.tables import dose
from clinic_server.visits.watch import Watched, watched

TURNS_SHOWN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seated:
    """One person of the area; without a ``place`` they have not arrived from the bench yet.

    ``came_back`` is of whoever had left unseen, ``further_ticket`` of whoever waits for a further vaccine.
    """

    watched: Watched
    person: PersonFacts
    products: Sequence[str]
    place: Place | None
    called: CallFacts | None
    checks: CheckStanding
    came_back: CameBack | None = None
    further_ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """Everyone under observation, whom to look at first at the top; the free seats; the clock's turns lately."""

    people: Sequence[Seated]
    free: Sequence[Seat]
    turns: Sequence[Turn]


def area(connection: Connection, keyring: Keyring) -> Area:
    """Return the area as it is now: a card each for each visit, whatever their names are."""
    present = watched(connection)
    known = people(connection, keyring, [one.person_id for one in present])
    given = products_given(connection, [one.visit_id for one in present])
    seated, calls = places(connection), calls_by_visit(connection)
    more = waiting_for_more(connection)
    returned = came_back(connection, [one.visit_id for one in present])
    checks = check_standings(connection, keyring, {one.visit_id: one for one in present})
    cards = [
        Seated(
            watched=one,
            person=known[one.person_id],
            products=given.get(one.visit_id, ()),
            place=seated.get(one.visit_id),
            called=calls.get(one.visit_id),
            checks=checks[one.visit_id],
            came_back=returned.get(one.visit_id),
            further_ticket=more.get(one.visit_id),
        )
        for one in present
    ]
    return Area(
        sorted(cards, key=_urgency),
        free_seats(seats(connection), seated.values()),
        turns_since(connection, moment_of(connection).at - TURNS_SHOWN),
    )


def _urgency(one: Seated) -> tuple[int, int, int]:
    left = one.watched.minutes_left
    rank = urgency(left, is_overdue=one.checks.is_overdue, is_cared_for=one.called is not None)
    return rank, left, one.watched.ticket_number


def products_given(connection: Connection, visit_ids: Collection[UUID]) -> Mapping[UUID, Sequence[str]]:
    """Return the names of what was given on the stay of each visit, in the order it was given."""
    of_stay = stays(connection, visit_ids)
    rows = connection.execute(
        select(dose.c.visit_id, product.c.name)
        .join(product, product.c.code == dose.c.product_code)
        .where(dose.c.visit_id.in_({one for stay in of_stay.values() for one in stay}), ~in_error())
        .order_by(dose.c.journal_seq)
    ).all()
    return {visit_id: [row.name for row in rows if row.visit_id in stay] for visit_id, stay in of_stay.items()}
