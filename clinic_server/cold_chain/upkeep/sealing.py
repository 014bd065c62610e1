"""Seals over the probes' readings: too many for a journal line each, so an hour of them has one."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from clinic_server.cold_chain.tables import IDENTITY, heard_probe, reading, to_unix_ms
from clinic_server.cold_chain.upkeep.tables import ReadingsSealed, readings_sealed
from clinic_server.kit.tx import Tx

GENESIS = bytes(32)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=5)  # by so much the machine's clock may be set back without breaking a seal

_NO_TURN = ("turn_seq", None)


@dataclass(frozen=True, slots=True)
class Span:
    """What one seal covers: everything received from one instant until before another."""

    received_from_at: datetime
    received_until_at: datetime

    def __str__(self) -> str:
        return f"received from {self.received_from_at.isoformat()} until {self.received_until_at.isoformat()}"


@dataclass(frozen=True, slots=True)
class Print:
    """How many readings there are in a span, and the SHA-256 over them and the seal before."""

    span: Span
    readings: int
    previous_digest: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """A span whose readings are not those that were sealed; they differ in number or only in what they say."""

    span: Span
    sealed: int
    found: int


def unsealed_hours(connection: Connection, now: datetime) -> Print | None:
    """Return the print of the whole hours since the last seal, None while they are not over or nothing came."""
    last = _last_seal(connection)
    begins_at = last.received_until_at if last else BEGINNING
    ends_at = (now - GRACE).replace(minute=0, second=0, microsecond=0)
    if begins_at >= ends_at:
        return None
    found = print_of(connection, Span(begins_at, ends_at), last.digest if last else GENESIS)
    return found if found.readings else None


def seal(tx: Tx, found: Print) -> None:
    """Record a print; what was received in its span can no longer be changed, removed or added to unseen."""
    seal_id = tx.append(
        ReadingsSealed,
        received_from_at=found.span.received_from_at,
        received_until_at=found.span.received_until_at,
        readings=found.readings,
        previous_digest=found.previous_digest,
        digest=found.digest,
    )
    tx.journal("readings_sealed", seal_id)


def print_of(connection: Connection, span: Span, previous_digest: bytes) -> Print:
    """Return the print of everything received in a span, in the order of the readings' identities."""
    hashed, readings = hashlib.sha256(previous_digest), 0
    for row in _received_in(connection, span):
        hashed.update(_canonical(row))
        readings += 1
    return Print(span, readings, previous_digest, hashed.digest())


def broken_seals(connection: Connection, *, latest: int | None = None) -> Sequence[BrokenSeal]:
    """Return the seals that no longer fit what they cover; ``latest`` asks only so many of the last ones.

    That a seal itself was changed or removed is what the journal's own check finds.
    """
    seals = connection.execute(
        select(readings_sealed).order_by(readings_sealed.c.received_from_at.desc()).limit(latest)
    ).all()
    return [broken for one in reversed(seals) if (broken := _broken(connection, one)) is not None]


def _broken(connection: Connection, one: Row[Any]) -> BrokenSeal | None:
    span = Span(one.received_from_at, one.received_until_at)
    found = print_of(connection, span, one.previous_digest)
    fits = (found.readings, found.digest) == (one.readings, one.digest)
    return None if fits and _follows(connection, one) else BrokenSeal(span, one.readings, found.readings)


def _follows(connection: Connection, one: Row[Any]) -> bool:
    """Tell whether a seal continues the one before it, without a span between them that nobody sealed."""
    before = connection.execute(
        select(readings_sealed.c.digest, readings_sealed.c.received_until_at)
        .where(readings_sealed.c.received_from_at < one.received_from_at)
        .order_by(readings_sealed.c.received_from_at.desc())
        .limit(1)
    ).first()
    digest, until_at = (before.digest, before.received_until_at) if before else (GENESIS, BEGINNING)
    return bool(digest == one.previous_digest and until_at == one.received_from_at)


def _last_seal(connection: Connection) -> Row[Any] | None:
    latest = select(readings_sealed).order_by(readings_sealed.c.received_until_at.desc()).limit(1)
    return connection.execute(latest).first()


def _received_in(connection: Connection, span: Span) -> Iterator[Row[Any]]:
    received = reading.c.received_unix_ms
    yield from connection.execute(
        select(heard_probe.c.probe_id, reading)
        .join(heard_probe, heard_probe.c.number == reading.c.probe)
        .where(received >= to_unix_ms(span.received_from_at), received < to_unix_ms(span.received_until_at))
        .order_by(*IDENTITY),
        execution_options={"yield_per": 2000},
    )


def _canonical(row: Row[Any]) -> bytes:
    """Return a reading as one line of JSON: the probe by its own name, then every column by its name.

    Which turn of the clock it followed is kept only since some release, and left out where there is none.
    """
    told = {name: value for name, value in row._mapping.items() if name != "probe" and (name, value) != _NO_TURN}  # noqa: SLF001  # SQLAlchemy's public name
    return msgspec.json.encode(told) + b"\n"
