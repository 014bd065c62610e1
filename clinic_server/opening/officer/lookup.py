"""Who reports adverse events now."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from clinic_server.kit.crypto import Keyring
from clinic_server.opening.officer.tables import officer_named
from clinic_server.staff.lookup import name_of


@dataclass(frozen=True, slots=True)
class Officer:
    """Who reports adverse events, and since when."""

    staff_id: UUID
    name: str = field(repr=False)
    since: datetime


def officer_now(connection: Connection, keyring: Keyring) -> Officer | None:
    """Return who reports adverse events for the site, None while nobody was named."""
    row = _latest(connection)
    return Officer(row.staff_id, name_of(connection, keyring, row.staff_id), row.named_at) if row else None


def officer_id(connection: Connection) -> UUID | None:
    """Return which of the staff reports adverse events, None while nobody was named."""
    row = _latest(connection)
    return row.staff_id if row else None


def _latest(connection: Connection) -> Row[Any, Any] | None:
    named = officer_named.c
    return connection.execute(
        select(named.staff_id, named.named_at).order_by(named.journal_seq.desc()).limit(1)
    ).first()
