"""Lines with a character the printer has no glyph for, drawn as pictures: a name is printed right or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import structlog
from PIL import Image, ImageDraw, ImageFont

from clinic_server.kit.i18n import say as _
from devices.receipt_printer.layout import (
    ACROSS,
    Glyphs,
    columns_of,
    is_printable,
    printable_text,
    set_lines,
    unprintable,
)
from devices.receipt_printer.wire import Paper
from devices.words import Align, Pair, Picture, Size, Slip, Text

PLACES: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "C:/Windows/Fonts/simsun.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
GETA: Final = "〓"  # the printers' own sign for a sort that is missing
COLUMN: Final = 12  # dots; the printer's own characters are 12 or 24 of them wide and 24 high
CELL: Final = 24
LEADING: Final = 6  # blank rows under a line
BASELINE: Final = 0.86  # of the height of a cell
INK: Final = 128  # grey from here on is black
DOWN: Final = {Size.NORMAL: 1, Size.TALL: 2, Size.LARGE: 2, Size.HUGE: 4}
_NO_CHARACTER: Final = "\U0010ffff"
_log = structlog.get_logger(__name__)


class Typeface:
    """A font file, opened once for each size."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._index = next((at for at, name in enumerate(_families(path)) if "SC" in name.split()), 0)
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}

    def at(self, height: int) -> ImageFont.FreeTypeFont:
        """Return the font with cells of this height."""
        if height not in self._sizes:
            self._sizes[height] = ImageFont.truetype(self._path, height, index=self._index)
        return self._sizes[height]

    def has(self, sign: str) -> bool:
        """Tell whether the font has ink of its own for a character."""
        font = self.at(CELL)
        mask = font.getmask(sign)
        return mask.getbbox() is not None and bytes(mask) != bytes(font.getmask(_NO_CHARACTER))


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a picture."""

    text: str
    size: Size
    first_column: int


class Lettering:
    """Draws with whatever font has the character; without one it becomes 〓, and the slip says where to look."""

    def __init__(self, font: str) -> None:
        self._named = font

    def of(self, slip: Slip, paper: Paper) -> Slip:
        """Return a slip this printer prints without putting another character in the place of one it lacks."""
        lines = tuple(self._lettered(line, paper) if isinstance(line, Text | Pair) else line for line in slip.lines)
        if any(GETA in text for line in lines for text in _texts(line)):
            lines = (*lines, Text(_("〓: a character this printer lacks; see the ID card.")))
        return Slip(lines)

    def _lettered(self, line: Text | Pair, paper: Paper) -> Text | Pair | Picture:
        missing = {sign for text in _texts(line) for sign in unprintable(text, paper.glyphs)}
        if not missing:
            return line
        face = next((one for one in self._faces if all(map(one.has, missing))), None)
        return _picture(line, paper, face) if face else _with_geta(line, paper.glyphs)

    @cached_property
    def _faces(self) -> Sequence[Typeface]:
        return tuple(self._found())

    def _found(self) -> Iterator[Typeface]:
        for path in (self._named,) if self._named else PLACES:
            try:
                if self._named or Path(path).exists():
                    yield Typeface(path)
            except OSError as error:
                _log.error("font_not_usable", kind=type(error).__name__)


def _texts(line: object) -> tuple[str, ...]:
    match line:
        case Text(text):
            return (text,)
        case Pair(name, value):
            return (name, value)
        case _:
            return ()


def _with_geta(line: Text | Pair, glyphs: Glyphs) -> Text | Pair:
    def without(text: str) -> str:
        return "".join(sign if is_printable(sign, glyphs) else GETA for sign in printable_text(text, Glyphs.ANY))

    if isinstance(line, Text):
        return replace(line, text=without(line.text))
    return replace(line, name=without(line.name), value=without(line.value))


def _picture(line: Text | Pair, paper: Paper, face: Typeface) -> Picture:
    """Draw a paragraph as the printer would set it, each character in its own columns."""
    texts = set_lines(line, paper.columns, Glyphs.ANY)
    height = CELL * DOWN[line.size] + LEADING
    image = Image.new("1", (paper.columns * COLUMN, height * len(texts)))
    for number, text in enumerate(texts):
        row = _Row(text, line.size, _first_column(line, text, paper.columns))
        for sign, column in _placed(row):
            image.paste(_drawn(sign, line.size, face), (column * COLUMN, number * height))
    return Picture(image.width // 8, image.tobytes())


def _first_column(line: Text | Pair, text: str, columns: int) -> int:
    free = columns - columns_of(text) * ACROSS[line.size]
    align = line.align if isinstance(line, Text) else Align.LEFT
    return {Align.LEFT: 0, Align.CENTER: free // 2, Align.RIGHT: free}[align]


def _placed(row: _Row) -> Iterator[tuple[str, int]]:
    column = row.first_column
    for sign in row.text:
        yield sign, column
        column += columns_of(sign) * ACROSS[row.size]


def _drawn(sign: str, size: Size, face: Typeface) -> Image.Image:
    """Draw one character into its cell; a letter too wide for it is pressed together, not cut off."""
    width, height = columns_of(sign) * COLUMN * ACROSS[size], CELL * ACROSS[size]
    font = face.at(height)
    needed = max(width, round(font.getlength(sign)))
    canvas = Image.new("L", (needed, height))
    ImageDraw.Draw(canvas).text((0, round(BASELINE * height)), sign, fill=255, font=font, anchor="ls")
    fitted = canvas.resize((width, CELL * DOWN[size]))
    return fitted.point([255 * (grey >= INK) for grey in range(256)], mode="1")


def _families(path: str) -> Iterator[str]:
    """Return the family names in a font file, one for each font of a collection."""
    try:
        for index in range(32):
            yield ImageFont.truetype(path, CELL, index=index).getname()[0] or ""
    except OSError:
        if index == 0:
            raise
