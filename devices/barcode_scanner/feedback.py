"""The two sounds a scanner can be told to make, per make, as bytes; and the answers it gives, which are no scans.

Sources: Honeywell Xenon 1900 user's guide 3-31, 3-38 (host ACK: group, ESC, command, comma; ESC 7 good, ESC 8 razz);
Zebra Simple Serial Interface guide (BEEP E6 with code 01 two short high, 07 three short low; CMD_ACK D0, CMD_NAK D1;
checksum: two's complement of the sum of all bytes); Datalogic PowerScan PD96 p. 318 (ESC [ 3 q good, ESC [ 4 q bad),
Magellan 9300i p. 481 and 800i p. 161 (42 good tone, 46 not on file); CipherLab serial commands (one beep, no other).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from devices.barcode_scanner.ssi import PacketSieve
from devices.words import Verdict

NO_MAKE: Final = "none"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What to send for each verdict; empty where the make has nothing. `answers` are the scanner's replies to it.

    With `is_packeted` its scans come in packets as well, and are answered.
    """

    good: bytes = b""
    bad: bytes = b""
    answers: tuple[bytes, ...] = ()
    is_packeted: bool = False

    def bytes_for(self, verdict: Verdict) -> bytes:
        """Return what to send, or nothing."""
        return self.good if verdict is Verdict.GOOD else self.bad


MAKES: Final[Mapping[str, Feedback]] = MappingProxyType(
    {
        # A USB keyboard-style unit ignores what is written to it, and an unknown make might take it for a setting.
        NO_MAKE: Feedback(),
        # The scanner must be set to host ACK, else it ignores both.
        "honeywell": Feedback(good=b"0\x1b7,", bad=b"0\x1b8,"),
        # In SSI mode the scanner answers; its reason for a NAK (1 resend, 2 bad context, 6 denied, 0A cancel) varies.
        "zebra_ssi": Feedback(
            good=bytes.fromhex("05E6040001FF10"),
            bad=bytes.fromhex("05E6040007FF0A"),
            answers=tuple(
                bytes.fromhex(frame)
                for frame in ("04D00000FF2C", "05D1000001FF29", "05D1000002FF28", "05D1000006FF24", "05D100000AFF20")
            ),
        ),
        "zebra_ssi_packets": Feedback(
            good=bytes.fromhex("05E6040001FF10"), bad=bytes.fromhex("05E6040007FF0A"), is_packeted=True
        ),
        "datalogic": Feedback(good=b"\x1b[3q", bad=b"\x1b[4q"),
        "datalogic_fixed": Feedback(good=b"B", bad=b"F"),
        # It has one sound: three of them in a row are the bad one.
        "cipherlab": Feedback(good=b"#@////\r", bad=b"#@////\r" * 3),
        # No public text of Newland gives a command that beeps; its own settings language answers, but cannot sound.
        "newland": Feedback(),
    }
)


class AnswerSieve:
    """Takes the scanner's answers out of what it sends, in whatever slices they come. Pure."""

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        self._answers = answers
        self._held = b""

    @property
    def is_holding(self) -> bool:
        """Whether the last bytes may be the beginning of an answer."""
        return bool(self._held)

    def feed(self, received: bytes) -> bytes:
        """Return what is no answer; a possible beginning of one is held back."""
        pending = self._held + received
        if self._answers:
            pending = re.sub(b"|".join(map(re.escape, self._answers)), b"", pending)
        held = max((_overlap(pending, answer) for answer in self._answers), default=0)
        self._held = pending[len(pending) - held :]
        return pending[: len(pending) - held]

    def end_of_silence(self) -> bytes:
        """Return what was held back: no answer pauses in its middle."""
        held, self._held = self._held, b""
        return held

    def reply(self) -> bytes:
        """Return nothing: no make but the packeted one waits for a word."""
        return b""


def sieve_of(feedback: Feedback) -> AnswerSieve | PacketSieve:
    """Return what stands between a make's line and its scans."""
    return PacketSieve() if feedback.is_packeted else AnswerSieve(feedback.answers)


def _overlap(pending: bytes, answer: bytes) -> int:
    """Return how many bytes at the end of `pending` begin `answer` without completing it."""
    return next((size for size in range(len(answer) - 1, 0, -1) if pending.endswith(answer[:size])), 0)
