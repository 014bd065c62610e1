"""The storm's wire takes whole packets off a stream, however the stream is cut."""

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.storm.wire import packets_in


@given(
    packets=st.lists(st.tuples(st.integers(1, 15), st.integers(0, 300)), max_size=8),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_packets_are_told_by_type_wherever_the_stream_is_cut(packets: list[tuple[int, int]], cuts: list[int]) -> None:
    stream = b"".join(bytes([kind << 4]) + _length(size) + bytes(size) for kind, size in packets)
    heard, found = bytearray(), []
    while stream:
        cut = cuts[len(found) % len(cuts)]
        heard += stream[:cut]
        stream = stream[cut:]
        found += packets_in(heard)
    assert found == [kind for kind, _ in packets]
    assert not heard


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
