"""Lines of cells become bytes: a workbook or a text table that spreadsheets open and find nothing to compute in."""

import io
from collections.abc import Iterable, Sequence
from datetime import date

import xlsxwriter

from clinic_server.exchange.rules import FileFormat
from clinic_server.kit.spreadsheets import CSV_TYPE, Written, as_csv, quoted

MEDIA_TYPES = {
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.CSV: CSV_TYPE,
}
_WIDTH = 20


def as_file(form: FileFormat, headings: Sequence[str], lines: Iterable[Sequence[Written]]) -> bytes:
    """Return a table as a file."""
    return _as_workbook(headings, lines) if form is FileFormat.XLSX else as_csv(headings, lines)


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
