"""The migration step that lets a table only grow: triggers refuse every update and delete."""

from typing import Any

from alembic.autogenerate import renderers
from alembic.operations import MigrateOperation, Operations

_SQLITE = """CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""

_POSTGRES_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""

_POSTGRES = """CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""


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
        for verb in ("UPDATE", "DELETE"):
            operations.execute(_SQLITE.format(table=step.table, verb=verb))
    else:
        operations.execute(_POSTGRES_FUNCTION)
        operations.execute(_POSTGRES.format(table=step.table))


@renderers.dispatch_for(MakeAppendOnly)
def _render(_context: Any, step: MakeAppendOnly) -> str:
    return f"op.make_append_only({step.table!r})"
