"""Whether whoever came to a bench is the one called there, kept as records; somebody else's card bars the needle."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from clinic_server.injection.rules import ByWord, IdentityCheck
from clinic_server.injection.tables import IdentityChecked, identity_checked, permit
from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.steps import VISITS, require_stage


@dataclass(frozen=True, slots=True)
class Shown:
    """A card or slip that a bench's reader read: whether it is of the one who is called, and whose visit it names."""

    delivery_id: UUID
    how: IdentityCheck
    is_called: bool
    visit_id: UUID | None


@dataclass(frozen=True, slots=True)
class Another:
    """Somebody else's card or slip was shown last; ``visit_id`` is the open visit of theirs, if they have one."""

    visit_id: UUID | None


def note_shown(tx: Tx, visit_id: UUID, shown: Shown) -> bool:
    """Record once what was shown at the actor's bench; tell whether another's stood against the visit until now."""
    if tx.execute(_noted, {"delivery_id": shown.delivery_id}).first():
        return False
    stood = another_at(tx.connection, visit_id, tx.actor.station) is not None
    _append(tx, visit_id, shown.how, shown.is_called, shown)
    return stood


def name_called(tx: Tx, visit_id: UUID, how: ByWord) -> None:
    """Record that the vaccinator found by another check than the reader's that the called person sits at the bench."""
    require_stage(tx, visit_id, Stage.WAITING_FOR_INJECTION, Outcome.DOSE_GIVEN)
    _append(tx, visit_id, how, is_called=True)


def another_at(connection: Connection, visit_id: UUID, station: str | None) -> Another | None:
    """Return whose card or slip stands against a visit at a bench: the one shown last, if it is another's."""
    last = connection.execute(_last, {"visit_id": visit_id, "station": station}).first()
    return None if last is None or last.is_called else Another(last.shown_visit_id)


def is_another(connection: Connection, visit_id: UUID, station: str | None, permit_id: UUID | None) -> bool:
    """Tell whether another's card or slip bars the needle; a permit is dead for good once one came after it."""
    if permit_id is None:
        return another_at(connection, visit_id, station) is not None
    of_permit = {"visit_id": visit_id, "station": station, "permit_id": permit_id}
    return connection.execute(_came_after, of_permit).first() is not None


def _append(tx: Tx, visit_id: UUID, how: IdentityCheck, is_called: bool, shown: Shown | None = None) -> None:
    tx.append(
        IdentityChecked,
        visit_id=visit_id,
        station=tx.actor.station,
        how=how,
        is_called=is_called,
        delivery_id=shown.delivery_id if shown else None,
        shown_visit_id=shown.visit_id if shown else None,
        checked_by=tx.actor.staff_id,
        checked_at=tx.now,
    )
    tx.journal("identity_checked" if is_called else "another_came", visit_id, VISITS)


_at_bench = (
    identity_checked.c.visit_id == bindparam("visit_id"),
    identity_checked.c.station == bindparam("station"),
)
_last = (
    select(identity_checked.c.is_called, identity_checked.c.shown_visit_id)
    .where(*_at_bench)
    .order_by(identity_checked.c.journal_seq.desc())
    .limit(1)
)
_granted = select(permit.c.journal_seq).where(permit.c.id == bindparam("permit_id")).scalar_subquery()
_came_after = (
    select(identity_checked.c.id)
    .where(*_at_bench, identity_checked.c.is_called.is_(False), identity_checked.c.journal_seq > _granted)
    .limit(1)
)
_noted = select(identity_checked.c.id).where(identity_checked.c.delivery_id == bindparam("delivery_id"))
