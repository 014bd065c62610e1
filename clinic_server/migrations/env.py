"""How Alembic reaches the schema: every table of every slice, on the connection it is handed."""

from collections.abc import Iterable
from typing import Any, Literal

from alembic import context
from alembic.operations import ops
from sqlalchemy import DateTime, Enum, String
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from clinic_server.kit.schema import append_only_tables
from clinic_server.kit.tables import UTCDateTime
from clinic_server.migrations import widened as _registered  # noqa: F401  # brings op.widen
from clinic_server.migrations.append_only import MakeAppendOnly, refuse_unprotected

_CHECKED_TEXT = "native_enum=False, create_constraint=True"


def _render_plainly(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Name only what SQLAlchemy itself brings, so that scripts outlive the application's types."""
    if kind != "type":
        return False
    if isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, AutoString):
        return f"sa.String(length={item.length})"
    if isinstance(item, Enum):
        return f"sa.Enum({', '.join(map(repr, item.enums))}, name={item.name!r}, {_CHECKED_TEXT}, length={item.length})"
    return False


def _protect_records(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Follow the creation of each append-only table by its triggers, and a change of one, which may rebuild it."""
    steps = directives[0].upgrade_ops.ops
    touched = {step.table_name for step in _touching(steps)}
    steps.extend(MakeAppendOnly(name) for name in append_only_tables() if name in touched)


def _touching(steps: Iterable[Any]) -> Iterable[ops.CreateTableOp | ops.ModifyTableOps]:
    return (step for step in steps if isinstance(step, ops.CreateTableOp | ops.ModifyTableOps))


def _same_type(_context: Any, _inspected: Any, _metadata: Any, found: Any, wanted: Any) -> bool | None:
    if isinstance(wanted, UTCDateTime):
        return not isinstance(found, DateTime)
    if isinstance(wanted, Enum):
        return not isinstance(found, String)
    return None


def _refuse_unprotected(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001  # as Alembic names them
    """Look at each migration's work before it is committed."""
    refuse_unprotected(ctx.connection, append_only_tables())


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=_render_plainly,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=True,
    compare_type=_same_type,
    process_revision_directives=_protect_records,
    on_version_apply=_refuse_unprotected,
)
with context.begin_transaction():
    context.run_migrations()
