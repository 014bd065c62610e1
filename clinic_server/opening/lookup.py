"""Whether injections may go on, and what the opening's page and banner show. ``pauses`` is asked at every needle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, exists, func, select

from clinic_server.alerts.missing import missing_since
from clinic_server.kit.crypto import Keyring
from clinic_server.opening import kit_lists
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.opening.emergency_kit.rules import KitItem, KitThing, Shortage, shortages
from clinic_server.opening.rules import (
    Facts,
    Lapsed,
    Named,
    Opened,
    Safeguard,
    Statement,
    Variant,
    lapses,
    present,
    shortcomings,
)
from clinic_server.opening.tables import closing, day_closed, opening, safeguard_statement
from clinic_server.staff.lookup import qualified_stays
from clinic_server.staff.rules import QualificationKind, Stay

_WATCHED = (QualificationKind.PHYSICIAN, QualificationKind.EMERGENCY)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of an opening; ``absent_after`` is how long nobody acts before they count as gone."""

    zone: tzinfo
    variant: Variant
    minimum_physicians: int
    absent_after: timedelta


@dataclass(frozen=True, slots=True)
class OpeningNow:
    """How the site stands, without names: ``pauses`` are the reasons, ``missing`` what an opening would lack."""

    is_open: bool
    opened: Opened | None
    pauses: Sequence[Lapsed]
    missing: Sequence[Lapsed]
    physicians: int
    minimum_physicians: int
    for_emergencies: int
    kit: Sequence[KitItem]
    kit_short: Sequence[Shortage]
    kit_expiring: int


@dataclass(frozen=True, slots=True)
class SaidOf:
    """What was last said about a safeguard: its names, or why it was withdrawn."""

    statement: Statement
    names: dict[Named, str] = field(repr=False)
    reason: str = field(default="", repr=False)


def unclosed_before(connection: Connection, business_on: date) -> date | None:
    """Return the latest clinic day before this one that was opened and never closed."""
    earlier = select(func.max(opening.c.business_on)).where(opening.c.business_on < business_on)
    latest: date | None = connection.execute(earlier).scalar()
    is_closed = select(exists().where(day_closed.c.business_on == latest))
    return None if latest is None or connection.execute(is_closed).scalar() else latest


def pauses(connection: Connection, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Return the codes of all that pauses injections: one statement while the site is not open, else three."""
    return tuple(lapsed.lapse.value for lapsed in injections_paused(connection, now, zone))


def injections_paused(connection: Connection, now: datetime, zone: tzinfo) -> tuple[Lapsed, ...]:
    """Return the reasons that pause injections, with their times."""
    opened, statements, lost_since = _opened(connection)
    if opened is None or not opened.is_open(now):
        return lapses(Facts(opened), now, zone)
    stays = _stays(connection, now, zone, opened.absent_after)
    facts = Facts(opened, statements, standing_kit(connection), kit_least(opened.variant), stays, lost_since)
    return lapses(facts, now, zone)


def opening_now(connection: Connection, now: datetime, terms: Terms) -> OpeningNow:
    """Return how the site stands; an open one by the terms it was opened under."""
    opened, statements, _ = _opened(connection)
    is_open = opened is not None and opened.is_open(now)
    least = opened.minimum_physicians if opened and is_open else terms.minimum_physicians
    absent_after = opened.absent_after if opened and is_open else terms.absent_after
    today = now.astimezone(terms.zone).date()
    kit, asked = standing_kit(connection), kit_least(opened.variant if opened and is_open else terms.variant)
    stays = _stays(connection, now, terms.zone, absent_after)
    facts = Facts(opened, statements, kit, asked, stays, _missing_since(connection))
    return OpeningNow(
        is_open=is_open,
        opened=opened,
        pauses=lapses(facts, now, terms.zone),
        missing=shortcomings(facts, least, now, terms.zone),
        physicians=len(present(facts.stays, QualificationKind.PHYSICIAN, now)),
        minimum_physicians=least,
        for_emergencies=len(present(facts.stays, QualificationKind.EMERGENCY, now)),
        kit=kit,
        kit_short=shortages(kit, asked, today),
        kit_expiring=sum(item.expires_soon(today) for item in kit),
    )


def standing_opening(connection: Connection, now: datetime) -> Opened | None:
    """Return the opening that stands now."""
    opened, _, _ = _opened(connection)
    return opened if opened and opened.is_open(now) else None


def standing_statements(connection: Connection) -> dict[Safeguard, Statement]:
    """Return what was last said about each safeguard of the latest opening."""
    return {statement.safeguard: statement for statement in _opened(connection)[1]}


def said_of_safeguards(connection: Connection, keyring: Keyring) -> Sequence[SaidOf]:
    """Return the names behind each safeguard of the latest opening, or why it was withdrawn."""
    latest = standing_statements(connection)
    return [_said(connection, keyring, latest[safeguard]) for safeguard in Safeguard if safeguard in latest]


def all_said(connection: Connection, keyring: Keyring, safeguard: Safeguard) -> Sequence[SaidOf]:
    """Return everything said about a safeguard since the latest opening, oldest first."""
    return [_said(connection, keyring, one) for one in _opened(connection)[1] if one.safeguard is safeguard]


def names_said_last(connection: Connection, keyring: Keyring, safeguard: Safeguard) -> Mapping[Named, str]:
    """Return the names behind a safeguard when it stood last; those of the opening at the least."""
    return [said.names for said in all_said(connection, keyring, safeguard) if said.statement.stands][-1]


def shortcomings_now(connection: Connection, now: datetime, terms: Terms) -> tuple[Lapsed, ...]:
    """Return what of people, kit and records would be missing were the site opened now."""
    stays = _stays(connection, now, terms.zone, terms.absent_after)
    kit = standing_kit(connection)
    facts = Facts(None, (), kit, kit_least(terms.variant), stays, _missing_since(connection))
    return shortcomings(facts, terms.minimum_physicians, now, terms.zone)


def kit_least(variant: Variant) -> Mapping[KitThing, int]:
    """Return what the emergency kit must hold at a site prepared for these people."""
    return kit_lists.shipped()[variant].least


def seal_context(statement_id: UUID) -> str:
    """Return under what a statement's names are sealed."""
    return f"safeguard_statement:said:{statement_id}"


def _opened(connection: Connection) -> tuple[Opened | None, tuple[Statement, ...], datetime | None]:
    """Return the latest opening, everything said about its safeguards, oldest first, and since when records miss."""
    rows = connection.execute(_last_opening).all()
    if not rows:
        return None, (), None
    return _as_opened(rows[0]), tuple(_as_statement(row[9:]) for row in rows), rows[0].missing_since


def _missing_since(connection: Connection) -> datetime | None:
    found: datetime | None = connection.execute(missing_since()).scalar()
    return found


def _as_statement(row: Any) -> Statement:
    return Statement(*row)


def _as_opened(row: Any) -> Opened:
    return Opened(
        opening_id=row[0],
        business_on=row.business_on,
        variant=row.variant,
        opened_at=row.opened_at,
        ends_at=row.ends_at,
        minimum_physicians=row.minimum_physicians,
        absent_after=timedelta(minutes=row.absent_after_minutes),
        closed_at=row.closed_at,
    )


def _stays(connection: Connection, now: datetime, zone: tzinfo, absent_after: timedelta) -> tuple[Stay, ...]:
    return tuple(qualified_stays(connection, _WATCHED, now, now.astimezone(zone).date(), absent_after))


def _said(connection: Connection, keyring: Keyring, statement: Statement) -> SaidOf:
    sealed = connection.execute(
        select(safeguard_statement.c.said_sealed).where(safeguard_statement.c.id == statement.statement_id)
    ).scalar_one()
    said = keyring.open(sealed, seal_context(statement.statement_id))
    if not statement.stands:
        return SaidOf(statement, {}, said)
    return SaidOf(statement, msgspec.json.decode(said, type=dict[Named, str]))


def _opening_and_statements() -> Select[Any]:
    last = select(opening.c.id).order_by(opening.c.journal_seq.desc()).limit(1).scalar_subquery()
    return (
        select(
            opening.c.id,
            opening.c.business_on,
            opening.c.variant,
            opening.c.opened_at,
            opening.c.ends_at,
            opening.c.minimum_physicians,
            opening.c.absent_after_minutes,
            closing.c.closed_at,
            missing_since().scalar_subquery().label("missing_since"),
            safeguard_statement.c.id,
            safeguard_statement.c.safeguard,
            safeguard_statement.c.stands,
            safeguard_statement.c.stated_at,
        )
        .join_from(opening, safeguard_statement, safeguard_statement.c.opening_id == opening.c.id)
        .outerjoin(closing, closing.c.opening_id == opening.c.id)
        .where(opening.c.id == last)
        .order_by(safeguard_statement.c.journal_seq, safeguard_statement.c.id)
    )


_last_opening = _opening_and_statements()
