"""Which limits a place is judged by: the shipped ones of its profile, until two people agree on others.

Kept apart from the proposing of limits, so that the judge of every reading can ask without knowing anything above it.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.judging import Profile
from clinic_server.cold_chain.upkeep.tables import limits_confirmed, limits_proposed
from clinic_server.stock.tables import place


def profile_at(connection: Connection, place_id: UUID, at: datetime) -> Profile:
    """Return what a place is judged by at an instant: the last agreed upon by then, else the shipped profile."""
    agreed = (limits_proposed.c.place_id == place_id, limits_confirmed.c.effective_at <= at)
    latest = (limits_confirmed.c.effective_at.desc(), limits_confirmed.c.journal_seq.desc())
    limits = connection.execute(
        select(limits_proposed.c.limits)
        .join(limits_confirmed, limits_confirmed.c.proposal_id == limits_proposed.c.id)
        .where(*agreed)
        .order_by(*latest)
        .limit(1)
    ).scalar()
    if limits is not None:
        return msgspec.json.decode(limits, type=Profile)
    return profiles.profile_of(connection.execute(select(place.c.profile).where(place.c.id == place_id)).scalar_one())
