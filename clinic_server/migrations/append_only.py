"""The migration step that lets a table only grow: triggers refuse every update and delete."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from alembic.autogenerate import renderers
from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Connection, inspect

_SQLITE_VERBS = ("UPDATE", "DELETE")
_SQLITE = """CREATE TRIGGER IF NOT EXISTS {table}_refuses_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""

_POSTGRES_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""

_POSTGRES = """CREATE OR REPLACE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""


class Unprotected(Exception):
    """A migration left records that can be changed, as rebuilding a table does; add ``op.make_append_only``."""


def refuse_unprotected(connection: Connection, tables: Iterable[str]) -> None:
    """Raise Unprotected unless each of these tables, where it exists, has its triggers."""
    if connection.dialect.name == "sqlite":
        query, wanted = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'", len(_SQLITE_VERBS)
    else:
        query, wanted = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ '_refuses_change$'", 1
    guarded = Counter(connection.exec_driver_sql(query).scalars().all())
    existing = set(inspect(connection).get_table_names())
    open_tables = [table for table in tables if table in existing and guarded[table] < wanted]
    if open_tables:
        raise Unprotected(", ".join(open_tables))


@Operations.register_operation("make_append_only")
class MakeAppendOnly(MigrateOperation):
    """``op.make_append_only("dose")``."""

    def __init__(self, table: str) -> None:
        self.table = table

    @classmethod
    def make_append_only(cls, operations: Operations, table: str) -> Any:
        """Add the triggers to one table."""
        return operations.invoke(cls(table))


@Operations.implementation_for(MakeAppendOnly)
def _run(operations: Operations, step: MakeAppendOnly) -> None:
    if operations.get_bind().dialect.name == "sqlite":
        for verb in _SQLITE_VERBS:
            operations.execute(_SQLITE.format(table=step.table, verb=verb))
    else:
        operations.execute(_POSTGRES_FUNCTION)
        operations.execute(_POSTGRES.format(table=step.table))


@renderers.dispatch_for(MakeAppendOnly)
def _render(_context: Any, step: MakeAppendOnly) -> str:
    return f"op.make_append_only({step.table!r})"
