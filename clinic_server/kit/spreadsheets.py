"""Text tables that spreadsheets open, and find nothing to compute in."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

Written = str | float | date | None
CSV_TYPE: Final = "text/csv; charset=utf-8"
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


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
