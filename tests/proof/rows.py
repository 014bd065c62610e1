"""Everything a database holds, read raw: what the invariants are checked against."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, select
from sqlmodel import SQLModel

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import journal, record_tables, verify

Row = RowMapping


@dataclass(slots=True)
class Rows:
    """All records by table, each table in journal order; ``zone`` is the site's."""

    keyring: Keyring
    zone: Any
    chain_faults: Sequence[str]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    by: dict[tuple[str, str], dict[Any, list[Row]]] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, keyring: Keyring, zone: Any) -> "Rows":
        """Read the whole database."""
        rows = cls(keyring, zone, verify(connection, keyring.journal_key).faults)
        for table in record_tables():
            rows.tables[table.name] = list(connection.execute(select(table).order_by(table.c.journal_seq)).mappings())
        now = SQLModel.metadata.tables["visit_now"]
        rows.tables["visit_now"] = list(connection.execute(select(now)).mappings())
        rows.tables["journal"] = list(connection.execute(select(journal).order_by(journal.c.seq)).mappings())
        return rows

    def all(self, table: str) -> list[Row]:
        """Return a table's rows, the earliest first."""
        return self.tables[table]

    def of(self, table: str, column: str, value: Any) -> list[Row]:
        """Return the rows whose column has a value, the earliest first."""
        index = self.by.get((table, column))
        if index is None:
            index = self.by[table, column] = defaultdict(list)
            for row in self.tables[table]:
                index[row[column]].append(row)
        return index.get(value, [])

    def one(self, table: str, value: Any, column: str = "id") -> Row:
        """Return the only row with this value."""
        (row,) = self.of(table, column, value)
        return row

    def opened(self, row: Row, table: str, column: str) -> Any:
        """Return what is sealed in a row as plain JSON."""
        return msgspec.json.decode(self.keyring.open(row[f"{column}_sealed"], f"{table}:{column}:{row['id']}"))

    def day(self, instant: Any) -> date:
        """Return the date of an instant at the site."""
        local: date = instant.astimezone(self.zone).date()
        return local


def age_on(born_on: date, day: date) -> int:
    """Count whole years, birthday by birthday."""
    years = 0
    while _birthday(born_on, years + 1) <= day:
        years += 1
    return years


def _birthday(born_on: date, years: int) -> date:
    try:
        return born_on.replace(year=born_on.year + years)
    except ValueError:  # born on 29 February
        return date(born_on.year + years, 3, 1)
