"""Known bytes, spoilt as wires and enemies spoil them; the same seed spoils them the same way."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

MOST_BYTES = 4096
MOST_CHANGES = 4
TELLING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\r\n", b"\x1d", b"0", b"9", b"-", b"null", b'"', b"{", b"]", b"\xd8\x00"]


def chance_of(seed: int) -> Random:
    """Return the dice of a seed."""
    return Random(seed)  # noqa: S311 - to be thrown again, not to be secret


def mutated(chance: Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of the seeds with a few changes, or wholly random bytes."""
    if not seeds or chance.random() < 1 / 20:
        return chance.randbytes(chance.randrange(200))
    raw = chance.choice(seeds)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        raw = chance.choice(CHANGES)(chance, raw, seeds)
    return raw[:MOST_BYTES]


def slices(chance: Random, raw: bytes) -> list[bytes]:
    """Return bytes cut at random places."""
    edges = sorted({0, len(raw), *(chance.randint(0, len(raw)) for _ in range(chance.randint(0, 5)))})
    return [raw[start:end] for start, end in pairwise(edges)]


def _place(chance: Random, raw: bytes) -> int:
    return chance.randint(0, len(raw))


def _flip(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    if not raw:
        return raw
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]


def _overwrite(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]


def _cut(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(chance, raw), _place(chance, raw)))
    return raw[:start] + raw[end:]


def _shorten(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw[: _place(chance, raw)]


def _duplicate(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(chance, raw), _place(chance, raw)))
    return raw[:end] + raw[start:end] * chance.randint(1, 3) + raw[end:]


def _splice(chance: Random, raw: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return raw[: _place(chance, raw)] + other[_place(chance, other) :]


def _insert(chance: Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + (chance.choice(TELLING) if chance.random() < 1 / 2 else chance.randbytes(4)) + raw[at:]


CHANGES: Sequence[Callable[[Random, bytes, Sequence[bytes]], bytes]] = (
    *(_flip, _overwrite, _cut, _shorten, _duplicate, _splice, _insert),
)
