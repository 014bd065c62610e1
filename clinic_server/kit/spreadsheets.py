"""Tables that spreadsheets open and find nothing to compute in: workbooks and text."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import xlsxwriter

Written = str | float | date | None
CSV_TYPE: Final = "text/csv; charset=utf-8"
_WIDTH: Final = 20
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


class FileFormat(StrEnum):
    """How a table is written; also the end of the file's name."""

    XLSX = "xlsx"
    CSV = "csv"


MEDIA_TYPES: Final = {
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.CSV: CSV_TYPE,
}


def as_file(form: FileFormat, headings: Sequence[str], lines: Iterable[Sequence[Written]]) -> bytes:
    """Return a table as a file."""
    return _as_workbook(headings, lines) if form is FileFormat.XLSX else as_csv(headings, lines)


def as_csv(headings: Sequence[str], lines: Iterable[Sequence[Written]]) -> bytes:
    """Write UTF-8 with its mark: without it Excel shows Chinese as noise."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([quoted(cell) if isinstance(cell, str) else cell for cell in line] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def quoted(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; ``unquoted`` takes it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unquoted(text: str) -> str:
    """Return text as it was before it was quoted."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _as_workbook(headings: Sequence[str], lines: Iterable[Sequence[Written]]) -> bytes:
    """Write every text as text; what looks like a formula is marked as quoted too, for whoever edits it."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headings) - 1, _WIDTH)
        bold, day = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "yyyy-mm-dd"})
        text = workbook.add_format({"quote_prefix": True})
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        for row, line in enumerate(lines, 1):
            for column, cell in enumerate(line):
                if isinstance(cell, str):
                    sheet.write_string(row, column, cell, text if quoted(cell) != cell else None)
                elif isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, day)
                elif cell is not None:
                    sheet.write_number(row, column, cell)
    return content.getvalue()
