"""Everything that can be told to a device, as frozen values. What goes on paper may be personal: no repr shows it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What the person at the scanner should hear of the code just scanned."""

    GOOD = "good"
    BAD = "bad"


class Align(StrEnum):
    """Where a line stands on the paper."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class Size(StrEnum):
    """How large a text is: plain, twice as high, twice as high and wide, four times (digits and Latin letters)."""

    NORMAL = "normal"
    TALL = "tall"
    LARGE = "large"
    HUGE = "huge"


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; broken where the paper ends."""

    text: str = field(repr=False)
    size: Size = Size.NORMAL
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class Pair:
    """What it is at the left edge, its value at the right one; on two lines when they do not fit on one."""

    name: str
    value: str = field(repr=False)
    size: Size = Size.NORMAL


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code in the middle, of ASCII text; a printer without QR codes prints the text."""

    text: str = field(repr=False)
    dots_per_module: int = 6

    def __post_init__(self) -> None:
        if not (self.text and self.text.isascii() and self.text.isprintable() and len(self.text) <= 1000):  # noqa: PLR2004 - more never scans from 58 mm
            raise ValueError("a QR code holds 1 to 1000 printable ASCII characters")
        if not 1 <= self.dots_per_module <= 16:  # noqa: PLR2004 - what printers take
            raise ValueError("a module of a QR code is 1 to 16 dots wide")


@dataclass(frozen=True, slots=True)
class Picture:
    """A black and white picture in the middle: rows of `width_bytes` bytes, the highest bit at the left, 1 is black.

    The way a name gets on paper that holds characters the printer has no glyph for: whoever has a font draws it.
    """

    width_bytes: int
    rows: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.width_bytes <= 72 or not self.rows or len(self.rows) % self.width_bytes:  # noqa: PLR2004 - 576 dots
            raise ValueError("a picture has whole rows of 1 to 72 bytes")


@dataclass(frozen=True, slots=True)
class Slip:
    """What comes out of the printer in one piece, from top to bottom, in words already translated."""

    lines: tuple[Text | Pair | Rule | Qr | Picture, ...]


@dataclass(frozen=True, slots=True)
class PrintSlip:
    """Print this; `job_id` comes back in SlipPrinted or SlipFailed."""

    job_id: str
    slip: Slip


DeviceWord = Verdict | PrintSlip
