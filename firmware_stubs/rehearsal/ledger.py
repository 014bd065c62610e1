"""The players' own books: what was asked of the server before it was sent, and what the server acknowledged."""

import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, Self

MOST_FAULTS = 1000
WARMEST_ALLOWED = 8_000
SURELY_AN_EXCURSION = 15  # readings in a row, one a minute; ten of them make an alarm
_NUMBER = re.compile(r"^#([0-9]+) ", re.MULTILINE)

# What each step leads to, read from the description of a visit and not from the server's own table.
_STAGE_AFTER = {
    "checked_in": "waiting_for_screening",
    "answered": "waiting_for_decision",
    "recommended": "waiting_for_consent",
    "deferred": "deferred",
    "unsuitable": "unsuitable",
    "consented": "waiting_for_injection",
    "consent_withdrawn": "refused",
    "refused": "refused",
    "dose_given": "observed",
    "sent_back": "waiting_for_screening",
    "left": "completed",
    "left_early": "left_early",
    "left_unseen": "left_unseen",
    "transferred": "transferred",
    "abandoned": "abandoned",
}
CLOSED = frozenset(
    {"completed", "left_early", "left_unseen", "transferred", "deferred", "unsuitable", "refused", "abandoned"}
)


def stage_after(steps: Sequence[str]) -> str:
    """Return where a visit stands after its steps."""
    return _STAGE_AFTER[steps[-1]] if steps else "absent"


class Outcome(StrEnum):
    """What we know of a write."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Write:
    """One write under one key; ``kind`` is the journal's word for it, ``ref`` what the journal names it by."""

    key: str
    station: str
    kind: str
    path: str
    visitor: int | None = None
    visit_id: str = ""
    step: str | None = None
    ref: str = ""
    trace_code: str = ""
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    code: str = ""
    answer_digest: str = ""
    sendings: int = 0
    findings: tuple[str, ...] = ()
    answer: Any = field(default=None, repr=False)

    @property
    def is_accepted(self) -> bool:
        """Whether the server said that it is recorded."""
        return self.outcome is Outcome.ACCEPTED


def digest_of(answer: bytes) -> str:
    """Return what stands for an answer in the books: answers may not be repeated there."""
    return hashlib.sha256(answer).hexdigest()


class Ledger:
    """Every write of a day, on paper first when a file is given: each entry is on the disk before we go on."""

    def __init__(self, file: Path | None = None, *, is_kept: bool = True) -> None:
        self.faults: list[str] = []
        self.measured: dict[tuple[str, int], int] = {}
        self.temperatures: dict[str, list[int]] = {}
        self.paged: list[str] = []
        self.when_paged: Callable[[str], object] = lambda _: None
        self.tally: Counter[str] = Counter()
        self._writes: list[Write] = []
        self.is_kept = is_kept
        self._lock = threading.Lock()
        self._paper = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if file else None

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the books that were written down."""
        ledger, by_key = cls(), dict[str, Write]()
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            entry["outcome"], entry["findings"] = Outcome(entry["outcome"]), tuple(entry["findings"])
            by_key[entry["key"]] = Write(**entry)
        ledger._writes = list(by_key.values())
        return ledger

    @property
    def writes(self) -> Sequence[Write]:
        """Every write, in the order they were begun."""
        with self._lock:
            return list(self._writes)

    def begin(self, write: Write) -> None:
        """Note a write that is about to be sent."""
        with self._lock:
            if self.is_kept:
                self._writes.append(write)
            self._put_down(write)

    def settle(self, write: Write) -> None:
        """Note what became of a write."""
        with self._lock:
            self._put_down(write)

    def fault(self, what: str) -> None:
        """Note something that should not have happened; it names nobody."""
        with self._lock:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(what)

    def count(self, what: str) -> None:
        """Count something that was acted out."""
        with self._lock:
            self.tally[what] += 1

    def note_measured(self, probe: str, boot: int, count: int, milli_celsius: int) -> None:
        """Note a probe's latest reading, and how many it has sent since its boot."""
        with self._lock:
            self.measured[probe, boot] = count
            if self.is_kept:
                self.temperatures.setdefault(probe, []).append(milli_celsius)

    def note_paged(self, text: str) -> None:
        """Note what a pager of somebody on duty shows."""
        with self._lock:
            if self.is_kept:
                self.paged.append(text)
        self.when_paged(text)

    @property
    def alerts_paged(self) -> frozenset[int]:
        """The numbers of the alerts that pagers showed."""
        with self._lock:
            return frozenset(int(number) for text in self.paged for number in _NUMBER.findall(text))

    @property
    def surely_failed(self) -> frozenset[str]:
        """The probes whose fridges were too warm for so long that nobody may have missed it."""
        with self._lock:
            return frozenset(
                probe for probe, told in self.temperatures.items() if _longest_too_warm(told) >= SURELY_AN_EXCURSION
            )

    def accepted(self) -> Iterable[Write]:
        """Return what the server said is recorded."""
        return [write for write in self.writes if write.is_accepted]

    def unknown(self) -> Iterable[Write]:
        """Return what was sent and never answered."""
        return [write for write in self.writes if write.outcome is Outcome.UNKNOWN]

    def steps_of_visits(self) -> Mapping[str, list[str]]:
        """Return the acknowledged steps of every visit, in order."""
        steps: dict[str, list[str]] = {}
        for write in self.accepted():
            if write.step:
                steps.setdefault(write.visit_id, []).append(write.step)
        return steps

    def close(self) -> None:
        """Put the books away."""
        with self._lock:
            paper, self._paper = self._paper, None
            if paper is not None:
                os.close(paper)

    def _put_down(self, write: Write) -> None:
        if self._paper is not None:
            entry = {name: value for name, value in asdict(write).items() if name != "answer"}
            os.write(self._paper, json.dumps(entry).encode() + b"\n")
            os.fdatasync(self._paper)


def _longest_too_warm(temperatures: Iterable[int]) -> int:
    runs = groupby(temperatures, lambda one: one > WARMEST_ALLOWED)
    return max((len(list(run)) for is_warm, run in runs if is_warm), default=0)
