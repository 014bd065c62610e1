"""TAP's blocks and signs: checksums worked out by hand, signs picked out of texts in any slices."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.pagers.tap_wire import Sign, Signs, block, checksum

BANNER = b"\r\nID=\r\n110 1.8\r\n\x06\r\x1b[p\r"
SAID = [Sign.WHO, Sign.TAKEN, Sign.GO_AHEAD]


def test_a_block_has_its_parts_and_the_sum_of_them() -> None:
    """02+31+32+33+0D+41+42+43+0D+03 = 17B: the characters 1, 7 and ; are 0x30 and the nibbles 1, 7, B."""
    assert block("123", "ABC") == b"\x02123\rABC\r\x0317;\r"


def test_a_sum_wraps_at_twelve_bits() -> None:
    assert checksum(b"\x7f" * 33) == b"05?"  # 33 * 127 = 4191 = 0x105F
    assert checksum(b"\xff" * 33) == b"05?"  # parity is no part of a character


@pytest.mark.parametrize(("pager", "text"), [("1", "x" * 248), ("1", "高"), ("1", "a\rb"), ("1\x03", "x")])
def test_what_does_not_fit_into_a_block_is_refused(pager: str, text: str) -> None:
    with pytest.raises(ValueError, match="a block holds"):
        block(pager, text)


def test_the_longest_block_is_256_characters() -> None:
    assert len(block("1234567", "x" * 241)) == 256


@given(st.lists(st.integers(0, len(BANNER)), max_size=8))
def test_signs_are_found_in_any_slices(places: list[int]) -> None:
    edges = [0, *sorted(places), len(BANNER)]
    signs = Signs()
    assert [sign for start, end in pairwise(edges) for sign in signs.feed(BANNER[start:end])] == SAID


def test_a_sign_with_parity_is_the_same_sign() -> None:
    assert Signs().feed(b"\x1b\x84\x95\x9e") == [Sign.HANGS_UP, Sign.AGAIN, Sign.REJECTED]


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_signs(noise: bytes) -> None:
    Signs().feed(noise)
