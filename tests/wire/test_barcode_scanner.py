"""Scanner lines against their golden vectors, and against everything else bytes can be."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.barcode_scanner import wire
from devices.errors import BadFrame
from tests.wire.vectors import bytes_of, vectors_of

DEVICE = "barcode_scanner"
LINES = vectors_of(DEVICE, "line")
BAD = vectors_of(DEVICE, "bad")


@pytest.mark.parametrize(("name", "fields"), LINES, ids=[name for name, _ in LINES])
def test_golden_line(name: str, fields: Mapping[str, str]) -> None:
    scan = wire.decode(bytes_of(fields), fields.get("encoding", wire.GUESSED))
    assert (scan.symbology or "", scan.text) == (fields["symbology"], fields["text"].replace("\\x1d", "\x1d")), name


@pytest.mark.parametrize(("name", "fields"), BAD, ids=[name for name, _ in BAD])
def test_golden_bad_line(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        wire.decode(bytes_of(fields))
    assert refused.value.reason == fields["reason"], name


def test_a_line_may_be_512_bytes_long_and_not_one_more() -> None:
    assert wire.decode(b"8" * 512).text == "8" * 512
    with pytest.raises(BadFrame, match="too_long"):
        wire.decode(b"8" * 513)


def test_a_line_far_too_long_comes_out_once_and_is_refused() -> None:
    (line,) = wire.scan_splitter().feed(b"8" * 100_000 + b"\r\n")
    with pytest.raises(BadFrame, match="too_long"):
        wire.decode(line)


@given(st.binary(max_size=600))
def test_no_bytes_crash_the_decoder(line: bytes) -> None:
    try:
        scan = wire.decode(line)
    except BadFrame:
        return
    assert scan.text
    assert not set(scan.text) & set("\r\n\t\0")


@given(st.text(st.characters(min_codepoint=0x20, exclude_categories=["C"]), min_size=1, max_size=100))
def test_any_printable_text_comes_through_as_it_was(text: str) -> None:
    if text.strip():
        assert wire.decode(b"]C0" + text.encode()).text == text


@given(slices=st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"\r\n", b"\0", b"\t", b"8100"]))))
def test_slicing_the_stream_never_changes_the_scans(slices: list[bytes]) -> None:
    whole, sliced = wire.scan_splitter(), wire.scan_splitter()
    lines = [line for piece in slices for line in sliced.feed(piece)]
    assert (lines, sliced.end_of_silence()) == (whole.feed(b"".join(slices)), whole.end_of_silence())


@given(garbage=st.binary(max_size=2000))
def test_garbage_then_a_line_yields_the_line(garbage: bytes) -> None:
    assert wire.scan_splitter().feed(garbage + b"\r81000001000000000001\r")[-1] == b"81000001000000000001"
