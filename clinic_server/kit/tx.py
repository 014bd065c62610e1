"""What an action is given: one open transaction, the time, the actor, and the means to append."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, CursorResult, Executable, Insert, insert
from sqlmodel import SQLModel

from clinic_server.kit.access import Actor
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import Head, append_line, digest_of
from clinic_server.kit.tables import Record, table_of

_INSERTS: dict[type[SQLModel], Insert] = {}


class UnjournaledRecords(RuntimeError):
    """An action appended records without a journal line: a fault of the program."""


@dataclass(frozen=True, slots=True)
class Site:
    """Whose journal this is."""

    code: str
    zone: ZoneInfo = field(default=ZoneInfo("Asia/Shanghai"))


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed: the line that says so, and who should look again by topics; the line's kind is one."""

    seq: int
    topics: frozenset[str]


@dataclass(slots=True)
class Tx:
    """One action's view of the transaction it runs in. Never commits; the writer does."""

    connection: Connection
    now: datetime
    actor: Actor
    site: Site
    keyring: Keyring
    new_id: Callable[[], UUID]
    head: Head
    signals: list[Signal] = field(default_factory=list)
    _unjournaled: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run a Core statement."""
        return self.connection.execute(statement, values)

    @property
    def local_date(self) -> date:
        """The calendar date at the site; certificates and expiry dates know no clinic day."""
        return self.now.astimezone(self.site.zone).date()

    @property
    def seq(self) -> int:
        """The number of the journal line that will vouch for what is appended now."""
        return self.head.seq + 1

    @property
    def owes_a_line(self) -> bool:
        """Whether records were appended that no journal line vouches for yet."""
        return bool(self._unjournaled)

    def append(self, model: type[Record], **values: Any) -> UUID:
        """Append one record under the next journal line and return its id."""
        row: dict[str, Any] = {"id": self.new_id(), **values, "journal_seq": self.seq}
        self.connection.execute(_insert_into(model), row)
        self._unjournaled.append((str(model.__tablename__), row))
        return UUID(int=row["id"].int)

    def insert(self, model: type[SQLModel], **values: Any) -> None:
        """Insert one row of a table that is not a record."""
        self.connection.execute(_insert_into(model), values)

    def journal(self, kind: str, ref: UUID | str | None = None, *topics: str) -> None:
        """Close the action with its line: what happened (past tense), to what, and which pages care."""
        self.head = append_line(
            self.connection,
            self.keyring.journal_key,
            self.head,
            {
                "id": self.new_id(),
                "site": self.site.code,
                "epoch": self.head.epoch,
                "at": self.now,
                "actor": self.actor.label,
                "station": self.actor.station,
                "kind": kind,
                "ref": None if ref is None else str(ref),
                "digest": digest_of(self._unjournaled),
            },
        )
        self._unjournaled.clear()
        self.signals.append(Signal(self.head.seq, frozenset((kind, *topics))))

    def begin_epoch(self) -> None:
        """Let the lines from here on tell that the site was restored from a backup: what was lost is another's."""
        self.head = replace(self.head, epoch=self.head.epoch + 1)

    def signal(self, *topics: str) -> None:
        """Ask these topics' pages to look again without a journal line; for readings, too many for one each."""
        self.signals.append(Signal(self.head.seq, frozenset(topics)))

    def finish(self) -> None:
        """Refuse an action that forgot its journal line."""
        if self._unjournaled:
            tables = ", ".join(sorted({name for name, _ in self._unjournaled}))
            raise UnjournaledRecords(tables)


def _insert_into(model: type[SQLModel]) -> Insert:
    statement = _INSERTS.get(model)
    if statement is None:
        statement = _INSERTS[model] = insert(table_of(model))
    return statement
