"""No bytes crash any parser, and no slicing of a stream changes what comes out: every way in of every device."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import __main__ as fuzz
from tests.fuzz.mutation import chance_of, mutated, slices
from tests.fuzz.parsers import PARSERS, Decoder, Parser, Stream

DEVICES = Path(__file__).parents[2] / "devices"
NO_DEVICES = {"finding", "links", "__pycache__"}
DECODERS = [
    pytest.param(device, way, id=f"{device}: {name}")
    for device, parser in PARSERS.items()
    for name, way in parser.decoders.items()
]
STREAMS = [
    pytest.param(device, stream, id=f"{device}: {name}")
    for device, parser in PARSERS.items()
    for name, stream in parser.streams.items()
]


@cache
def hostile(device: str) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and the device's own vectors, whole and spoilt."""
    seeds = list(PARSERS[device].seeds())
    spoilt = st.integers(0, 2**32).map(lambda seed: mutated(chance_of(seed), seeds))
    return st.one_of(st.binary(max_size=300), st.sampled_from(seeds), spoilt)


@pytest.mark.parametrize(("device", "way"), DECODERS)
@given(choice=st.data())
def test_no_bytes_crash_a_decoder(device: str, way: Decoder, choice: st.DataObject) -> None:
    raw = choice.draw(hostile(device))
    try:
        way.decode(raw)
    except way.refusals:
        return


@pytest.mark.parametrize(("device", "stream"), STREAMS)
@given(choice=st.data())
def test_slicing_a_stream_never_changes_what_comes_out(device: str, stream: Stream, choice: st.DataObject) -> None:
    raw = choice.draw(st.lists(hostile(device), max_size=3).map(b"".join))
    places = choice.draw(st.lists(st.integers(0, len(raw)), max_size=12))
    edges = sorted({0, len(raw), *places})
    assert stream([raw[start:end] for start, end in pairwise(edges)]) == stream([raw])
    assert stream([bytes([byte]) for byte in raw]) == stream([raw])


def test_every_device_is_in_the_table() -> None:
    folders = {folder.name for folder in DEVICES.iterdir() if folder.is_dir()} - NO_DEVICES
    assert folders == set(PARSERS)


def test_a_decoder_of_the_table_accepts_something_and_refuses_something() -> None:
    """Else it would be the table that refuses, and the properties above would hold of nothing."""
    for device, parser in PARSERS.items():
        reached: set[str] = set()
        seeds = list(parser.seeds())
        for number in range(2000):
            raw = seeds[number] if number < len(seeds) else mutated(chance_of(number), seeds)
            reached |= set(fuzz.outcomes_of(parser, raw, chance_of(number)))
        for name, way in parser.decoders.items():
            told = {outcome for outcome in reached if outcome.startswith(f"{name}: ")}
            assert any("refused" not in outcome for outcome in told), f"{device}: {name} accepts nothing"
            refuses = any("refused" in outcome for outcome in told)
            assert refuses or not way.refusals, f"{device}: {name} refuses nothing"


# ---- the fuzzer itself ----


def a_decoder_that_crashes_on(letter: bytes) -> Callable[[bytes], object]:
    def decode(raw: bytes) -> object:
        if letter in raw:
            raise IndexError("out of range")
        return raw

    return decode


def forgetful(pieces: object) -> object:
    return list(pieces)[:1]  # type: ignore[call-overload]  # what any splitter would do that drops a half line


def planted(monkeypatch: pytest.MonkeyPatch, parsers: Mapping[str, Parser]) -> None:
    monkeypatch.setattr(fuzz, "PARSERS", parsers)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = fuzz.main(list(words))
    return code, capsys.readouterr().out


def test_a_crash_is_found_printed_as_hex_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser({"line": Decoder(a_decoder_that_crashes_on(b"\xfe"), ())}, lambda: [b"abc"])
    planted(monkeypatch, {"planted": parser})
    code, told = run(capsys, "planted", "--runs", "20000", "--seed", "3")
    assert (code, "IndexError" in told) == (1, True)
    assert b"\xfe" in bytes.fromhex(told.splitlines()[-2])
    with pytest.raises(IndexError):
        run(capsys, "planted", "--input", told.splitlines()[-2])


def test_a_stream_that_depends_on_its_slices_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(monkeypatch, {"planted": Parser({}, lambda: [b"abcdefgh"], {"lines": forgetful})})
    code, told = run(capsys, "planted", "--runs", "2000")
    assert (code, "gave something else" in told) == (1, True)


def test_the_same_seed_tries_the_same_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (run(capsys, "barcode_scanner", "--runs", "500", "--seed", seed) for seed in ("5", "5", "6"))
    counted = [told.splitlines()[:-1] for _, told in (first, again, other)]
    assert counted[0] == counted[1] != counted[2]
    assert first[0] == 0


def test_an_unknown_parser_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "fax")
    assert code == 2
    assert all(device in told for device in PARSERS)


@given(st.binary(max_size=100), st.integers(0, 1000))
def test_slices_are_the_whole_in_pieces(raw: bytes, seed: int) -> None:
    assert b"".join(slices(chance_of(seed), raw)) == raw
