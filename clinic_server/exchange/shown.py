"""A dry run as people and programs see it: every fault with its sentence in the reader's language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from clinic_server.exchange.checks import site_faults
from clinic_server.exchange.dry_runs import DryRun
from clinic_server.exchange.lookup import ImportSeen, imports
from clinic_server.exchange.rules import Fault, ImportKind
from clinic_server.kit.labels import label, labels

_MOST_FAULTS = 200
_GROUPS = ("import_fault", "error", "finding")


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault with its words; ``heading`` is the column's, or what stands at its top in the file."""

    row: int
    column: str
    heading: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DryRunSeen:
    """What a file would do; ``faults`` are the first of ``fault_count``, ``before`` tells that it came in already."""

    kind: ImportKind
    sha256: str
    file_name: str
    rows: int
    fault_count: int
    faults: Sequence[FaultSeen]
    valid_until: datetime
    before: ImportSeen | None = None


def dry_run_seen(connection: Connection, run: DryRun, today: date) -> DryRunSeen:
    """Return what a file would do if it were confirmed now."""
    before = next((one for one in imports(connection) if (one.kind, one.sha256) == (run.kind, run.sha256)), None)
    faults = [] if before else [*run.faults, *site_faults(connection, run.kind, run.told, today)]
    return DryRunSeen(
        run.kind,
        run.sha256,
        run.file_name,
        run.rows,
        len(faults),
        _seen(sorted(faults, key=lambda fault: fault.row)[:_MOST_FAULTS]),
        run.valid_until,
        before,
    )


def _seen(faults: Iterable[Fault]) -> list[FaultSeen]:
    return [
        FaultSeen(fault.row, fault.column, _heading(fault.column), fault.code, _sentence(fault.code))
        for fault in faults
    ]


def _heading(column: str) -> str:
    return label("column", column).text if column in labels()["column"] else column


def _sentence(code: str) -> str:
    return label(next(group for group in _GROUPS if code in labels()[group]), code).text
