"""Bytes become lines of cells: a workbook or a text table, told apart by what they hold and not by their names."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from clinic_server.exchange.rules import (
    MOST_COLUMNS,
    MOST_ROWS,
    Cell,
    FileTooLarge,
    FileUnreadable,
    Formula,
    heading_key,
)
from clinic_server.exchange.workbooks import MAGIC, look_through
from clinic_server.kit.spreadsheets import unquoted

_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"  # .xls, or an .xlsx sealed by a password
_ENCODINGS = ("utf-8-sig", "gb18030")  # what a spreadsheet in China writes where it is not UTF-8
_SEPARATORS = ",;\t"


def lines_of(content: bytes, headings: Collection[str]) -> Sequence[Sequence[Cell]]:
    """Return the lines of a file, or raise what is wrong with it as a whole; ``headings`` tell its separator."""
    if content.startswith(MAGIC):
        return _of_workbook(content)
    if content.startswith(_OLD_WORKBOOK) or b"\0" in content:
        raise FileUnreadable
    return list(_of_text(_decoded(content), headings))


def _of_workbook(content: bytes) -> Sequence[Sequence[Cell]]:
    looked = look_through(content)
    try:
        with CalamineWorkbook.from_filelike(looked.content) as workbook:
            sheets = (workbook.get_sheet_by_name(name) for name in workbook.sheet_names)
            lines = next((sheet.to_python(skip_empty_area=False) for sheet in sheets if sheet.end), [])
    except CalamineError:
        raise FileUnreadable from None
    return [
        [Formula.FORMULA if (row, column) in looked.formulas else cell for column, cell in enumerate(line)]  # type: ignore[misc]  # times are refused as cells are judged
        for row, line in enumerate(lines)
    ]


def _decoded(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable


def _of_text(text: str, headings: Collection[str]) -> Iterator[Sequence[Cell]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text, headings), strict=True)
    try:
        for number, line in enumerate(reader):
            if number > MOST_ROWS + 100 or len(line) > MOST_COLUMNS:
                raise FileTooLarge(most=MOST_ROWS)
            yield [Formula.FORMULA if cell.startswith("=") else unquoted(cell) for cell in line]
    except csv.Error:
        raise FileUnreadable from None


def _separator(text: str, headings: Collection[str]) -> str:
    """Return the separator by which the first line holds the most headings."""
    first = text.lstrip().partition("\n")[0]

    def known(sign: str) -> int:
        return sum(heading_key(word.strip(' "\r')) in headings for word in first.split(sign))

    return max(_SEPARATORS, key=known)
