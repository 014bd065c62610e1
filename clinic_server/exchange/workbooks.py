"""What is looked at in a workbook before anything reads it: its size unpacked, its parts, the place of every cell.

A reader of workbooks lays out a sheet from its first cell to its last. Two cells in opposite corners, a few hundred
bytes, make it ask for more memory than there is, which ends the whole process. So every part is first read through
within bounds, and the reader is handed only what was read through, packed anew.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from xml.parsers import expat

from clinic_server.exchange.rules import (
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_UNPACKED_BYTES,
    FileHasActiveParts,
    FileHasSeveralSheets,
    FileTooLarge,
    FileUnreadable,
)

MAGIC: Final = b"PK\x03\x04"
_MOST_PARTS = 500
_MOST_ELEMENTS = 300_000  # each takes a microsecond
_READ = (".xml", ".rels")
_ACTIVE = re.compile(r"externalLinks/|embeddings/|activeX/|macrosheets/|vbaProject", re.IGNORECASE)
_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ROWS_DOWN = MOST_ROWS + 100  # room for headings and empty rows
_TEXTS = frozenset({"c", "si"})  # a cell, and a text that many cells share


@dataclass(frozen=True, slots=True)
class LookedThrough:
    """A workbook of which every part was read within bounds, and where its formulas stand: row and column from 0."""

    content: BytesIO
    formulas: frozenset[tuple[int, int]]


@dataclass(slots=True)
class _Part:
    """One part while it is read through."""

    elements: int = 0
    is_in_cells: bool = False
    row: int = -1
    column: int = -1
    cells: int = 0
    texts_open: int = 0
    characters: int = 0
    formulas: set[tuple[int, int]] = field(default_factory=set)

    def begin(self, tag: str, given: dict[str, str]) -> None:
        """Follow where the next cell stands; one without a place of its own stands beside the one before it."""
        name, attributes = _local(tag), {_local(key): value for key, value in given.items()}
        self.elements += 1
        if self.elements > _MOST_ELEMENTS:
            raise FileTooLarge(most=MOST_ROWS)
        if name in _TEXTS:
            self.characters = self.characters if self.texts_open else 0
            self.texts_open += 1
        if name == "sheetData":
            self.is_in_cells = True
        elif name == "Relationship":
            _refuse_outside(attributes)
        elif self.is_in_cells and name == "row":
            self._go_to(int(attributes["r"]) - 1 if "r" in attributes else self.row + 1, -1)
        elif self.is_in_cells and name == "c":
            self._stand_at(attributes.get("r"))
        elif self.is_in_cells and name == "f":
            self.formulas.add((self.row, self.column))

    def end(self, tag: str) -> None:
        """Leave a cell, a text or the cells of a sheet."""
        name = _local(tag)
        if name in _TEXTS:
            self.texts_open -= 1
        elif name == "sheetData":
            self.is_in_cells = False

    def say(self, text: str) -> None:
        """Count the characters of one text: it may stand in every cell."""
        self.characters += len(text)
        if self.texts_open and self.characters > MOST_CHARACTERS:
            raise FileTooLarge(most=MOST_ROWS)

    def _stand_at(self, place: str | None) -> None:
        self.cells += 1
        if place is None:
            self._go_to(max(self.row, 0), self.column + 1)
        elif match := _PLACE.fullmatch(place):
            self._go_to(int(match[2]) - 1, _column_number(match[1]))
        else:
            raise FileUnreadable

    def _go_to(self, row: int, column: int) -> None:
        if not -1 <= row < _ROWS_DOWN or column >= MOST_COLUMNS:
            raise FileTooLarge(most=MOST_ROWS)
        self.row, self.column = row, column


def look_through(content: bytes) -> LookedThrough:
    """Return a workbook that is safe to read, or raise what is wrong with the file as a whole."""
    packed, parts = BytesIO(), []
    try:
        with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(packed, "w") as target:
            for name, unpacked in _unpacked(source):
                parts.append(_read_through(unpacked))
                target.writestr(name, unpacked)
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, ValueError, EOFError, NotImplementedError, RuntimeError):
        raise FileUnreadable from None  # damaged, sealed by a password, packed by a method nobody uses
    if sum(bool(part.cells) for part in parts) > 1:
        raise FileHasSeveralSheets
    packed.seek(0)
    return LookedThrough(packed, frozenset().union(*(part.formulas for part in parts)))


def _unpacked(source: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield the parts that are read, each name once, and stop where they are too large, whatever they say of it."""
    entries = source.infolist()
    names = [entry.filename for entry in entries]
    if any(_ACTIVE.search(name) for name in names):
        raise FileHasActiveParts
    if len(entries) > _MOST_PARTS or len({name.casefold() for name in names}) < len(entries):
        raise FileUnreadable
    left = MOST_UNPACKED_BYTES
    for entry in entries:
        if entry.filename.lower().endswith(_READ):
            with source.open(entry) as part:
                unpacked = part.read(left + 1)
            left -= len(unpacked)
            if left < 0:
                raise FileTooLarge(most=MOST_ROWS)
            yield entry.filename, unpacked


def _read_through(unpacked: bytes) -> _Part:
    """Read a part as UTF-8, whatever it says of itself, as its reader will; nobody needs a document type."""
    part = _Part()
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = part.begin
    parser.EndElementHandler = part.end
    parser.CharacterDataHandler = part.say
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.Parse(unpacked, True)  # expat's signature: this is all of it
    return part


def _refuse_document_type(*_told: object) -> None:
    raise FileUnreadable


def _refuse_outside(relationship: dict[str, str]) -> None:
    """Raise if a part lies elsewhere; a typed address is a link that nobody follows."""
    if relationship.get("TargetMode") == "External" and not relationship.get("Type", "").endswith("/hyperlink"):
        raise FileHasActiveParts


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
