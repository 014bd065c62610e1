"""SNPP's lines: commands that cannot smuggle a line, replies read strictly, and what each fate means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.pagers import snpp_wire as wire
from devices.pagers.page import Outcome, Page, Reached
from devices.pagers.pager_text import pager_text

REF = "17 4711"


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (b"960 1 261125103000+8 queued", Outcome(Reached.QUEUED, ref=REF)),
        (b"860 1 261125103000+8 awaiting read", Outcome(Reached.DELIVERED, ref=REF)),
        (b"861 1 261125103000+8 awaiting reply", Outcome(Reached.DELIVERED, ref=REF)),
        (b"870 1 261125103000+8", Outcome(Reached.READ, ref=REF)),
        (b"880 1 261125103000+8", Outcome(Reached.DELIVERED, ref=REF)),
        (b"881 1 261125103000+8", Outcome(Reached.READ, ref=REF)),
        (b"888 1 261125103000+8 ACK", Outcome(Reached.REPLIED, ref=REF, reply="ACK")),
        (b"889 1 261125103000+8 on my way", Outcome(Reached.REPLIED, ref=REF, reply="on my way")),
        (b"780 1 261125103000+8", Outcome(Reached.EXPIRED, "snpp_780", REF)),
        (b"760 1 261125103000+8", Outcome(Reached.EXPIRED, "snpp_760", REF)),
        (b"550 unknown tag", Outcome(Reached.UNCONFIRMED, "snpp_550", REF)),
        (b"500 what?", Outcome(Reached.UNCONFIRMED, "snpp_500", REF)),
    ],
)
def test_each_word_of_a_gateway_means_one_fate(line: bytes, outcome: Outcome) -> None:
    assert wire.fate_of(wire.reply_of(line), REF) == outcome


@pytest.mark.parametrize("code", [860, 861, 870])
def test_a_fate_that_may_still_change_is_asked_for_again(code: int) -> None:
    assert code not in wire.FINAL


def test_a_ticket_is_the_tag_and_the_pass_code() -> None:
    assert wire.ticket_of(wire.reply_of(b"960 17 4711 OK, queued")) == REF
    assert wire.ticket_of(wire.reply_of(b"250 Message Sent")) is None
    assert wire.ticket_of(wire.reply_of(b"960 17")) is None


@pytest.mark.parametrize("line", [b"", b"25", b"250x", b"150 ok", b"2500 ok", b"OK 250", b"\xff50 ok"])
def test_what_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(BadFrame):
        wire.reply_of(line)


def test_only_help_goes_on_in_another_line() -> None:
    assert wire.reply_of(b"214 commands are").has_more
    assert not wire.reply_of(b"250 OK").has_more


@pytest.mark.parametrize("words", [("MESS", "a\r\nPAGE 1"), ("PAGE", "1\n"), ("MESS", "高"), ("MESS", "\x00")])
def test_no_word_ends_a_command(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="on one line"):
        wire.command(*words)


def test_a_lone_dot_and_its_like_are_doubled_in_a_message() -> None:
    assert wire.data("one\n.\n..x") == b"one\r\n..\r\n...x\r\n.\r\n"


@pytest.mark.parametrize(("address", "is_id"), [("5551212", True), ("", False), ("1 2", False), ("高", False)])
def test_a_pagers_id_is_one_word(address: str, is_id: bool) -> None:  # a table's column
    assert wire.is_pager_id(address) is is_id


@given(st.text(max_size=200), st.integers(40, 200))
def test_a_pagers_line_is_ascii_short_enough_and_keeps_the_number(short: str, most: int) -> None:
    said = pager_text(Page("4711-ab12", short, ""), most)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= most
    assert said.endswith(" #4711-ab12")


def test_what_fits_is_not_changed() -> None:
    assert pager_text(Page("1", "FRIDGE A1 +9.4C 12MIN", ""), 80) == "FRIDGE A1 +9.4C 12MIN #1"
    assert pager_text(Page("1", "X" * 80, ""), 40) == "X" * 35 + ".. #1"
