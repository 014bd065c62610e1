"""SMS and a modem's lines: messages that others wrote down long ago, letters never torn, numbers compared as one."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.pagers import at_wire, sms_pdu
from devices.pagers.page import Reached
from devices.pagers.sms_pdu import Received, Report

SAID = b"\r\nRING\r\n\r\n+CMGL: 1,0,,24\r\n07917283010010F5\r\n\r\nOK\r\n\r\n> \r\n+CMS ERROR: 38\r\n"
LINES = ["RING", "+CMGL: 1,0,,24", "07917283010010F5", "OK", ">", "+CMS ERROR: 38"]
TEXTS = st.text(st.sampled_from("aZ09 @€[^\n高冷𠮷é"), max_size=300)


def test_a_message_in_seven_bits() -> None:
    """The example of many manuals, +46708251358 and "hellohello", with this project's validity."""
    (submit,) = sms_pdu.submits("+46708251358", "hellohello", 0, wants_report=False)
    assert submit.hex() == "0011000b916407281553f80000a70ae8329bfd4697d9ec37"
    assert sms_pdu.length_told(submit) == 23


def test_a_message_in_chinese_asks_for_a_report() -> None:
    (submit,) = sms_pdu.submits("+8613800138000", "高", 0, wants_report=True)
    assert submit.hex() == "0031000d91683108108300f00008a7029ad8"


def test_the_parts_of_a_long_text_name_what_they_are_parts_of() -> None:
    """67 of 71 letters in the first: 140 bytes with the header, the number of which is the text's own."""
    first, second = sms_pdu.submits("+8613800138000", "高" * 71, 0x42, wants_report=False)
    head = "0051000d91683108108300f00008a7"
    assert first.hex() == head + "8c" + "050003420201" + "9ad8" * 67
    assert second.hex() == head + "0e" + "050003420202" + "9ad8" * 4


def test_parts_in_seven_bits_begin_behind_a_bit_of_filling() -> None:
    """153 of 161 letters in the first; an "a" is 61, and C2 behind the bit."""
    first, second = sms_pdu.submits("+46708251358", "a" * 161, 7, wants_report=False)
    head, a_filled = "0051000b916407281553f80000a7", "c2"
    assert first.hex().startswith(head + "a0" + "050003070201" + a_filled)
    assert second.hex().startswith(head + "0f" + "050003070202" + a_filled)


def test_a_message_that_came() -> None:
    """The example of the same manuals, from 27838890001."""
    raw = bytes.fromhex("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37")
    assert sms_pdu.received_of(raw, "27") == Received("+2727838890001", "hellohello")


@pytest.mark.parametrize(
    ("status", "reached"),
    [
        (0x00, Reached.DELIVERED),
        (0x02, Reached.DELIVERED),
        (0x20, Reached.QUEUED),
        (0x46, Reached.EXPIRED),
        (0x41, Reached.FAILED),
        (0x63, Reached.FAILED),
    ],
)
def test_a_report_tells_what_became_of_which_message(status: int, reached: Reached) -> None:
    """Sent 2026-11-25 10:30:00 at +8 hours, 32 quarters written backwards."""
    raw = bytes.fromhex(f"00 06 11 0D91683108108300F0 62115201030023 62115201032023 {status:02X}")
    report = sms_pdu.received_of(raw, "86")
    assert report == Report(0x11, "+8613800138000", datetime(2026, 11, 25, 2, 30, tzinfo=UTC), status)
    assert isinstance(report, Report)
    assert report.reached is reached


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("+8613800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("13800138000", "+8613800138000"),
        ("02112345678", "+862112345678"),
    ],
)
def test_a_number_has_one_form(dialled: str, number: str) -> None:
    assert sms_pdu.international(dialled, "86") == number


def test_a_name_is_no_number() -> None:
    raw = bytes.fromhex("00 00 0B D0 4366D2991C02 00 00 62115201030023 02 EF35")
    assert sms_pdu.received_of(raw, "86") == Received("", "ok")


@given(TEXTS)
def test_a_text_comes_back_from_its_parts_and_none_is_too_long(text: str) -> None:
    submits = sms_pdu.submits("+8613800138000", text, 1, wants_report=False)
    came = [sms_pdu.received_of(_as_it_comes(submit), "86") for submit in submits]
    assert "".join(one.text for one in came if isinstance(one, Received)) == text
    assert all(len(submit) <= 16 + 140 for submit in submits)


def _as_it_comes(submit: bytes) -> bytes:
    """Return what the other phone is given of a message: its sender and time instead of its address and validity."""
    is_part, address, coding, data = submit[1] & 0x40, submit[3:12], submit[13], submit[15:]
    return bytes([0, is_part, *address, 0, coding]) + bytes.fromhex("62115201030023") + data


@given(TEXTS)
def test_a_text_too_long_is_cut_and_keeps_its_ending(text: str) -> None:
    fitted = sms_pdu.fitted(text * 20, " #4711")
    assert len(sms_pdu.parts_of(fitted)) <= sms_pdu.MOST_PARTS
    assert fitted.endswith(" #4711")


@given(st.binary(max_size=60))
def test_no_bytes_are_more_than_a_message(noise: bytes) -> None:
    try:
        sms_pdu.received_of(noise, "86")
    except BadFrame:
        return


@given(st.lists(st.integers(0, len(SAID)), max_size=8))
def test_lines_are_the_same_in_any_slices(places: list[int]) -> None:
    edges = [0, *sorted(places), len(SAID)]
    lines = at_wire.Lines()
    assert [line for start, end in pairwise(edges) for line in lines.feed(SAID[start:end])] == LINES


@pytest.mark.parametrize(
    ("final", "refusal"),
    [("OK", ""), ("ERROR", "modem_error"), ("+CMS ERROR: 38", "cms_38"), ("+CME ERROR: SIM busy", "modem_error")],
)
def test_a_refusal_is_named_by_its_number(final: str, refusal: str) -> None:
    assert at_wire.is_final(final)
    assert at_wire.answer_of(["+CSQ: 17,99", final]).refusal == refusal


def test_stored_messages_are_found_among_other_lines() -> None:
    answer = at_wire.answer_of(["+CMGL: 1,1,,2", "00AA", "+CMGL: 7,1,,3", "no hex", "+CMGL: 9,0,,1", "BB", "OK"])
    assert list(answer.stored()) == [(1, b"\0\xaa"), (9, b"\xbb")]
    assert [*answer.first("+CMGL")] == ["1", "1", "", "2"]
