"""Sign-in: PINs, the sessions they open, and the code that makes the first owner. Machinery, no records of its own."""

import asyncio
import hmac
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, Connection, select, update

from clinic_server.kit.access import Actor
from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring, token_digest
from clinic_server.kit.db import Database
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.tx import Signal, Tx
from clinic_server.staff.actions import (
    STAFF,
    StaffRef,
    create_owner,
    has_ended,
    has_owner,
    open_name,
    roles_of,
    station_exists,
)
from clinic_server.staff.rules import (
    MOST_FAILURES,
    Newcomer,
    PinTooSimple,
    Role,
    SetUpDone,
    SetUpRefused,
    SignInLocked,
    SignInRefused,
    StationUnknown,
    is_expired,
    is_good_pin,
    locked_until,
    minutes_left,
)
from clinic_server.staff.tables import PinAttempt, Session, pin_attempt, staff, staff_pin, staff_session

SIGN_INS = "sign_ins"  # the topic of who is here
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS_HASH = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"  # no PIN gives it, and it costs the same
_NOTED_EVERY = timedelta(minutes=1)
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_MOST_CODE_TRIES = 10


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just opened; the token is told this once."""

    token: str = field(repr=False)
    staff_id: UUID
    name: str = field(repr=False)
    roles: tuple[Role, ...]
    station: str


@dataclass(frozen=True, slots=True)
class _Account:
    staff_id: UUID
    name_sealed: bytes = field(repr=False)
    pin_hash: str = field(repr=False)


@dataclass(slots=True)
class _Known:
    actor: Actor
    signed_in_at: datetime
    last_seen_at: datetime
    noted_at: datetime


class SetUpCode:
    """The code on the console that makes the first owner; it lives as long as the process and bears few tries."""

    def __init__(self) -> None:
        self.shown = "".join(secrets.choice(_CODE_LETTERS) for _ in range(8))
        self._tries_left = _MOST_CODE_TRIES

    def require(self, given: str) -> None:
        """Raise SetUpRefused unless this is the code."""
        if self._tries_left == 0:
            raise SetUpRefused
        if not hmac.compare_digest(given.strip().upper().encode(), self.shown.encode()):
            self._tries_left -= 1
            raise SetUpRefused


async def set_up_code_for(db: Database) -> SetUpCode | None:
    """Return a new code while the site has no owner."""
    return None if await db.read(has_owner) else SetUpCode()


def create_owner_by_code(tx: Tx, code: SetUpCode | None, given: str, newcomer: Newcomer) -> StaffRef:
    """Add the first owner for whoever can read the console."""
    if code is None or has_owner(tx.connection):
        raise SetUpDone
    code.require(given)
    return create_owner(tx, newcomer)


async def hash_pin(keyring: Keyring, pin: str) -> str:
    """Return what is stored for a new PIN (argon2id over the peppered PIN), or raise PinTooSimple."""
    if not is_good_pin(pin):
        raise PinTooSimple
    return await asyncio.to_thread(_HASHER.hash, _peppered(keyring, pin))


async def sign_in(db: Database, number: str, pin: str, station: str, *, replaces: str | None = None) -> SignedIn:
    """Open a session and end the one whose token it replaces; the attempt is recorded before the answer.

    The PIN is checked between two transactions, so that its 30 ms hold up nobody's writing.
    """
    door = _Door(number, db.keyring.blind_index("staff-number", number), station)
    account = await db.read(lambda connection: _account_behind(connection, door, db.clock.now()))
    is_right = await asyncio.to_thread(_pin_matches, db.keyring, account.pin_hash if account else _NOBODYS_HASH, pin)
    known = account if is_right else None
    actor = Actor(name="sign-in", staff_id=known.staff_id if known else None, station=station)
    admitted = await db.write(lambda tx: _admit(tx, door, known, replaces), actor)
    if admitted is None:
        raise SignInRefused
    return admitted


async def sign_out(db: Database, actor: Actor) -> None:
    """End the actor's session."""
    await db.write(lambda tx: _end_session(tx, staff_session.c.id == actor.session_id), actor)


def open_session(tx: Tx, staff_id: UUID, station: str) -> str:
    """Open a session and return its token."""
    token, session_id = secrets.token_urlsafe(32), tx.new_id()
    tx.insert(
        Session,
        id=session_id,
        token_digest=token_digest(token),
        staff_id=staff_id,
        station=station,
        signed_in_at=tx.now,
        last_seen_at=tx.now,
        ended_at=None,
    )
    tx.journal("signed_in", session_id, SIGN_INS)
    return token


class Sessions:
    """Who a token belongs to; open sessions stay in memory, so that most calls need not ask the database."""

    def __init__(self, db: Database, clock: Clock, *, idle_minutes: int) -> None:
        self._db = db
        self._clock = clock
        self._idle = timedelta(minutes=idle_minutes)
        self._lock = threading.Lock()
        self._known: dict[bytes, _Known] = {}
        self._generation = 0
        db.watch(self._look_again)

    async def actor_for(self, token: str) -> Actor | None:
        """Return whose open session this is, and note that they were here."""
        digest = token_digest(token)
        known = self._known.get(digest) or await self._load(digest)
        now = self._clock.now()
        if known is None or is_expired(known.signed_in_at, known.last_seen_at, now, self._idle):
            return None
        known.last_seen_at = now
        if now - known.noted_at >= _NOTED_EVERY:
            known.noted_at = now
            await self._note(known.actor)
        return known.actor

    async def _load(self, digest: bytes) -> _Known | None:
        generation = self._generation
        known = await self._db.read(lambda connection: _session_of(connection, self._db.keyring, digest))
        with self._lock:
            if known is not None and generation == self._generation:
                self._known[digest] = known
        return known

    async def _note(self, actor: Actor) -> None:
        def note(tx: Tx) -> None:
            tx.execute(update(staff_session).where(staff_session.c.id == actor.session_id).values(last_seen_at=tx.now))

        with suppress(Unavailable):  # whoever is here may go on reading while nothing can be written
            await self._db.write(note, actor)

    def _look_again(self, signals: Sequence[Signal]) -> None:
        """Forget what is known when anyone's rights or sessions changed; called before the change is answered."""
        if any(STAFF in signal.topics for signal in signals):
            with self._lock:
                self._generation += 1
                self._known.clear()


@dataclass(frozen=True, slots=True)
class _Door:
    number: str = field(repr=False)
    number_index: bytes = field(repr=False)
    station: str


def _admit(tx: Tx, door: _Door, account: _Account | None, replaces: str | None) -> SignedIn | None:
    """Record the attempt and, when it is right and nothing changed meanwhile, open the session."""
    still = _account_behind(tx.connection, door, tx.now)  # many tries at once still count one by one
    admitted = account is not None and account == still
    tx.insert(PinAttempt, id=tx.new_id(), number_index=door.number_index, succeeded=admitted, at=tx.now)
    if account is None or not admitted:
        return None
    if replaces:
        _end_session(tx, staff_session.c.token_digest == token_digest(replaces))
    return SignedIn(
        token=open_session(tx, account.staff_id, door.station),
        staff_id=account.staff_id,
        name=open_name(tx.keyring, account.staff_id, account.name_sealed),
        roles=tuple(sorted(roles_of(tx.connection, account.staff_id))),
        station=door.station,
    )


def _account_behind(connection: Connection, door: _Door, now: datetime) -> _Account | None:
    """Return who may sign in here with a number; raise SignInLocked for numbers tried too often, known or not."""
    if not station_exists(connection, door.station):
        raise StationUnknown
    found = connection.execute(
        select(staff.c.id, staff.c.name_sealed, staff_pin.c.pin_hash, staff_pin.c.set_at)
        .join_from(staff, staff_pin)
        .where(staff.c.number == door.number)
        .order_by(staff_pin.c.journal_seq.desc())
        .limit(1)
    ).first()
    failed_at = _failures_since_success(connection, door.number_index)
    until = locked_until([at for at in failed_at if found is None or at >= found.set_at], now)  # a new PIN opens
    if until is not None:
        raise SignInLocked(minutes=minutes_left(until, now))
    if found is None or has_ended(connection, found.id):
        return None
    return _Account(found.id, found.name_sealed, found.pin_hash)


def _failures_since_success(connection: Connection, number_index: bytes) -> list[datetime]:
    """Return the latest failures that no success followed, oldest first; as many as a lock-out asks for."""
    latest = connection.execute(
        select(pin_attempt.c.succeeded, pin_attempt.c.at)
        .where(pin_attempt.c.number_index == number_index)
        .order_by(pin_attempt.c.id.desc())
        .limit(MOST_FAILURES)
    )
    return [at for _, at in takewhile(lambda attempt: not attempt.succeeded, latest)][::-1]


def _end_session(tx: Tx, which: ColumnElement[bool]) -> None:
    ended = tx.execute(
        update(staff_session)
        .where(which, staff_session.c.ended_at.is_(None))
        .values(ended_at=tx.now)
        .returning(staff_session.c.id)
    ).scalar()
    if ended is not None:
        tx.journal("signed_out", ended, STAFF, SIGN_INS)


def _session_of(connection: Connection, keyring: Keyring, digest: bytes) -> _Known | None:
    found = connection.execute(
        select(staff_session, staff.c.name_sealed)
        .join_from(staff_session, staff, staff_session.c.staff_id == staff.c.id)
        .where(staff_session.c.token_digest == digest, staff_session.c.ended_at.is_(None))
    ).first()
    if found is None or has_ended(connection, found.staff_id):
        return None
    actor = Actor(
        name=open_name(keyring, found.staff_id, found.name_sealed),
        staff_id=found.staff_id,
        station=found.station,
        roles=roles_of(connection, found.staff_id),
        session_id=found.id,
    )
    return _Known(actor, found.signed_in_at, found.last_seen_at, found.last_seen_at)


def _pin_matches(keyring: Keyring, pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, _peppered(keyring, pin))
    except VerificationError:
        return False


def _peppered(keyring: Keyring, pin: str) -> bytes:
    return hmac.digest(keyring.pin_pepper, pin.encode(), "sha256")
