"""The words of files that come in and go out: their columns, what may be wrong with one, and its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Final

from clinic_server.kit.errors import Conflict, NotFound, Refused

MOST_ROWS: Final = 2_000  # they are recorded in one transaction, and the benches wait for it
MOST_COLUMNS: Final = 40
MOST_CHARACTERS: Final = 500  # of one cell
MOST_UNPACKED_BYTES: Final = 8_000_000  # of a workbook
MOST_EXPORTED: Final = 100_000


class ImportKind(StrEnum):
    """What a file that comes in lists."""

    PRODUCTS = "products"
    STOCK = "stock"


class ExportKind(StrEnum):
    """What a file that goes out lists."""

    PRODUCTS = "products"
    STOCK = "stock"
    MOVEMENTS = "movements"


class Column(StrEnum):
    """The columns of every file; a heading is this word or its label in any language."""

    PRODUCT_CODE = "product_code"
    NAME = "name"
    MANUFACTURER = "manufacturer"
    VACCINE_CODE = "vaccine_code"
    PLATFORM = "platform"
    ROUTE = "route"
    VOLUME_UL = "volume_ul"
    DOSES_PER_UNIT = "doses_per_unit"
    OPEN_VIAL_MINUTES = "open_vial_minutes"
    WITHDRAWN_ON = "withdrawn_on"
    LOT_NUMBER = "lot_number"
    EXPIRES_ON = "expires_on"
    PLACE_CODE = "place_code"
    TRACE_CODE = "trace_code"
    DOSES_LEFT = "doses_left"
    MOVED_AT = "moved_at"
    MOVEMENT = "movement"
    DOSES = "doses"
    FROM_ACCOUNT = "from_account"
    TO_ACCOUNT = "to_account"
    REASON = "reason"
    NOTE = "note"
    STATION = "station"
    STAFF_NUMBER = "staff_number"


PRODUCT_COLUMNS: Final = (
    Column.PRODUCT_CODE,
    Column.NAME,
    Column.MANUFACTURER,
    Column.VACCINE_CODE,
    Column.PLATFORM,
    Column.ROUTE,
    Column.VOLUME_UL,
    Column.DOSES_PER_UNIT,
    Column.OPEN_VIAL_MINUTES,
    Column.WITHDRAWN_ON,
)
STOCK_COLUMNS: Final = (
    Column.PRODUCT_CODE,
    Column.LOT_NUMBER,
    Column.EXPIRES_ON,
    Column.PLACE_CODE,
    Column.TRACE_CODE,
    Column.DOSES_LEFT,
)
MOVEMENT_COLUMNS: Final = (
    Column.MOVED_AT,
    Column.MOVEMENT,
    Column.PRODUCT_CODE,
    Column.LOT_NUMBER,
    Column.DOSES,
    Column.FROM_ACCOUNT,
    Column.TO_ACCOUNT,
    Column.TRACE_CODE,
    Column.REASON,
    Column.NOTE,
    Column.STATION,
    Column.STAFF_NUMBER,
)
COLUMNS_IN: Final = {ImportKind.PRODUCTS: PRODUCT_COLUMNS, ImportKind.STOCK: STOCK_COLUMNS}
NOT_NEEDED: Final = frozenset({Column.OPEN_VIAL_MINUTES, Column.WITHDRAWN_ON, Column.DOSES_LEFT})


class CellFault(StrEnum):
    """What is wrong with one cell, whatever the site knows."""

    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_MISSING = "column_missing"
    COLUMN_TWICE = "column_twice"
    CELL_EMPTY = "cell_empty"
    CELL_BESIDE_COLUMNS = "cell_beside_columns"
    CELL_IS_FORMULA = "cell_is_formula"
    CELL_CONVERTED = "cell_converted"
    CELL_TOO_LONG = "cell_too_long"
    CELL_UNPRINTABLE = "cell_unprintable"
    CELL_NOT_IN_LIST = "cell_not_in_list"
    CELL_NO_DATE = "cell_no_date"
    CELL_NO_NUMBER = "cell_no_number"
    CELL_OUT_OF_RANGE = "cell_out_of_range"
    CELL_MALFORMED = "cell_malformed"
    LOT_EXPIRY_DIFFERS = "lot_expiry_differs"
    UNIT_NOT_FULL = "unit_not_full"


class FileUnreadable(Refused):
    """Neither a workbook nor a text table, or a damaged one."""

    code = "file_unreadable"


class FileEmpty(Refused):
    """No row stands below the headings."""

    code = "file_empty"


class FileTooLarge(Refused):
    """More rows, columns or text than a list of this site has; what else it may be is not looked at."""

    code = "file_too_large"


class FileHasActiveParts(Refused):
    """Macros, embedded objects or links to other files: a list needs none."""

    code = "file_has_active_parts"


class FileHasSeveralSheets(Refused):
    """More than one sheet holds cells, and nobody said which is meant."""

    code = "file_has_several_sheets"


class DryRunUnknown(NotFound):
    """This file was not looked through by this person lately."""

    code = "dry_run_unknown"


class ImportFaulty(Conflict):
    """A row is at fault, perhaps only since the dry run: nothing was recorded."""

    code = "import_faulty"


class ExportTooLong(Refused):
    """More rows than a file holds."""

    code = "export_too_long"


class Formula(Enum):
    """Stands in the place of a cell that would compute something; what, nobody looks at."""

    FORMULA = "formula"


Cell = str | int | float | bool | date | datetime | Formula


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in which cell; ``code`` is of ``CellFault``, of an error or of a finding."""

    row: int
    column: str
    code: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the headings by its number in the file; a cell that is empty is not there."""

    number: int
    cells: dict[Column, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: its rows, and what is wrong with its shape."""

    rows: Sequence[Row]
    faults: Sequence[Fault] = ()


def table_of(lines: Sequence[Sequence[Cell]], columns: Mapping[str, Column], wanted: Sequence[Column]) -> Table:
    """Return the table whose headings stand in the first line that is not empty, or raise FileEmpty.

    ``columns`` are the columns by every heading they may have (``heading_key``).
    """
    filled = [(number, line) for number, line in enumerate(lines, 1) if any(not _is_empty(cell) for cell in line)]
    if len(filled) < 2:  # noqa: PLR2004  # headings and one row
        raise FileEmpty
    if len(filled) - 1 > MOST_ROWS:
        raise FileTooLarge(most=MOST_ROWS)
    top, *below = filled
    headings = [columns.get(heading_key(cell)) for cell in top[1]]
    faults = _heading_faults(top[0], top[1], headings, wanted)
    rows = []
    for number, line in below:
        told = zip(headings, line, strict=False)
        rows.append(Row(number, {column: cell for column, cell in told if column and not _is_empty(cell)}))
        faults += _stray_faults(number, line, top[1])
    return Table(rows, faults)


def heading_key(cell: Cell) -> str:
    """Return a heading as it is compared."""
    return str(cell).strip().casefold()


def _is_empty(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _heading_faults(
    number: int, line: Sequence[Cell], headings: Sequence[Column | None], wanted: Sequence[Column]
) -> list[Fault]:
    faults = []
    seen: set[Column] = set()
    for cell, column in zip(line, headings, strict=True):
        if _is_empty(cell):
            continue
        if column not in wanted:
            faults.append(Fault(number, str(cell)[:40], CellFault.COLUMN_UNKNOWN))
        elif column in seen:
            faults.append(Fault(number, column, CellFault.COLUMN_TWICE))
        if column:
            seen.add(column)
    missing = (column for column in wanted if column not in seen and column not in NOT_NEEDED)
    return faults + [Fault(number, column, CellFault.COLUMN_MISSING) for column in missing]


def _stray_faults(number: int, line: Sequence[Cell], top: Sequence[Cell]) -> list[Fault]:
    """Return the cells of a row that stand below no heading."""
    padded = [*top, *[""] * (len(line) - len(top))]
    stray = any(not _is_empty(cell) and _is_empty(heading) for cell, heading in zip(line, padded, strict=False))
    return [Fault(number, "", CellFault.CELL_BESIDE_COLUMNS)] if stray else []
