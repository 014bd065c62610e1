"""The sounds a scanner is told to make, against their golden bytes; its answers, taken out of the scans."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.barcode_scanner.feedback import MAKES, AnswerSieve
from devices.barcode_scanner.ssi import PacketSieve
from devices.words import Verdict
from tests.wire.vectors import bytes_of, vectors_of

SOUNDS = vectors_of("barcode_scanner", "sound")
ANSWERS = vectors_of("barcode_scanner", "answer")
SSI = MAKES["zebra_ssi"]


@pytest.mark.parametrize(("name", "fields"), SOUNDS, ids=[name for name, _ in SOUNDS])
def test_golden_sound(name: str, fields: Mapping[str, str]) -> None:
    assert MAKES[fields["make"]].bytes_for(Verdict(fields["verdict"])) == bytes_of(fields), name


def test_every_sound_has_a_golden_vector() -> None:
    sounds = {(make, verdict) for make in MAKES for verdict in Verdict if MAKES[make].bytes_for(verdict)}
    assert sounds == {(fields["make"], Verdict(fields["verdict"])) for _, fields in SOUNDS}


@pytest.mark.parametrize("make", ["none", "newland"])
def test_a_make_without_known_bytes_is_sent_nothing(make: str) -> None:
    assert not any(MAKES[make].bytes_for(verdict) for verdict in Verdict)


@pytest.mark.parametrize(("name", "fields"), ANSWERS, ids=[name for name, _ in ANSWERS])
def test_a_golden_answer_is_no_scan_however_it_is_sliced(name: str, fields: Mapping[str, str]) -> None:
    sieve = AnswerSieve(MAKES[fields["make"]].answers)
    stream = b"8100" + bytes_of(fields) + b"01\r"
    assert b"".join(sieve.feed(bytes([byte])) for byte in stream) == b"810001\r", name
    assert not sieve.is_holding


PACKETS = vectors_of("barcode_scanner", "packet")


@pytest.mark.parametrize(("name", "fields"), PACKETS, ids=[name for name, _ in PACKETS])
def test_golden_packet_however_it_is_sliced(name: str, fields: Mapping[str, str]) -> None:
    sieve, said = PacketSieve(), fields["text"].encode() + (b"\r" if fields["text"] else b"")
    packet = bytes_of(fields)
    assert b"".join(sieve.feed(bytes([byte])) for byte in packet) + sieve.end_of_silence() == said, name
    is_scan = packet[1] == 0xF3 and "wrong" not in name
    assert sieve.reply() == (bytes.fromhex("04D00400FF28") if is_scan else b"")
    assert sieve.reply() == b""


@given(st.binary(max_size=40).filter(lambda noise: 0xF3 not in noise))
def test_garbage_then_a_packet_yields_the_packet_once_the_garbage_is_over(noise: bytes) -> None:
    sieve = PacketSieve()
    sieve.feed(noise)
    sieve.end_of_silence()
    assert sieve.feed(bytes.fromhex("09F300000338313030FE38")) == b"8100\r"


def test_every_ssi_frame_ends_with_the_complement_of_its_sum() -> None:
    for frame in (SSI.good, SSI.bad, *SSI.answers):
        assert frame[0] == len(frame) - 2
        assert (sum(frame[:-2]) + int.from_bytes(frame[-2:], "big")) % 0x10000 == 0


@given(st.lists(st.one_of(st.binary(max_size=6), st.sampled_from([*SSI.answers, b"\x04\xd0", b"\x05"]))))
def test_slicing_the_stream_never_changes_what_the_sieve_lets_through(slices: list[bytes]) -> None:
    whole, sliced = AnswerSieve(SSI.answers), AnswerSieve(SSI.answers)
    through = b"".join(sliced.feed(bytes([byte])) for byte in b"".join(slices)) + sliced.end_of_silence()
    assert through == whole.feed(b"".join(slices)) + whole.end_of_silence()


@given(st.binary(max_size=100).filter(lambda scan: not any(answer in scan for answer in SSI.answers)))
def test_what_holds_no_answer_comes_through_whole(scan: bytes) -> None:
    sieve = AnswerSieve(SSI.answers)
    assert sieve.feed(scan) + sieve.end_of_silence() == scan
