"""Slips against their golden bytes, and text against the width of the paper."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.receipt_printer import wire
from devices.receipt_printer.layout import Glyphs, broken, columns_of, is_printable, paired, printable_text, unprintable
from devices.words import Align, Pair, Picture, Qr, Rule, Size, Slip, Text
from tests.wire.vectors import bytes_of, vectors_of

DEVICE = "receipt_printer"
LINES = vectors_of(DEVICE, "line")
QR_CODES = vectors_of(DEVICE, "qr")
STATUSES = vectors_of(DEVICE, "status")
BEGIN = bytes.fromhex("1B40 1D6100 1C26")
CUT = bytes.fromhex("1C2E 1D564200")
TEXTS = st.one_of(st.text(max_size=80), st.text("留观 A1·䶮\x1b", max_size=80))


@pytest.mark.parametrize(("name", "fields"), LINES, ids=[name for name, _ in LINES])
def test_golden_line(name: str, fields: Mapping[str, str]) -> None:
    text = fields["text"].replace("\\x1b", "\x1b")
    line = Text(text, Size(fields.get("size", "normal")), Align(fields.get("align", "left")))
    paper = wire.Paper(glyphs=Glyphs(fields.get("glyphs", "gbk")))
    assert wire.encode(Slip((line,)), paper) == BEGIN + bytes_of(fields) + CUT, name


@pytest.mark.parametrize(("name", "fields"), QR_CODES, ids=[name for name, _ in QR_CODES])
def test_golden_qr_code(name: str, fields: Mapping[str, str]) -> None:
    assert wire.encode(Slip((Qr(fields["text"]),)), wire.Paper()) == BEGIN + bytes_of(fields) + CUT, name


@pytest.mark.parametrize(("name", "fields"), STATUSES, ids=[name for name, _ in STATUSES])
def test_golden_status(name: str, fields: Mapping[str, str]) -> None:
    answers = [int(fields[field], 16) for field in ("offline_cause", "paper")]
    assert all(map(wire.is_real_time_answer, answers)), name
    assert not any(map(wire.is_progress_answer, answers))
    assert wire.decode_trouble(*answers).word == fields["word"]


def test_flow_control_is_no_answer() -> None:
    assert not any(map(wire.is_real_time_answer, b"\x11\x13"))
    assert not any(map(wire.is_progress_answer, b"\x11\x13"))


def test_a_picture_goes_row_by_row() -> None:
    """GS v 0: width in bytes, height in dots, both low byte first."""
    picture = bytes.fromhex("1B6101 1D763000 0200 0300 FF00 8001 00FF")
    slip = Slip((Picture(2, bytes.fromhex("FF00 8001 00FF")),))
    assert wire.encode(slip, wire.Paper()) == BEGIN + picture + CUT


def test_a_printer_without_qr_and_knife_gets_text_and_paper_to_tear() -> None:
    encoded = wire.encode(Slip((Qr("AB"), Rule())), wire.Paper(columns=48, has_qr=False, has_cutter=False))
    assert b"\x1d(k" not in encoded
    assert b"AB\n" in encoded
    assert b"-" * 48 + b"\n" in encoded
    assert encoded.endswith(b"\x1bd\x05")


def test_a_name_and_its_value_stand_at_the_edges() -> None:
    assert paired("姓名", "王*明", 32) == ("姓名" + " " * 23 + "王*明",)
    assert paired("疫苗", "重组新型冠状病毒疫苗(CHO细胞)第二剂", 32) == (
        "疫苗",
        " 重组新型冠状病毒疫苗(CHO细胞)第",
        " " * 28 + "二剂",
    )


def test_a_value_that_just_fits_stays_on_the_line_and_one_more_column_does_not() -> None:
    assert len(paired("ab", "c" * 29, 32)) == 1
    assert len(paired("ab", "c" * 30, 32)) == 2


def test_latin_words_are_not_cut() -> None:
    assert list(broken("leave not before ten", 12)) == ["leave not", "before ten"]


def test_which_characters_need_a_picture() -> None:
    assert unprintable("䶮王𠮷") == ("䶮", "𠮷")
    assert unprintable("王·小明 A*") == ()
    assert unprintable("䶮王𠮷", Glyphs.GB18030) == ("𠮷",)


def test_every_character_said_to_be_printable_goes_out_in_the_two_bytes_gbk_has_for_it() -> None:
    signs = [chr(point) for point in range(0x80, 0x110000) if not 0xD800 <= point < 0xE000]
    printable = [sign for sign in signs if is_printable(sign)]
    assert len(printable) > 21_000
    assert [sign for sign in printable if sign.encode("gb18030") != sign.encode("gbk")] == []


@given(TEXTS)
def test_a_printer_with_gbk_alone_is_sent_nothing_else(text: str) -> None:
    encoded = wire.encode(Slip((Text(text),)), wire.Paper())
    assert encoded.decode("gb18030").encode("gbk") == encoded


@pytest.mark.parametrize("make", [lambda: Qr(""), lambda: Qr("预约"), lambda: Qr("a\nb"), lambda: Qr("a", 17)])
def test_a_qr_code_no_printer_can_print_is_refused(make: Callable[[], Qr]) -> None:
    with pytest.raises(ValueError, match="QR code"):
        make()


def test_a_slip_shows_nothing_personal_in_its_repr() -> None:
    slip = Slip((Text("王小明"), Pair("姓名", "李四"), Qr("secret"), Picture(1, b"\xff")))
    assert not any(word in repr(slip) for word in ("王小明", "李四", "secret", "xff"))


@given(TEXTS, st.sampled_from([8, 16, 32, 48]))
def test_no_line_is_wider_than_the_paper_and_no_character_is_lost(text: str, columns: int) -> None:
    lines = list(broken(text, columns))
    assert all(columns_of(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(printable_text(text).split())


@given(TEXTS, TEXTS)
def test_a_pair_is_never_wider_than_the_paper(name: str, value: str) -> None:
    assert all(columns_of(line) <= 32 for line in paired(name, value, 32))


@given(TEXTS, st.sampled_from(Size), st.sampled_from(Align))
def test_no_text_can_command_the_printer(text: str, size: Size, align: Align) -> None:
    scale, alignment = wire.SCALES[size], wire.ALIGNMENTS[align]
    encoded = wire.encode(Slip((Text(text, size, align),)), wire.Paper())
    body = encoded.removeprefix(BEGIN + alignment + scale).removesuffix(CUT)
    assert not set(body) & (set(range(0x20)) - {0x0A})
    assert "?" in text or b"?" not in body


@given(st.integers(0, 255), st.integers(0, 255))
def test_no_status_bytes_crash_the_decoder(offline_cause: int, paper_sensor: int) -> None:
    trouble = wire.decode_trouble(offline_cause, paper_sensor)
    assert not trouble.is_stopped or trouble.word
