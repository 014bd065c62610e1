"""Other limits for a place: proposed by the site's lead, agreed to by a second person, from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, func, select

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.judging import Profile
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.upkeep.limits import (
    LimitChanges,
    LimitsFromPast,
    LimitsStand,
    LimitsUnknown,
    OwnCopy,
    refuse_outside_labels,
    refuse_same_person,
    tailored,
)
from clinic_server.cold_chain.upkeep.tables import LimitsConfirmed, LimitsProposed, limits_confirmed, limits_proposed
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock import vaccines
from clinic_server.stock.places import require_place
from clinic_server.stock.tables import place
from clinic_server.stock.units import units_in


@dataclass(frozen=True, slots=True)
class NewLimits:
    """By what a place shall be judged from a day on; ``changes`` None takes a shipped profile as it is."""

    place_code: str
    base: str
    from_on: date
    reason: str
    changes: LimitChanges | None = None


@dataclass(frozen=True, slots=True)
class LimitsRef:
    """Which proposal an action was about."""

    proposal_id: UUID


@dataclass(frozen=True, slots=True)
class LimitsSeen:
    """Limits somebody proposed for a place; ``effective_at`` is None until a second person agreed."""

    proposal_id: UUID
    place_id: UUID
    place_code: str
    limits: Profile
    from_at: datetime
    reason: str
    proposed_by: UUID
    effective_at: datetime | None


def propose_limits(tx: Tx, new: NewLimits) -> LimitsRef:
    """Propose limits for a place as the first of two people.

    Raises ProfileUnknown, LimitsFromPast, LimitsContradict, LimitsLooser or LimitsOutsideLabel.
    """
    proposed_by = require_signed_in(tx)
    where = require_place(tx.connection, new.place_code)
    if new.from_on < tx.local_date:
        raise LimitsFromPast
    limits = profiles.profile_of(new.base)
    if new.changes is not None:
        own = OwnCopy(f"own-{where.code}", _next_version(tx.connection, where.place_id), new.from_on, new.reason)
        limits = tailored(limits, new.changes, own)
    refuse_outside_labels(limits, _labels_in(tx.connection, where.place_id, tx.local_date))
    proposal_id = tx.append(
        LimitsProposed,
        place_id=where.place_id,
        profile=limits.profile,
        version=limits.version,
        limits=msgspec.json.encode(limits).decode(),
        from_at=datetime.combine(new.from_on, time(), tx.site.zone).astimezone(UTC),
        reason=new.reason,
        proposed_by=proposed_by,
        proposed_at=tx.now,
    )
    tx.journal("limits_proposed", proposal_id, COLD_CHAIN)
    return LimitsRef(proposal_id)


def confirm_limits(tx: Tx, proposal_id: UUID) -> LimitsRef:
    """Agree to limits as the second person; they hold from their day on, or from now if that is later.

    Raises LimitsUnknown, LimitsStand, LimitsNeedSecond, or LimitsOutsideLabel if other vaccine came in between.
    """
    confirmed_by = require_signed_in(tx)
    proposed = next((one for one in limits_seen(tx.connection) if one.proposal_id == proposal_id), None)
    if proposed is None:
        raise LimitsUnknown
    if proposed.effective_at is not None:
        raise LimitsStand
    refuse_same_person(proposed.proposed_by, confirmed_by)
    refuse_outside_labels(proposed.limits, _labels_in(tx.connection, proposed.place_id, tx.local_date))
    confirmation_id = tx.append(
        LimitsConfirmed,
        proposal_id=proposal_id,
        proposed_by=proposed.proposed_by,
        confirmed_by=confirmed_by,
        effective_at=max(proposed.from_at, tx.now),
    )
    tx.journal("limits_confirmed", confirmation_id, COLD_CHAIN)
    return LimitsRef(proposal_id)


def limits_seen(connection: Connection) -> Sequence[LimitsSeen]:
    """Return all limits ever proposed, the latest first."""
    return [
        LimitsSeen(
            row.id,
            row.place_id,
            row.code,
            msgspec.json.decode(row.limits, type=Profile),
            row.from_at,
            row.reason,
            row.proposed_by,
            row.effective_at,
        )
        for row in connection.execute(_proposals().order_by(limits_proposed.c.journal_seq.desc()))
    ]


def _proposals() -> Select[Any]:
    return (
        select(limits_proposed, place.c.code, limits_confirmed.c.effective_at)
        .join(place, place.c.id == limits_proposed.c.place_id)
        .outerjoin(limits_confirmed, limits_confirmed.c.proposal_id == limits_proposed.c.id)
    )


def _next_version(connection: Connection, place_id: UUID) -> int:
    earlier = select(func.count()).where(
        limits_proposed.c.place_id == place_id, limits_proposed.c.profile.startswith("own-")
    )
    count: int = connection.execute(earlier).scalar_one()
    return count + 1


def _labels_in(connection: Connection, place_id: UUID, today: date) -> list[Profile]:
    """Return what the vaccines that stand in a place say of their own storage."""
    codes = {one.vaccine_code for one in units_in(connection, place_id)}
    handled = (vaccine.handling_on(today) for code, vaccine in vaccines.shipped().items() if code in codes)
    return [profiles.profile_of(name) for name in sorted({one.profile for one in handled if one})]
