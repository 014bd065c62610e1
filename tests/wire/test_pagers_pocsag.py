"""POCSAG's words, checked by the two that the standard writes out, and what no pager is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.pagers import pocsag_wire as wire

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=240)


@pytest.mark.parametrize("word", [wire.SYNC, wire.IDLE])
def test_the_standards_own_words_check(word: int) -> None:
    assert wire.codeword(word >> 11) == word


def test_two_words_differ_in_six_places_at_least() -> None:
    words = [wire.codeword(1 << place) for place in range(21)]
    assert min((one ^ other).bit_count() for one in words for other in [*words, 0] if one != other) >= 6


@given(st.integers(1, wire.MOST_NUMBER), ASCII, st.integers(0, 3))
def test_a_transmission_is_a_preamble_and_whole_batches(number: int, text: str, function: int) -> None:
    bits = wire.page(number, text, function)
    batches = bits.removeprefix("10" * 288)
    assert len(batches) % (17 * 32) == 0
    words = [int(batches[at : at + 32], 2) for at in range(0, len(batches), 32)]
    assert set(words[::17]) == {wire.SYNC}
    assert words[1 + 2 * (number & 7)] >> 11 == number >> 3 << 2 | function


@pytest.mark.parametrize(
    ("number", "text", "function"), [(0, "x", 3), (2_097_152, "x", 3), (1, "高", 3), (1, "\x03", 3), (1, "x", 4)]
)
def test_what_no_pager_is_sent_is_refused(number: int, text: str, function: int) -> None:
    with pytest.raises(ValueError, match=r"a pager's number|a page holds"):
        wire.page(number, text, function)


def test_samples_keep_pace_with_the_bits() -> None:
    """At 1,200 baud a bit has 18.375 samples: over a second none is lost."""
    assert len(wire.samples("10" * 600, 1_200)) == 2 * wire.SAMPLE_RATE
    assert wire.samples("10", 2_400)[:2] == (-wire.LOUD).to_bytes(2, "little", signed=True)


def test_bits_are_handed_over_the_first_highest() -> None:
    assert wire.octets(wire.page(1, "x", 3))[:3].hex() == "aaaaaa"
