"""Which limits a place is judged by: the shipped ones of its profile, until two people agree on others.

Kept apart from the proposing of limits, so that the judge of every reading can ask without knowing anything above it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.judging import Profile
from clinic_server.cold_chain.tables import to_unix_ms
from clinic_server.cold_chain.upkeep.tables import limits_confirmed, limits_proposed
from clinic_server.stock.tables import place


@dataclass(frozen=True, slots=True)
class InForce:
    """What a place is judged by: a shipped profile, and what was agreed on since, each from an instant on."""

    shipped: Profile
    agreed: Sequence[tuple[int, Profile]]

    def at(self, unix_ms: int) -> Profile:
        """Return what a reading of an instant is judged by: the last that was agreed on by then."""
        return next((profile for since, profile in reversed(self.agreed) if since <= unix_ms), self.shipped)

    def called(self, edition: str) -> Profile:
        """Return the profile of an edition this place was ever judged by."""
        own = (profile for _, profile in self.agreed if profile.edition == edition)
        code, _, version = edition.rpartition("/")
        return next(own, None) or profiles.profile_of(code, int(version))


def in_force(connection: Connection) -> Mapping[UUID, InForce]:
    """Return what every place is and was judged by."""
    agreed: dict[UUID, list[tuple[int, Profile]]] = {}
    shipped: dict[UUID, Profile] = {}
    for row in connection.execute(_LIMITS):
        shipped[row.id] = profiles.profile_of(row.profile)
        agreed.setdefault(row.id, [])
        if row.limits is not None:
            agreed[row.id].append((to_unix_ms(row.effective_at), msgspec.json.decode(row.limits, type=Profile)))
    return {place_id: InForce(profile, agreed[place_id]) for place_id, profile in shipped.items()}


def profile_at(connection: Connection, place_id: UUID, at: datetime) -> Profile:
    """Return what a place is judged by at an instant."""
    return in_force(connection)[place_id].at(to_unix_ms(at))


_LIMITS: Any = (
    select(place.c.id, place.c.profile, limits_proposed.c.limits, limits_confirmed.c.effective_at)
    .outerjoin(
        limits_proposed.join(limits_confirmed, limits_confirmed.c.proposal_id == limits_proposed.c.id),
        limits_proposed.c.place_id == place.c.id,
    )
    .order_by(limits_confirmed.c.effective_at, limits_confirmed.c.journal_seq)
)
