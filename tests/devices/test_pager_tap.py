"""The TAP driver before a terminal on a pseudo-terminal that answers as its script says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from devices.errors import SpecRefused
from devices.pagers import tap
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.tap import TapPager
from devices.pagers.tap_wire import block
from firmware_stubs.plugs import PtyPlug

PAGE = Page("4711-a", "COLD CHAIN A1 +9.4C 12MIN", "")
TAKEN, AGAIN, REJECTED, BYE = b"\x06\r", b"\x15\r", b"\x1e\r", b"\x1b\x04\r"
GO_AHEAD = b"110 1.8 beta\r\x06\r\x1b[p\r"


class Terminal:
    """Answers CR with its question, the log-in and each block with what is next for it; keeps the blocks."""

    def __init__(self, plug: PtyPlug, log_ins: Sequence[bytes], answers: Sequence[bytes], knocks: int = 1) -> None:
        self.blocks: list[bytes] = []
        self._plug = plug
        self._log_ins = iter(log_ins)
        self._answers = iter(answers)
        self._knocks_left = knocks
        self._heard = b""
        plug.connect(self.hear)

    def hear(self, said: bytes) -> None:
        self._heard += said
        if self._heard.endswith(b"\x1bPG1\r"):
            self._say(next(self._log_ins, b""))
        elif self._heard.startswith(b"\x02") and len(self._heard.split(b"\x03")[-1]) == 4:
            self.blocks.append(self._heard)
            self._say(next(self._answers, b""))
        elif self._heard == b"\r":
            self._knocks_left -= 1
            self._say(b"ID=" if self._knocks_left <= 0 else b"")

    def _say(self, said: bytes) -> None:
        self._heard = b""
        if said:
            self._plug.put_on_wire(said)


@contextmanager
def terminal(
    answers: Sequence[bytes] = (TAKEN,), log_ins: Sequence[bytes] = (GO_AHEAD,), knocks: int = 1
) -> Iterator[tuple[Terminal, TapPager]]:
    with PtyPlug("terminal") as plug:
        stands = Terminal(plug, log_ins, answers, knocks)
        yield stands, TapPager(PagerSpec("t", "tap", plug.url))


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "ANSWER_S", 1.0)
    monkeypatch.setattr(tap, "KNOCKS_EVERY_S", 0.3)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([TAKEN], Outcome(Reached.ACCEPTED)),
        ([b"211 page taken\r" + TAKEN], Outcome(Reached.ACCEPTED)),
        ([AGAIN, AGAIN, TAKEN], Outcome(Reached.ACCEPTED)),
        ([AGAIN, AGAIN, AGAIN], Outcome(Reached.FAILED, "tap_again")),
        ([b"510 no such pager\r" + REJECTED], Outcome(Reached.FAILED, "tap_rejected")),
        ([BYE], Outcome(Reached.FAILED, "tap_hangs_up")),
        ([b""], Outcome(Reached.UNCONFIRMED, "no_answer")),
    ],
)
async def test_what_a_terminal_says_is_what_became_of_the_page(answers: Sequence[bytes], outcome: Outcome) -> None:
    with terminal(answers) as (stands, pager):
        assert await pager.send("5551212", PAGE) == outcome
    assert set(stands.blocks) == {block("5551212", "COLD CHAIN A1 +9.4C 12MIN #4711-a")}
    assert len(stands.blocks) == len(answers)


@pytest.mark.parametrize(
    ("log_ins", "outcome"),
    [
        ([AGAIN, GO_AHEAD], Outcome(Reached.ACCEPTED)),
        ([AGAIN, AGAIN, AGAIN], Outcome(Reached.FAILED, "tap_again")),
        ([b"502 no\r" + BYE], Outcome(Reached.FAILED, "tap_hangs_up")),
        ([b""], Outcome(Reached.FAILED, "no_answer")),
    ],
)
async def test_a_terminal_that_does_not_let_in_is_given_nothing(log_ins: Sequence[bytes], outcome: Outcome) -> None:
    with terminal(log_ins=log_ins) as (stands, pager):
        assert await pager.send("5551212", PAGE) == outcome
    assert bool(stands.blocks) is (outcome.reached is Reached.ACCEPTED)


async def test_a_terminal_asleep_is_knocked_at_again_and_not_for_ever() -> None:
    with terminal(knocks=3) as (_, pager):
        assert await pager.send("5551212", PAGE) == Outcome(Reached.ACCEPTED)
    with terminal(knocks=99) as (_, pager):
        assert await pager.send("5551212", PAGE) == Outcome(Reached.FAILED, "no_answer")


async def test_a_line_that_is_not_there_is_a_failure_and_a_wrong_address_no_page() -> None:
    with terminal() as (_, pager):
        assert await pager.send("555 1212", PAGE) == Outcome(Reached.FAILED, "address_malformed")
    assert (await pager.send("5551212", PAGE)).reached is Reached.FAILED


@pytest.mark.parametrize("url", ["http://x/", "serial:///dev/ttyS9?frame=9X9", "tcp://"])
async def test_a_terminal_set_up_wrongly_is_refused(url: str) -> None:
    with pytest.raises(SpecRefused):
        await _tried(url)


async def _tried(url: str) -> None:
    pager = TapPager(PagerSpec("t", "tap", url))
    if (await pager.send("1", PAGE)).reached is Reached.FAILED:
        raise SpecRefused("said at the first page")
