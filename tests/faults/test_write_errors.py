"""One write or fsync of a scripted hour fails, or is the program's last; SQLite alone, whose files the server keeps.

A few of each here; `python3 run.py faults --only 2 11 12 13 16` spoils every one.
"""

from collections.abc import Iterator

import pytest

from tests.faults.disk.write_errors import SYNCS, WRITES, Disk


@pytest.fixture(scope="module", name="disk")
def _disk() -> Iterator[Disk]:
    with Disk() as disk:
        yield disk


@pytest.mark.parametrize(
    "injection",
    [
        f"{WRITES}:error=EIO:when=15",
        f"{WRITES}:error=ENOSPC:when=60",
        f"{WRITES}:error=EROFS:when=40+",
        f"{SYNCS}:error=EIO:when=2",
        f"{SYNCS}:error=EIO:when=2+",
    ],
)
def test_a_write_that_fails_is_never_acknowledged(disk: Disk, injection: str) -> None:
    spoilt = disk.spoil(injection)
    assert spoilt.was_reached
    assert spoilt.answers < 4  # what two visitors do
    assert spoilt.wrong == []


@pytest.mark.parametrize("number", [25, 70])
def test_a_kill_at_a_write_leaves_all_or_nothing(disk: Disk, number: int) -> None:
    spoilt = disk.spoil(f"{WRITES}:signal=KILL:when={number}")
    assert spoilt.was_reached
    assert spoilt.refusals == 0
    assert spoilt.wrong == []


def test_an_hour_that_nothing_befalls_is_recorded_whole(disk: Disk) -> None:
    spoilt = disk.spoil(f"{WRITES}:error=EIO:when=9999")
    assert not spoilt.was_reached
    assert (spoilt.answers, spoilt.refusals, spoilt.wrong) == (4, 0, [])
