"""A group that was checked in: who belongs to it, under which tickets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.check_in.group.rules import GroupUnknown
from clinic_server.check_in.lookup import VisitSeen, visit_seen
from clinic_server.kit.crypto import Keyring
from clinic_server.queue.tables import visit_group, visit_in_group
from clinic_server.visits.tables import visit


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group as a role may see it, in ticket order."""

    group_id: UUID
    label: str
    visits: Sequence[VisitSeen]


def group_seen(connection: Connection, keyring: Keyring, group_id: UUID, roles: Collection[str]) -> GroupSeen:
    """Return a group with its people, or raise GroupUnknown."""
    label = connection.execute(select(visit_group.c.label).where(visit_group.c.id == group_id)).scalar()
    if label is None:
        raise GroupUnknown
    rows = connection.execute(
        select(visit_in_group.c.visit_id)
        .join(visit, visit.c.id == visit_in_group.c.visit_id)
        .where(visit_in_group.c.group_id == group_id)
        .order_by(visit.c.ticket_number)
    ).scalars()
    return GroupSeen(group_id, label, [visit_seen(connection, keyring, one, roles).visit for one in rows])
