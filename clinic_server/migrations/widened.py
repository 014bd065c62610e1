"""The migration step that lets a column hold more values of its closed list; no row is touched.

Batch operations would copy every row of SQLite's largest tables, and drop the other CHECKs of the table on the way.
"""

import re
from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation, Operations

_SET_SQL = "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?"


class NoSuchCheck(Exception):
    """The table has no such CHECK of a closed list."""


@Operations.register_operation("widen")
class Widen(MigrateOperation):
    """``op.widen("visit_step", "outcome", "outcome_code", ["checked_in", …])``: all values there are from now on."""

    def __init__(self, table: str, column: str, code: str, values: Sequence[str]) -> None:
        self.table = table
        self.name = f"ck_{table}_{code}"
        self.rule = f"CHECK ({column} IN ({', '.join(map(repr, values))}))"

    @classmethod
    def widen(cls, operations: Operations, table: str, column: str, code: str, values: Sequence[str]) -> Any:
        """Put another CHECK in the place of one."""
        return operations.invoke(cls(table, column, code, values))


@Operations.implementation_for(Widen)
def _run(operations: Operations, step: Widen) -> None:
    if operations.get_bind().dialect.name == "sqlite":
        _widen_in_sqlite(operations, step)
    else:
        operations.execute(f"ALTER TABLE {step.table} DROP CONSTRAINT {step.name}")
        operations.execute(f"ALTER TABLE {step.table} ADD CONSTRAINT {step.name} {step.rule}")


def _widen_in_sqlite(operations: Operations, step: Widen) -> None:
    """Change the text of the schema, as SQLite's documentation of ALTER TABLE describes for CHECKs."""
    connection = operations.get_bind()
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    before = connection.exec_driver_sql(query, (step.table,)).scalar_one()
    after, found = re.subn(
        rf"CONSTRAINT {step.name} CHECK \([^()]*\([^()]*\)\)", f"CONSTRAINT {step.name} {step.rule}", before
    )
    if found != 1:
        raise NoSuchCheck(step.name)
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(_SET_SQL, (after, step.table))
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
