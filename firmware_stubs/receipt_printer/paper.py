"""What came out of the printer, as a picture for people to look at: each character in the cell a printer gives it."""

import argparse
import threading
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from firmware_stubs.plugs import PtyPlug, TcpPlug
from firmware_stubs.receipt_printer.stub import Mark, Printout, ReceiptPrinterStub

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "C:/Windows/Fonts/simsun.ttc",
)
COLUMN, CELL, LEADING, MARGIN = 12, 24, 6, 16
WHITE, BLACK = 255, 0


def drawn(printout: Printout, columns: int = 32) -> Image.Image:
    """Return the paper, 384 dots wide for 32 columns."""
    strips = [_strip(mark, columns * COLUMN) for mark in printout.marks]
    paper = Image.new("L", (columns * COLUMN + 2 * MARGIN, sum(strip.height for strip in strips) + 2 * MARGIN), WHITE)
    top = MARGIN
    for strip in strips:
        paper.paste(strip, (MARGIN, top))
        top += strip.height
    return paper


def _strip(mark: Mark, width: int) -> Image.Image:
    if isinstance(mark.content, bytes):
        picture = _picture(mark.content, mark.across)
        strip = Image.new("L", (width, picture.height), WHITE)
    else:
        picture = _line(mark.content, mark.across, mark.down)
        strip = Image.new("L", (width, picture.height + LEADING), WHITE)
    # What is wider than the paper is cut off, as the printer does.
    free = max(0, width - picture.width)
    strip.paste(picture, ((0, free // 2, free)[mark.align], 0))
    return strip


def _picture(rows: bytes, width_bytes: int) -> Image.Image:
    inverted = bytes(byte ^ 0xFF for byte in rows)  # on paper a 1 is black
    return Image.frombytes("1", (width_bytes * 8, len(rows) // width_bytes), inverted).convert("L")


def _line(text: str, across: int, down: int) -> Image.Image:
    font = ImageFont.truetype(next(filter(lambda path: Path(path).exists(), FONTS)), CELL - 2)
    widths = [COLUMN if sign.isascii() else 2 * COLUMN for sign in text]
    line = Image.new("L", (max(1, sum(widths)), CELL), WHITE)
    left = 0
    for sign, width in zip(text, widths, strict=True):
        cell = Image.new("L", (max(width, round(font.getlength(sign))), CELL), WHITE)
        ImageDraw.Draw(cell).text((0, 20), sign, fill=BLACK, font=font, anchor="ls")
        line.paste(cell.resize((width, CELL)), (left, 0))
        left += width
    return line.resize((line.width * across, line.height * down))


def main() -> None:
    """Print the port, then save every slip that is printed as a picture of its own."""
    parser = argparse.ArgumentParser(description="A receipt printer whose paper is a folder of pictures.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--columns", type=int, choices=(32, 48), default=32, help="32 for 58 mm of paper, 48 for 80")
    parser.add_argument("--tcp", action="store_true", help="listen on a TCP port instead of a pseudo-terminal")
    words = parser.parse_args()
    words.folder.mkdir(parents=True, exist_ok=True)
    never, number = threading.Event(), 0
    with TcpPlug() if words.tcp else PtyPlug("receipt-printer") as plug:
        printer = ReceiptPrinterStub(plug)
        print(plug.url, flush=True)
        while not never.wait(0.2):
            while printer.printouts:
                number += 1
                drawn(printer.printouts.pop(0), words.columns).save(words.folder / f"slip-{number:03d}.png")


if __name__ == "__main__":
    main()
