"""Rows of a file become what is told of products and units, or faults that name row and column."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel, Field, PositiveInt, ValidationError

from clinic_server.exchange.rules import COLUMNS_IN, Cell, CellFault, Column, Fault, Formula, ImportKind, Row, Table
from clinic_server.exchange.rules import heading_key as key
from clinic_server.exchange.words import words_of
from clinic_server.kit.call import Form
from clinic_server.kit.errors import ClinicError
from clinic_server.stock.fields import ProductFields, TermsFields
from clinic_server.stock.rules import Platform, Route

CodeOf = Callable[[str], str]  # the code of a unit as stock keeps it, or a ClinicError
_DATE = re.compile(r"(\d{4})(?:[-/.年]?)(\d{1,2})(?:[-/.月]?)(\d{1,2})日?")
_EXPONENT = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_MOST_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number
_PYDANTIC: Final = {
    "missing": CellFault.CELL_EMPTY,
    "string_too_short": CellFault.CELL_EMPTY,
    "string_too_long": CellFault.CELL_TOO_LONG,
    "greater_than": CellFault.CELL_OUT_OF_RANGE,
    "greater_than_equal": CellFault.CELL_OUT_OF_RANGE,
    "less_than_equal": CellFault.CELL_OUT_OF_RANGE,
}


class ProductRow(Form, ProductFields, TermsFields):
    """A product of a list."""


class StockRow(Form):
    """A unit of opening stock; an opened one has no row, for nobody would know since when it is open."""

    product_code: str = Field(min_length=1, max_length=40)
    number: str = Field(min_length=1, max_length=40)
    expires_on: date
    place_code: str = Field(min_length=1, max_length=32)
    trace_code: str = Field(min_length=1, max_length=200)
    doses_left: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one row says."""

    number: int
    said: Any  # ProductRow or StockRow, as the file's kind has it


class _CellRefused(Exception):
    """A cell that does not say what its column asks for."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


_ROWS: Final[Mapping[ImportKind, type[BaseModel]]] = {ImportKind.PRODUCTS: ProductRow, ImportKind.STOCK: StockRow}
_FIELDS: Final = {
    ImportKind.PRODUCTS: {Column.PRODUCT_CODE: "code"},
    ImportKind.STOCK: {Column.LOT_NUMBER: "number"},
}


def told_by(kind: ImportKind, table: Table, code_of: CodeOf) -> tuple[list[Told], list[Fault]]:
    """Return what the rows of a table say and what is wrong with them; of a table that is misshapen, only how."""
    if table.faults:
        return [], list(table.faults)
    told: list[Told] = []
    faults: list[Fault] = []
    for row in table.rows:
        said, wrong = _judged(kind, row, code_of)
        faults += wrong
        if said is not None:
            told.append(Told(row.number, said))
    return told, faults


def _judged(kind: ImportKind, row: Row, code_of: CodeOf) -> tuple[BaseModel | None, Sequence[Fault]]:
    fields = {_FIELDS[kind].get(column, column.value): column for column in COLUMNS_IN[kind]}
    given: dict[str, Any] = {}
    faults: dict[Column, Fault] = {}
    for name, column in fields.items():
        if column in row.cells:
            try:
                given[name] = _plain(column, row.cells[column], code_of)
            except _CellRefused as refused:
                faults[column] = Fault(row.number, column, refused.fault)
    try:
        said = _ROWS[kind].model_validate(given)
    except ValidationError as refused:
        for error in refused.errors():
            column = fields[str(error["loc"][0])]
            faults.setdefault(column, Fault(row.number, column, _PYDANTIC.get(error["type"], CellFault.CELL_MALFORMED)))
        return None, list(faults.values())
    return (None if faults else said), list(faults.values())


def _plain(column: Column, cell: Cell, code_of: CodeOf) -> Any:
    """Return what a cell says in its column's own kind, or raise _CellRefused."""
    if isinstance(cell, Formula):
        raise _CellRefused(CellFault.CELL_IS_FORMULA)
    if column in (Column.EXPIRES_ON, Column.WITHDRAWN_ON):
        return _day(cell)
    if column in (Column.VOLUME_UL, Column.DOSES_PER_UNIT, Column.OPEN_VIAL_MINUTES, Column.DOSES_LEFT):
        return _whole_number(cell)
    if column is Column.PLATFORM:
        return _listed(cell, words_of(Platform, "platform"))
    if column is Column.ROUTE:
        return _listed(cell, words_of(Route, "route"))
    if column is Column.TRACE_CODE:
        return _unit_code(cell, code_of)
    return _text(cell)


def _day(cell: Cell) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    match = _DATE.fullmatch(cell.strip()) if isinstance(cell, str) else None
    try:
        return date(*map(int, match.groups())) if match else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise _CellRefused(CellFault.CELL_NO_DATE)


def _whole_number(cell: Cell) -> int:
    if isinstance(cell, str) and cell.isascii() and cell.strip().isdecimal() and len(cell) <= 9:  # noqa: PLR2004  # within every bound
        return int(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell // 1 and abs(cell) < _MOST_EXACT:
        return int(cell)
    raise _CellRefused(CellFault.CELL_NO_NUMBER)


def _listed(cell: Cell, words: Mapping[str, Any]) -> Any:
    if key(cell) not in words:
        raise _CellRefused(CellFault.CELL_NOT_IN_LIST)
    return words[key(cell)]


def _text(cell: Cell) -> str:
    """Return a text; what a spreadsheet made a date or a fraction of no longer says what was typed."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell // 1 and abs(cell) < _MOST_EXACT:
        return str(int(cell))
    if not isinstance(cell, str) or _EXPONENT.fullmatch(cell.strip()):
        raise _CellRefused(CellFault.CELL_CONVERTED)
    if not cell.strip().isprintable():
        raise _CellRefused(CellFault.CELL_UNPRINTABLE)
    return cell.strip()


def _unit_code(cell: Cell, code_of: CodeOf) -> str:
    """Return the code of a unit; a number has lost its leading zeros, if not more."""
    if not isinstance(cell, str) or _EXPONENT.fullmatch(cell.strip()):
        raise _CellRefused(CellFault.CELL_CONVERTED)
    try:
        return code_of(cell)
    except ClinicError as refused:
        raise _CellRefused(refused.code) from None
