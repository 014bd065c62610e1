"""What was measured before the needle, for whoever has to judge what is measured after it."""

from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.visits.tables import VisitBaseline, visit_baseline


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was measured, as far as it was."""

    systolic_mmhg: int | None = field(default=None, repr=False)
    diastolic_mmhg: int | None = field(default=None, repr=False)
    milli_celsius: int | None = field(default=None, repr=False)


def keep_baseline(tx: Tx, visit_id: UUID, measured: Baseline) -> None:
    """Keep what was measured on a visit; the caller journals."""
    row_id = tx.new_id()
    sealed = tx.keyring.seal(msgspec.json.encode(measured).decode(), _context(row_id))
    tx.append(VisitBaseline, id=row_id, visit_id=visit_id, measured_sealed=sealed, measured_at=tx.now)


def baseline_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Baseline:
    """Return what was last measured before the needle, nothing where nothing was."""
    row = connection.execute(
        select(visit_baseline.c.id, visit_baseline.c.measured_sealed)
        .where(visit_baseline.c.visit_id == visit_id)
        .order_by(visit_baseline.c.journal_seq.desc())
        .limit(1)
    ).first()
    if row is None:
        return Baseline()
    return msgspec.json.decode(keyring.open(row.measured_sealed, _context(row.id)), type=Baseline)


def _context(row_id: UUID) -> str:
    return f"visit_baseline:measured:{row_id}"
