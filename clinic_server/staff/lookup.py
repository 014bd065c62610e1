"""Questions about who is here with which certificate, and what somebody is called."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, or_, select

from clinic_server.kit.crypto import Keyring
from clinic_server.staff.actions import open_name
from clinic_server.staff.rules import (
    LONGEST_SESSION,
    Certificate,
    QualificationKind,
    Role,
    StationKind,
    Stay,
    session_over_at,
    standing_certificates,
)
from clinic_server.staff.tables import qualification, role_grant, staff, staff_ended, staff_session, station


def name_of(connection: Connection, keyring: Keyring, staff_id: UUID) -> str:
    """Return the name of one of the staff, also of one who left."""
    sealed = connection.execute(select(staff.c.name_sealed).where(staff.c.id == staff_id)).scalar_one()
    return open_name(keyring, staff_id, sealed)


def number_of(connection: Connection, staff_id: UUID) -> str:
    """Return the number of one of the staff, by which they are told where a name must not stand."""
    number: str = connection.execute(select(staff.c.number).where(staff.c.id == staff_id)).scalar_one()
    return number


def staff_at(connection: Connection, kind: StationKind, now: datetime, idle: timedelta) -> Sequence[tuple[str, UUID]]:
    """Return who is signed in at stations of a kind, by station."""
    session = staff_session.c
    rows = connection.execute(
        select(session.station, session.staff_id)
        .join(station, station.c.code == session.station)
        .where(
            station.c.kind == kind,
            session.ended_at.is_(None),
            session.signed_in_at > now - LONGEST_SESSION,
            session.last_seen_at > now - idle,
        )
        .order_by(session.station)
    )
    return [(row.station, row.staff_id) for row in rows]


def qualified_stays(
    connection: Connection, kinds: tuple[QualificationKind, ...], now: datetime, on: date, idle: timedelta
) -> Sequence[Stay]:
    """Return the sign-ins of the last shift's length by those who hold such a certificate on a date.

    A physician counts only while the role of physician stands as well: nobody decides without it.
    """
    rows = connection.execute(_sessions_of_qualified(kinds), {"since": now - LONGEST_SESSION})
    return [stay for _, group in groupby(rows, attrgetter("id")) for stay in _stays(list(group), on, idle)]


def stations_open(
    connection: Connection, kinds: Collection[StationKind], roles: Collection[Role], now: datetime, idle: timedelta
) -> Sequence[str]:
    """Return the stations of these kinds at which somebody with one of these roles is signed in, by code."""
    return (
        connection.execute(
            select(staff_session.c.station)
            .join(station, station.c.code == staff_session.c.station)
            .where(
                station.c.kind.in_(kinds),
                staff_session.c.signed_in_at > now - LONGEST_SESSION,
                staff_session.c.last_seen_at > now - idle,
                staff_session.c.ended_at.is_(None),
                or_(*(_holds(role) for role in sorted(roles))),
                ~exists().where(staff_ended.c.staff_id == staff_session.c.staff_id),
            )
            .distinct()
            .order_by(staff_session.c.station)
        )
        .scalars()
        .all()
    )


def _holds(role: Role) -> ColumnElement[bool]:
    """Tell of a session's holder whether the last decision about a role granted it."""
    decided = role_grant.c.staff_id == staff_session.c.staff_id
    granted = (
        select(role_grant.c.granted)
        .where(decided, role_grant.c.role == role)
        .order_by(role_grant.c.journal_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return granted.is_(True)


@cache
def _sessions_of_qualified(kinds: tuple[QualificationKind, ...]) -> Select[Any]:
    return (
        select(
            staff_session.c.id,
            staff_session.c.staff_id,
            staff_session.c.signed_in_at,
            staff_session.c.last_seen_at,
            staff_session.c.ended_at,
            *(qualification.c[name] for name in Certificate.__dataclass_fields__),
        )
        .join_from(staff_session, qualification, qualification.c.staff_id == staff_session.c.staff_id)
        .where(
            staff_session.c.signed_in_at > bindparam("since"),
            qualification.c.kind.in_(kinds),
            or_(qualification.c.kind != QualificationKind.PHYSICIAN, _holds(Role.PHYSICIAN)),
            ~exists().where(staff_ended.c.staff_id == staff_session.c.staff_id),
        )
        .order_by(staff_session.c.id, qualification.c.journal_seq)
    )


def _stays(rows: Sequence[Any], on: date, idle: timedelta) -> Sequence[Stay]:
    """Return one sign-in once for each kind of certificate that counts; the rows are its holder's, oldest first."""
    held = standing_certificates(Certificate(*row[5:]) for row in rows)
    session = rows[0]
    over_at = session_over_at(session.signed_in_at, session.last_seen_at, idle)
    if session.ended_at is not None:
        over_at = min(over_at, session.ended_at)
    kinds = sorted({certificate.kind for certificate in held if certificate.is_valid_on(on)})
    return [Stay(session.staff_id, kind, session.signed_in_at, over_at) for kind in kinds]
