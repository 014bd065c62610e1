"""A page in messages of so many bytes: nothing is lost that has room, and what has none is marked."""

from hypothesis import given
from hypothesis import strategies as st

from devices.pagers.page import Page
from devices.pagers.pieces import CUT, LEAST_BYTES, MOST_PIECES, beginning, pieces, size

SHORT = "COLD CHAIN A1 +9.4C 12MIN LOT 202601001 QUARANTINED ACK 4711"
TEXTS = st.lists(st.text(st.sampled_from("ab 冷链冰箱é😀"), max_size=200), min_size=1, max_size=40).map("\n".join)
LIMITS = st.integers(LEAST_BYTES, 2048)


def page_of(text: str) -> Page:
    return Page("4711", SHORT, text)


def without_count(piece: str) -> str:
    return piece.partition(") ")[2]


@given(TEXTS, LIMITS)
def test_no_message_passes_its_bytes_and_they_are_few(text: str, most_bytes: int) -> None:
    told = pieces(page_of(text), most_bytes)
    assert all(size(piece) <= most_bytes for piece in told)
    assert 1 <= len(told) <= MOST_PIECES


@given(TEXTS, LIMITS)
def test_a_text_that_fits_is_sent_as_it_is(text: str, most_bytes: int) -> None:
    if size(text) <= most_bytes:
        assert pieces(page_of(text), most_bytes) == [text]


@given(TEXTS, LIMITS)
def test_nothing_is_lost_unless_the_last_message_is_marked(text: str, most_bytes: int) -> None:
    told = pieces(page_of(text), most_bytes)
    if len(told) == 1 or told[-1].endswith(CUT):
        return
    joined = "".join(without_count(piece) for piece in told).removeprefix(SHORT)
    assert joined.replace("\n", "") == text.replace("\n", "")


@given(TEXTS, LIMITS)
def test_a_mark_means_that_four_messages_were_too_few(text: str, most_bytes: int) -> None:
    told = pieces(page_of(text), most_bytes)
    if told[-1].endswith(CUT):
        assert len(told) == MOST_PIECES
        assert size(text) > MOST_PIECES * (most_bytes // 2 - 20)


@given(TEXTS, LIMITS)
def test_a_line_that_fits_is_never_broken(text: str, most_bytes: int) -> None:
    """A place and its lot stand on one line."""
    told = pieces(page_of(text), most_bytes)
    if len(told) == 1 or told[-1].endswith(CUT):
        return
    lines = [line for piece in told for line in without_count(piece).split("\n")]
    whole = [line for line in text.split("\n") if size(line) <= most_bytes - 20]
    assert not [line for line in whole if line not in lines]


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=300), st.integers(-2, 400))
def test_a_beginning_is_whole_characters_and_as_many_as_fit(text: str, most_bytes: int) -> None:
    kept = beginning(text, most_bytes)
    assert text.startswith(kept)
    assert size(kept) <= max(0, most_bytes)
    assert kept == text or size(kept) > most_bytes - 4


def test_two_thousand_chinese_characters_are_six_thousand_bytes() -> None:
    """An Apprise plugin counts characters, and sends WeCom three times what it takes."""
    told = pieces(page_of("冷" * 2000), 2048)
    assert len(told) == 3
    assert sum(piece.count("冷") for piece in told) == 2000
    assert told[0].startswith(f"(1/{len(told)}) {SHORT}\n冷")


def test_messages_are_counted_and_break_between_alerts() -> None:
    text = "\n".join(f"A{number} +9.4 °C 批号 2026{number:05}" for number in range(8))
    told = pieces(page_of(text), LEAST_BYTES)
    assert told[0].startswith("(1/2) A0 +9.4 °C 批号 202600000\nA1 +9.4 °C 批号 202600001\n")
    assert told[1].startswith("(2/2) A4 +9.4 °C")


def test_what_four_messages_do_not_hold_is_marked() -> None:
    told = pieces(page_of("冷" * 2000), LEAST_BYTES)
    assert len(told) == MOST_PIECES
    assert told[-1].endswith(CUT)
    assert SHORT in told[0]


def test_a_message_filled_to_the_last_byte_is_followed_by_all_of_a_long_line() -> None:
    room = LEAST_BYTES - 9
    told = pieces(page_of(f"{'x' * (room - size(SHORT) - 1)}\n{'y' * (room + 50)}"), LEAST_BYTES)
    assert sum(piece.count("y") for piece in told) == room + 50
    assert max(map(size, told)) <= LEAST_BYTES
