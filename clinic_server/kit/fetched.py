"""The rows that a prepared statement fetched, at once and without the machinery for every kind of result."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import IteratorResult, Row


class Rows:
    """How SQLAlchemy makes a statement's rows of what the driver fetched."""

    __slots__ = ("made_of", "metadata")

    def __init__(self, metadata: Any) -> None:
        self.metadata = metadata
        self.made_of = partial(Row, metadata, metadata._effective_processors, metadata._key_to_index)  # noqa: SLF001  # as SQLAlchemy


class Fetched:
    """Answers what results are mostly asked for by itself, and everything else as SQLAlchemy's own result would."""

    __slots__ = ("_raw", "_rows")

    def __init__(self, rows: Rows, raw: Sequence[Sequence[Any]]) -> None:
        self._rows = rows
        self._raw = raw

    def __iter__(self) -> Iterator[Row[Any]]:
        return map(self._rows.made_of, self._raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._as_usual(), name)

    def all(self) -> list[Row[Any]]:
        """See Result."""
        return list(map(self._rows.made_of, self._raw))

    def first(self) -> Row[Any] | None:
        """See Result."""
        return self._rows.made_of(self._raw[0]) if self._raw else None

    def one_or_none(self) -> Row[Any] | None:
        """See Result."""
        return self.first() if len(self._raw) <= 1 else self._as_usual().one_or_none()

    def one(self) -> Row[Any]:
        """See Result."""
        return self._rows.made_of(self._raw[0]) if len(self._raw) == 1 else self._as_usual().one()

    def scalar(self) -> Any:
        """See Result."""
        row = self.first()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        """See Result."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """See Result."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def _as_usual(self) -> IteratorResult[Any]:
        return IteratorResult(self._rows.metadata, iter(self._raw))
