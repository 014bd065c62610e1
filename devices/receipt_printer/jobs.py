"""Slips that wait for their printer, with their age."""

from collections import deque
from dataclasses import dataclass

from devices.words import PrintSlip


@dataclass(frozen=True, slots=True)
class Job:
    """A slip and when it was ordered, on the monotonic clock."""

    word: PrintSlip
    ordered_at_s: float


class JobQueue:
    """First in, first out; `limit` slips at most, each for `keep_s` seconds: an old ticket helps nobody."""

    def __init__(self, limit: int, keep_s: float) -> None:
        self._limit = limit
        self._keep_s = keep_s
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, word: PrintSlip, now_s: float) -> bool:
        """Take a slip; False when too many wait already."""
        if len(self._jobs) >= self._limit:
            return False
        self._jobs.append(Job(word, now_s))
        return True

    def take(self) -> Job | None:
        """Return the next slip and forget it, or None."""
        return self._jobs.popleft() if self._jobs else None

    def expired(self, now_s: float) -> list[Job]:
        """Return those that waited too long and forget them."""
        gone = []
        while self._jobs and now_s - self._jobs[0].ordered_at_s > self._keep_s:
            gone.append(self._jobs.popleft())
        return gone
