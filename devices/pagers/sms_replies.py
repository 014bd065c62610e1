"""What became of messages that a modem sent: reports and replies, told apart by phone, number and reference. Pure.

A message stays in the modem until an answer that rests on it was given and something else is asked: whoever asks again
has kept the answer, and a server that stopped before it did finds the message where it was.
"""

import hashlib
import re
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from unicodedata import normalize

from devices.errors import BadFrame
from devices.pagers.page import Outcome, Reached
from devices.pagers.sms_pdu import Received, Report, received_of

SAME_SENDING: Final = timedelta(hours=12)  # a modem counts its messages to 255 and begins again
MOST_KEPT: Final = 1_000
MOST_REPLY: Final = 200
FINAL: Final = frozenset({Reached.DELIVERED, Reached.FAILED, Reached.EXPIRED, Reached.REPLIED})
# A report may correct an earlier one of the same message; of several messages the one that got least far counts.
_BEST_FIRST: Final = (Reached.DELIVERED, Reached.FAILED, Reached.EXPIRED, Reached.QUEUED, Reached.ACCEPTED)
_WORST_FIRST: Final = (Reached.FAILED, Reached.EXPIRED, Reached.ACCEPTED, Reached.QUEUED, Reached.DELIVERED)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in one of the modem's memories."""

    memory: str
    place: int
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a page is followed by: written as words, with a mark for the phone in place of its number."""

    number: str
    phone: str
    sent_at: datetime
    references: Sequence[int] = ()

    @classmethod
    def parse(cls, ref: str) -> Self:
        """Read a ref of ours. Raises BadFrame."""
        try:
            number, phone, sent_at, *references = ref.split(" ")
            return cls(number, phone, datetime.fromtimestamp(int(sent_at), UTC), [int(one) for one in references])
        except (ValueError, OverflowError, OSError):
            raise BadFrame("ref_malformed") from None

    def __str__(self) -> str:
        return " ".join([self.number, self.phone, f"{self.sent_at.timestamp():.0f}", *map(str, self.references)])

    def reply_in(self, message: Received) -> str | None:
        """Return what the paged phone said beside the page's number, or None where it is no reply to it."""
        if mark_of(message.sender) != self.phone:
            return None
        rest, found = alone(self.number).subn(" ", normalize("NFKC", message.text), count=1)
        return " ".join(rest.split())[:MOST_REPLY] if found else None

    def is_reported_by(self, report: Report) -> bool:
        """Tell whether a report is of one of the page's messages."""
        is_ours = mark_of(report.recipient) == self.phone and report.reference in self.references
        return is_ours and abs(report.sent_at - self.sent_at) < SAME_SENDING

    def reached_by(self, reports: Iterable[Report]) -> Reached:
        """Return how far the page got by its reports."""
        told = [(report.reference, report.reached) for report in reports if self.is_reported_by(report)]
        told += [(reference, Reached.ACCEPTED) for reference in self.references]
        best = {next(far for far in _BEST_FIRST if (reference, far) in told) for reference in self.references}
        return next((far for far in _WORST_FIRST if far in best), Reached.ACCEPTED)


def alone(number: str) -> re.Pattern[str]:
    """Return what finds a page's number, and not another that has it within."""
    return re.compile(rf"(?i)(?<![a-z0-9_-]){re.escape(number)}(?![a-z0-9_-])")


def mark_of(phone: str) -> str:
    """Return what stands for a phone where its number should not."""
    return hashlib.blake2s(phone.encode(), digest_size=4).hexdigest()


class Postbox:
    """What came for the pages of one modem; numbers without "+" are of `country`."""

    def __init__(self, country: str) -> None:
        self._country = country
        self._told: deque[Report] = deque(maxlen=MOST_KEPT)
        self._known: OrderedDict[str, Outcome] = OrderedDict()
        self._handed_over: set[Stored] = set()

    def hear(self, reports: Iterable[bytes]) -> None:
        """Keep reports that the modem told and did not store."""
        read = (self._read(raw) for raw in reports)
        self._told.extend(report for report in read if isinstance(report, Report))

    def done_with(self, stored: Sequence[Stored]) -> Sequence[Stored]:
        """Return which of the stored messages an earlier answer rested on."""
        self._handed_over &= set(stored)
        return [message for message in stored if message in self._handed_over]

    def outcome(self, sending: Sending, stored: Iterable[Stored] = ()) -> Outcome:
        """Return how far a page got by all that came, and remember it and what it rests on."""
        read = [(message, self._read(message.raw)) for message in stored]
        answers = [
            (message, reply)
            for message, word in read
            if isinstance(word, Received) and (reply := sending.reply_in(word)) is not None
        ]
        reports = [
            (message, word) for message, word in read if isinstance(word, Report) and sending.is_reported_by(word)
        ]
        ref, reached = str(sending), sending.reached_by([*self._told, *(report for _, report in reports)])
        now = Outcome(reached, f"report_{reached}" if reached in {Reached.FAILED, Reached.EXPIRED} else "", ref)
        if answers:
            now = Outcome(Reached.REPLIED, ref=ref, reply=answers[0][1])
        before = self._known.get(ref, now)
        if before.reached is Reached.REPLIED or now.reached not in FINAL:
            now = before
        if now.reached in FINAL:
            self._known[ref] = now
            self._handed_over |= {message for message, _ in (*answers, *reports)}
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return now

    def _read(self, raw: bytes) -> Received | Report | None:
        try:
            return received_of(raw, self._country)
        except BadFrame:
            return None
