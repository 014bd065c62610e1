"""ESC/POS, what our slips need of it. Pure.

Sources: Epson ESC/POS command reference (ESC @, ESC a, ESC d, GS !, GS V, GS v 0, GS ( k functions 165, 167, 169, 180,
181, GS a, GS r, DLE EOT) and its Chinese models (FS &, FS ., FS !); status bits as in the Bixolon SRP-350 manual p. 8.
Text is GB 18030, two bytes a character, because only the GBK part of it has glyphs; other codes go only to a printer
said to have them, and then only for the ideographs of Extension A.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, assert_never

from devices.receipt_printer.layout import Glyphs, set_lines
from devices.words import Align, Pair, Picture, Qr, Rule, Size, Slip, Text

# Initialise, stop unasked status (GS a 0), Chinese characters on (FS &).
BEGIN: Final = b"\x1b@\x1da\x00\x1c&"
CHINESE_OFF: Final = b"\x1c."
CUT: Final = b"\x1dVB\x00"  # feed to the knife and cut
FEED_TO_TEAR: Final = b"\x1bd\x05"
ASK_PROGRESS: Final = b"\x1dr\x01"  # answered in turn: after everything sent before has been worked off
ASK_OFFLINE_CAUSE: Final = b"\x10\x04\x02"  # answered at once
ASK_PAPER: Final = b"\x10\x04\x04"  # answered at once
ALIGNMENTS: Final[Mapping[Align, bytes]] = MappingProxyType(
    {Align.LEFT: b"\x1ba\x00", Align.CENTER: b"\x1ba\x01", Align.RIGHT: b"\x1ba\x02"}
)


@dataclass(frozen=True, slots=True)
class Paper:
    """What the printer at hand can do: 32 columns on 58 mm, 48 on 80 mm; `glyphs` is never more than its font holds."""

    columns: int = 32
    has_qr: bool = True
    has_cutter: bool = True
    glyphs: Glyphs = Glyphs.GBK


# Some makes know only FS ! for Chinese, others let GS ! rule it too: both are sent, in this order.
SCALES: Final[Mapping[Size, bytes]] = MappingProxyType(
    {
        Size.NORMAL: b"\x1c!\x00\x1d!\x00",
        Size.TALL: b"\x1c!\x08\x1d!\x01",
        Size.LARGE: b"\x1c!\x0c\x1d!\x11",
        Size.HUGE: b"\x1c!\x0c\x1d!\x33",
    }
)


@dataclass(frozen=True, slots=True)
class PrinterTrouble:
    """What keeps a printer from printing, or soon will."""

    is_paper_out: bool = False
    is_cover_open: bool = False
    has_error: bool = False
    is_paper_low: bool = False

    @property
    def word(self) -> str:
        """The worst of it as a stable word, empty when all is well."""
        words = {"cover_open": self.is_cover_open, "paper_out": self.is_paper_out, "printer_error": self.has_error}
        return next((word for word, holds in words.items() if holds), "paper_low" if self.is_paper_low else "")

    @property
    def is_stopped(self) -> bool:
        """Whether nothing can be printed now."""
        return self.is_paper_out or self.is_cover_open or self.has_error


def encode(slip: Slip, paper: Paper) -> bytes:
    """Return the bytes of one slip, from initialising the printer to cutting the paper."""
    body = b"".join(_encode_line(line, paper) for line in slip.lines)
    return BEGIN + body + CHINESE_OFF + (CUT if paper.has_cutter else FEED_TO_TEAR)


def is_real_time_answer(byte: int) -> bool:
    """Tell an answer to DLE EOT (fixed bits 0xx1xx10) from one to GS r and from flow control."""
    return byte & 0x93 == 0x12  # noqa: PLR2004 - bits 0, 1, 4 and 7


def is_progress_answer(byte: int) -> bool:
    """Tell an answer to GS r 1: bits 4 and 7 are 0, bits 5 and 6 are unused and 0."""
    return byte & 0xF0 == 0


def decode_trouble(offline_cause: int, paper_sensor: int) -> PrinterTrouble:
    """Read the answers to ASK_OFFLINE_CAUSE and ASK_PAPER."""
    return PrinterTrouble(
        is_paper_out=bool(offline_cause & 0x20 or paper_sensor & 0x60),
        is_cover_open=bool(offline_cause & 0x04),
        has_error=bool(offline_cause & 0x40),
        is_paper_low=bool(paper_sensor & 0x0C),
    )


def _encode_line(line: Text | Pair | Rule | Qr | Picture, paper: Paper) -> bytes:
    match line:
        case Text() | Pair() | Rule():
            align = line.align if isinstance(line, Text) else Align.LEFT
            size = Size.NORMAL if isinstance(line, Rule) else line.size
            return ALIGNMENTS[align] + SCALES[size] + _printed(set_lines(line, paper.columns, paper.glyphs))
        case Qr(text) if not paper.has_qr:
            return _encode_line(Text(text, align=Align.CENTER), paper)
        case Qr(text, dots):
            return ALIGNMENTS[Align.CENTER] + _qr(text.encode("ascii"), dots) + b"\n"
        case Picture(width_bytes, rows):
            extent = width_bytes.to_bytes(2, "little") + (len(rows) // width_bytes).to_bytes(2, "little")
            return ALIGNMENTS[Align.CENTER] + b"\x1dv0\x00" + extent + rows
        case _:
            assert_never(line)


def _printed(lines: tuple[str, ...]) -> bytes:
    return b"".join(line.encode("gb18030") + b"\n" for line in lines)


def _qr(content: bytes, dots: int) -> bytes:
    """Model 2, so many dots a module, error correction M."""
    functions = (b"1A2\x00", b"1C" + bytes([dots]), b"1E1", b"1P0" + content, b"1Q0")
    return b"".join(b"\x1d(k" + len(function).to_bytes(2, "little") + function for function in functions)
