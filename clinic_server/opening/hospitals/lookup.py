"""The hospitals listed, and the site's own."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.kit.crypto import Keyring
from clinic_server.opening.hospitals.rules import Hospital
from clinic_server.opening.hospitals.tables import hospital, hospital_designated
from clinic_server.opening.rules import Variant


def hospitals(connection: Connection, keyring: Keyring) -> Sequence[Hospital]:
    """Return every hospital as it was listed last, the nearest first."""
    latest = select(func.max(hospital.c.journal_seq)).group_by(hospital.c.code)
    rows = connection.execute(
        select(hospital).where(hospital.c.journal_seq.in_(latest)).order_by(hospital.c.minutes_away, hospital.c.code)
    )
    return [_hospital(keyring, row) for row in rows]


def designated(connection: Connection, keyring: Keyring) -> Mapping[Variant, Hospital]:
    """Return where adults and where children are taken, as far as that was decided."""
    known = {one.code: one for one in hospitals(connection, keyring)}
    rows = connection.execute(select(hospital_designated).order_by(hospital_designated.c.journal_seq))
    return {row.variant: known[row.code] for row in rows}


def contact_context(listed_id: UUID, column: str) -> str:
    """Return under what a hospital's people are sealed."""
    return f"hospital:{column}:{listed_id}"


def _hospital(keyring: Keyring, row: Any) -> Hospital:
    return Hospital(
        row.code,
        row.name,
        row.kind,
        row.phone,
        keyring.open(row.green_contact_sealed, contact_context(row.id, "green_contact")),
        keyring.open(row.expert_sealed, contact_context(row.id, "expert")),
        row.reserved_beds,
        row.minutes_away,
    )
