"""How tables are declared: column kinds, and the promise that records are only ever appended."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, Enum, LargeBinary, String, Table, event
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC instant on every engine; SQLite would hand it back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A stored instant must be aware.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AppendOnly(SQLModel):
    """A row that is never changed or removed; the database refuses otherwise."""

    append_only: ClassVar[bool] = True


class Record(AppendOnly):
    """An appended row that one journal line vouches for."""

    id: UUID = Field(primary_key=True)
    journal_seq: int = Field(sa_type=BigInteger)


class State(SQLModel):
    """A row that may change: a cache of what records say, or something that is no record."""


def instant(**options: Any) -> Any:
    """Declare an aware UTC instant; the field's name ends in ``_at`` or ``_until``."""
    return Field(sa_type=cast("Any", UTCDateTime), **options)


def text(max_length: int, **options: Any) -> Any:
    """Declare text whose length the database itself checks."""
    return Field(sa_type=cast("Any", String(max_length)), max_length=max_length, **options)


def sealed(**options: Any) -> Any:
    """Declare an encrypted field (``Keyring.seal``)."""
    return Field(sa_type=cast("Any", LargeBinary), **options)


def one_of(kind: type[StrEnum], **options: Any) -> Any:
    """Declare one value of a closed list, stored by its stable name and checked by the database."""
    column_type = Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=f"{kind.__name__.lower()}_code",
        values_callable=lambda members: [member.value for member in members],
        length=40,
    )
    return Field(sa_type=cast("Any", column_type), **options)


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table of a model, for statements off the ORM."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined]  # SQLModel adds it at run time


@event.listens_for(Table, "after_parent_attach")
def _check_text_lengths(table: Table, metadata: Any) -> None:
    """Give every bounded text its CHECK: SQLite ignores the length of a VARCHAR."""
    if metadata is not SQLModel.metadata:
        return
    for column in table.columns:
        if isinstance(column.type, String) and not isinstance(column.type, Enum) and column.type.length:
            rule = f"length({column.name}) <= {column.type.length}"
            table.append_constraint(CheckConstraint(rule, name=f"{column.name}_length"))
