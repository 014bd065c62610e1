"""A name with a rare character is on the paper as ink, where it belongs, or as 〓 with a word about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from clinic_server.device_hub.slips.lettering import PLACES, Lettering
from clinic_server.kit.i18n import current_language
from devices.receipt_printer import wire
from devices.receipt_printer.layout import Glyphs
from devices.words import Align, Pair, Picture, Rule, Size, Slip, Text
from firmware_stubs.plugs import MemoryPlug
from firmware_stubs.receipt_printer.paper import drawn
from firmware_stubs.receipt_printer.stub import Printout, ReceiptPrinterStub

NARROW, WIDE = wire.Paper(columns=32), wire.Paper(columns=48)
RARE = ("𠮷", "䶮", "㛃")
LINE = 24 + 6  # rows


@pytest.fixture(autouse=True, name="in_chinese")
def _in_chinese() -> Iterator[None]:
    token = current_language.set("zh-CN")
    yield
    current_language.reset(token)


@pytest.fixture(name="lettering", scope="module")
def _lettering() -> Lettering:
    if not Path(PLACES[0]).exists():
        pytest.fail("fonts-noto-cjk is missing; `python3 run.py test` installs it.")
    return Lettering("")


def printed(slip: Slip, paper: wire.Paper) -> tuple[Printout, bytes]:
    """What stands on the paper, and the bytes that put it there."""
    printer, sent = ReceiptPrinterStub(MemoryPlug("lettering")), wire.encode(slip, paper)
    printer._receive(sent)
    return printer.printouts[0], sent


def ink(rows: bytes, width: int, box: tuple[int, int, int, int]) -> int:
    """How many dots are black within (left, top, right, bottom)."""
    picture = Image.frombytes("1", (width, len(rows) * 8 // width), rows).convert("L")
    return picture.crop(box).histogram()[255]


@pytest.mark.parametrize(("paper", "width"), [(NARROW, 384), (WIDE, 576)], ids=["58 mm", "80 mm"])
@pytest.mark.parametrize("sign", RARE)
def test_the_line_is_drawn_with_ink_where_the_characters_stand(
    lettering: Lettering, paper: wire.Paper, width: int, sign: str
) -> None:
    slip = lettering.of(Slip((Pair("姓名", f"{sign}*龙"), Text("请等候"))), paper)
    printout, sent = printed(slip, paper)
    (rows,) = printout.pictures
    assert len(rows) == width // 8 * LINE
    assert printout.lines == ["请等候"]
    assert "姓名".encode("gb18030") not in sent.replace(rows, b"")
    left, right = ink(rows, width, (0, 0, 48, 24)), ink(rows, width, (width - 60, 0, width - 36, 24))
    assert left > 80, "the word at the left edge"
    assert right > 40, "the rare character, where the value begins"
    assert ink(rows, width, (48, 0, width - 60, LINE)) == 0, "nothing between them"
    assert ink(rows, width, (0, 24, width, LINE)) == 0, "nothing between the lines"


def test_each_rare_character_is_itself_and_not_a_box(lettering: Lettering) -> None:
    pictures = [lettering.of(Slip((Text(sign),)), NARROW).lines[0] for sign in RARE]
    assert len({picture.rows for picture in pictures if isinstance(picture, Picture)}) == len(RARE)


@pytest.mark.parametrize(
    ("size", "across", "down"), [(Size.NORMAL, 1, 1), (Size.TALL, 1, 2), (Size.LARGE, 2, 2), (Size.HUGE, 4, 4)]
)
def test_a_drawn_line_is_as_large_as_a_printed_one(lettering: Lettering, size: Size, across: int, down: int) -> None:
    (picture,) = lettering.of(Slip((Text("𠮷", size, Align.CENTER),)), NARROW).lines
    assert isinstance(picture, Picture)
    half, height = 12 * across, 24 * down
    assert len(picture.rows) == 48 * (height + 6)
    assert ink(picture.rows, 384, (192 - half, 0, 192 + half, height)) > 20 * across * down
    assert ink(picture.rows, 384, (0, 0, 192 - half, height + 6)) == 0
    assert ink(picture.rows, 384, (192 + half, 0, 384, height + 6)) == 0


def test_a_long_line_is_broken_as_the_printer_would(lettering: Lettering) -> None:
    (picture,) = lettering.of(Slip((Text("一" * 16 + "𠮷"),)), NARROW).lines
    assert isinstance(picture, Picture)
    assert len(picture.rows) == 2 * 48 * LINE
    assert ink(picture.rows, 384, (0, LINE, 24, 2 * LINE)) > 40


def test_what_the_printer_has_is_left_to_it(lettering: Lettering) -> None:
    slip = Slip((Pair("姓名", "王*明"), Rule(), Text("A·b")))
    assert lettering.of(slip, NARROW) == slip
    extended = wire.Paper(glyphs=Glyphs.GB18030)
    assert lettering.of(Slip((Text("㛃"),)), extended) == Slip((Text("㛃"),))
    assert isinstance(lettering.of(Slip((Text("𠮷"),)), extended).lines[0], Picture)


def test_a_character_no_font_has_is_not_drawn_as_a_box(lettering: Lettering) -> None:
    """Cards from before a character was encoded hold one of the private use area, which every font leaves to others."""
    slip = lettering.of(Slip((Pair("姓名", "\ue863*"),)), NARROW)
    assert slip.lines == (Pair("姓名", "〓*"), Text("〓：打印机没有的字，以证件为准。"))


@pytest.mark.parametrize("content", [None, b"no font"], ids=["no file", "no font"])
def test_without_a_font_the_paper_says_where_to_look(tmp_path: Path, content: bytes | None) -> None:
    font = tmp_path / "font.ttf"
    if content:
        font.write_bytes(content)
    slip = Lettering(str(font)).of(Slip((Text("排队号"), Pair("姓名", "𠮷*龙"))), NARROW)
    printout, _ = printed(slip, NARROW)
    assert printout.lines == ["排队号", "姓名                       〓*龙", "〓：打印机没有的字，以证件为准。"]
    assert printout.pictures == []


def test_what_came_out_can_be_looked_at(lettering: Lettering) -> None:
    slip = lettering.of(Slip((Text("017", Size.HUGE, Align.CENTER), Pair("姓名", "𠮷*龙"))), NARROW)
    paper = drawn(printed(slip, NARROW)[0])
    assert paper.size == (384 + 32, 4 * 24 + 6 + LINE + 32)
    assert paper.crop((16 + 48, 16, 16 + 120, 120)).getextrema() == (255, 255), "nothing beside the number"
    assert paper.crop((16 + 120, 16, 16 + 264, 120)).getextrema()[0] == 0, "the number in the middle"
    assert paper.crop((16 + 384 - 60, 118, 16 + 384, 148)).getextrema()[0] == 0, "the name at the right edge"
