"""Who joins the staff, what they are granted, and when they leave; what clinical actions ask about their actor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, update

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import NotPermitted, NotSignedIn
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import (
    Certificate,
    LastOwner,
    Newcomer,
    OwnerOnly,
    QualificationDatesReversed,
    QualificationKind,
    QualificationMissing,
    Role,
    SetUpDone,
    StaffHasEnded,
    StaffNumberTaken,
    StaffUnknown,
    StationKind,
    StationTaken,
    roles_held,
    standing_certificates,
)
from clinic_server.staff.tables import (
    Qualification,
    RoleGrant,
    Staff,
    StaffEnded,
    StaffPin,
    Station,
    qualification,
    role_grant,
    staff,
    staff_ended,
    staff_session,
    station,
)

STAFF = "staff"  # the topic of whatever changes what someone may do: sessions are looked up again
_FIRST_STATION = "office"
_certificates = (
    select(*(qualification.c[name] for name in Certificate.__dataclass_fields__))
    .where(qualification.c.staff_id == bindparam("staff_id"))
    .order_by(qualification.c.journal_seq)
)
_roles_decided = (
    select(role_grant.c.role, role_grant.c.granted)
    .where(role_grant.c.staff_id == bindparam("staff_id"))
    .order_by(role_grant.c.journal_seq, role_grant.c.id)
)
_ended = select(staff_ended.c.id).where(staff_ended.c.staff_id == bindparam("staff_id"))


@dataclass(frozen=True, slots=True)
class StaffRef:
    """Whom an action was about."""

    staff_id: UUID


@dataclass(frozen=True, slots=True)
class StationPlace:
    """A station's code and what is done there."""

    code: str
    kind: StationKind


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff, with what stands for them now."""

    staff_id: UUID
    number: str
    name: str = field(repr=False)
    has_ended: bool
    roles: tuple[Role, ...]
    qualifications: tuple[Certificate, ...]


def create_owner(tx: Tx, newcomer: Newcomer) -> StaffRef:
    """Add the site's first owner and a first station, or raise SetUpDone."""
    if has_owner(tx.connection):
        raise SetUpDone
    staff_id = _append_staff(tx, newcomer, (Role.OWNER,))
    if not station_exists(tx.connection, _FIRST_STATION):
        tx.insert(Station, code=_FIRST_STATION, kind=StationKind.OFFICE)
    tx.journal("owner_created", staff_id, STAFF)
    return StaffRef(staff_id)


def add_staff(tx: Tx, newcomer: Newcomer, roles: Sequence[Role]) -> StaffRef:
    """Add someone with their roles and first PIN."""
    _require_owner_for(tx, roles)
    staff_id = _append_staff(tx, newcomer, roles)
    tx.journal("staff_added", staff_id, STAFF)
    return StaffRef(staff_id)


def set_pin(tx: Tx, staff_id: UUID, pin_hash: str) -> StaffRef:
    """Give someone a new PIN and end their sessions, save the one it is done from."""
    _require_authority_over(tx, staff_id)
    tx.append(StaffPin, staff_id=staff_id, pin_hash=pin_hash, set_at=tx.now)
    _end_sessions(tx, staff_id)
    tx.journal("pin_set", staff_id, STAFF)
    return StaffRef(staff_id)


def grant_role(tx: Tx, staff_id: UUID, role: Role) -> StaffRef:
    """Let someone do what a role allows; nothing happens when they already may."""
    held = _require_authority_over(tx, staff_id)
    _require_owner_for(tx, (role,))
    if role not in held:
        tx.append(RoleGrant, staff_id=staff_id, role=role, granted=True, decided_at=tx.now)
        tx.journal("role_granted", staff_id, STAFF)
    return StaffRef(staff_id)


def revoke_role(tx: Tx, staff_id: UUID, role: Role) -> StaffRef:
    """Take a role back, from the next call on; nothing happens when they do not hold it."""
    held = _require_authority_over(tx, staff_id)
    if role in held:
        _refuse_last_owner(tx, staff_id, leaving={role})
        tx.append(RoleGrant, staff_id=staff_id, role=role, granted=False, decided_at=tx.now)
        tx.journal("role_revoked", staff_id, STAFF)
    return StaffRef(staff_id)


def add_qualification(tx: Tx, staff_id: UUID, certificate: Certificate) -> StaffRef:
    """Enter a certificate, or correct one already entered under its number."""
    _require_authority_over(tx, staff_id)
    if certificate.valid_until < certificate.valid_from:
        raise QualificationDatesReversed
    tx.append(
        Qualification,
        staff_id=staff_id,
        kind=certificate.kind,
        certificate_number=certificate.certificate_number,
        valid_from=certificate.valid_from,
        valid_until=certificate.valid_until,
        recorded_at=tx.now,
    )
    tx.journal("qualification_recorded", staff_id, STAFF)
    return StaffRef(staff_id)


def end_staff(tx: Tx, staff_id: UUID) -> StaffRef:
    """Record that someone no longer works here; their sessions end with it."""
    held = _require_authority_over(tx, staff_id)
    _refuse_last_owner(tx, staff_id, leaving=held)
    tx.append(StaffEnded, staff_id=staff_id, ended_at=tx.now)
    _end_sessions(tx, staff_id)
    tx.journal("staff_ended", staff_id, STAFF)
    return StaffRef(staff_id)


def add_station(tx: Tx, code: str, kind: StationKind) -> StationPlace:
    """Add a place to sign in at."""
    if station_exists(tx.connection, code):
        raise StationTaken
    tx.insert(Station, code=code, kind=kind)
    tx.journal("station_added", code, STAFF)
    return StationPlace(code, kind)


def require_signed_in(tx: Tx) -> UUID:
    """Return the actor's staff id; refuse an actor who left, or lost a role, since the call began."""
    staff_id = tx.actor.staff_id
    if staff_id is None or has_ended(tx.connection, staff_id):
        raise NotSignedIn
    if not tx.actor.roles <= roles_of(tx.connection, staff_id):
        raise NotPermitted
    return staff_id


def require_qualification(tx: Tx, kind: QualificationKind) -> UUID:
    """Return the actor's staff id when a certificate of this kind is valid today, or raise QualificationMissing."""
    staff_id = require_signed_in(tx)
    if not qualified(tx.connection, staff_id, kind, tx.local_date):
        raise QualificationMissing(kind=kind.value)
    return staff_id


def qualified(connection: Connection, staff_id: UUID, kind: QualificationKind, on: date) -> bool:
    """Tell whether someone holds a certificate of a kind that is valid on a date."""
    return any(held.kind is kind and held.is_valid_on(on) for held in certificates_of(connection, staff_id))


def certificates_of(connection: Connection, staff_id: UUID) -> tuple[Certificate, ...]:
    """Return someone's certificates as they stand."""
    entered = connection.execute(_certificates, {"staff_id": staff_id})
    return standing_certificates(Certificate(*row) for row in entered)


def roles_of(connection: Connection, staff_id: UUID) -> frozenset[Role]:
    """Return the roles someone holds now."""
    decided = connection.execute(_roles_decided, {"staff_id": staff_id})
    return roles_held((role, granted) for role, granted in decided)


def has_ended(connection: Connection, staff_id: UUID) -> bool:
    """Tell whether someone no longer works here."""
    return connection.execute(_ended, {"staff_id": staff_id}).first() is not None


def has_owner(connection: Connection) -> bool:
    """Tell whether the site was set up."""
    return bool(_owners(connection))


def station_exists(connection: Connection, code: str) -> bool:
    """Tell whether someone can sign in at a station."""
    return connection.execute(select(station.c.code).where(station.c.code == code)).first() is not None


def stations(connection: Connection) -> list[StationPlace]:
    """Return every station, by code."""
    places = connection.execute(select(station.c.code, station.c.kind).order_by(station.c.code))
    return [StationPlace(*row) for row in places]


def members(connection: Connection, keyring: Keyring) -> list[Member]:
    """Return the whole staff by number, those who left included."""
    known = connection.execute(
        select(staff.c.id, staff.c.number, staff.c.name_sealed, staff_ended.c.id.is_not(None))
        .outerjoin_from(staff, staff_ended)
        .order_by(staff.c.number)
    ).all()
    return [
        Member(
            staff_id,
            number,
            open_name(keyring, staff_id, name_sealed),
            ended,
            tuple(sorted(roles_of(connection, staff_id))),
            certificates_of(connection, staff_id),
        )
        for staff_id, number, name_sealed, ended in known
    ]


def staff_id_of(connection: Connection, number: str) -> UUID:
    """Return whose number this is, or raise StaffUnknown."""
    found = connection.execute(select(staff.c.id).where(staff.c.number == number)).first()
    if found is None:
        raise StaffUnknown
    return UUID(int=found.id.int)


def open_name(keyring: Keyring, staff_id: UUID, name_sealed: bytes) -> str:
    """Return the name of one of the staff."""
    return keyring.open(name_sealed, f"staff:name:{staff_id}")


def _append_staff(tx: Tx, newcomer: Newcomer, roles: Iterable[Role]) -> UUID:
    if tx.execute(select(staff.c.id).where(staff.c.number == newcomer.number)).first():
        raise StaffNumberTaken
    staff_id = tx.new_id()
    name_sealed = tx.keyring.seal(newcomer.name, f"staff:name:{staff_id}")
    tx.append(Staff, id=staff_id, number=newcomer.number, name_sealed=name_sealed, added_at=tx.now)
    tx.append(StaffPin, staff_id=staff_id, pin_hash=newcomer.pin_hash, set_at=tx.now)
    for role in sorted(set(roles)):
        tx.append(RoleGrant, staff_id=staff_id, role=role, granted=True, decided_at=tx.now)
    return staff_id


def _require_authority_over(tx: Tx, staff_id: UUID) -> frozenset[Role]:
    """Return someone's roles; refuse unless they work here and, when an owner, the actor is one too."""
    if tx.execute(select(staff.c.id).where(staff.c.id == staff_id)).first() is None:
        raise StaffUnknown
    if has_ended(tx.connection, staff_id):
        raise StaffHasEnded
    held = roles_of(tx.connection, staff_id)
    _require_owner_for(tx, held)
    return held


def _require_owner_for(tx: Tx, roles: Iterable[Role]) -> None:
    """Let owners alone decide about owners; so may the console of the server itself."""
    by_hand = tx.actor.staff_id is not None
    if by_hand and Role.OWNER in roles and Role.OWNER not in tx.actor.roles:
        raise OwnerOnly


def _refuse_last_owner(tx: Tx, staff_id: UUID, *, leaving: Iterable[Role]) -> None:
    if Role.OWNER in leaving and _owners(tx.connection) <= {staff_id}:
        raise LastOwner


def _owners(connection: Connection) -> set[UUID]:
    decided = connection.execute(
        select(role_grant.c.staff_id, role_grant.c.granted)
        .outerjoin_from(role_grant, staff_ended, role_grant.c.staff_id == staff_ended.c.staff_id)
        .where(role_grant.c.role == Role.OWNER, staff_ended.c.id.is_(None))
        .order_by(role_grant.c.journal_seq)
    )
    standing = {staff_id: granted for staff_id, granted in decided}  # noqa: C416  # the last decision wins
    return {staff_id for staff_id, granted in standing.items() if granted}


def _end_sessions(tx: Tx, staff_id: UUID) -> None:
    ending = update(staff_session).where(staff_session.c.staff_id == staff_id, staff_session.c.ended_at.is_(None))
    if tx.actor.session_id is not None:
        ending = ending.where(staff_session.c.id != tx.actor.session_id)
    tx.execute(ending.values(ended_at=tx.now))
