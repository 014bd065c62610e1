"""Two real gateways, each of its own kind, that can be in a bad mood, and what they took for whom."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from firmware_stubs.pagers.robots import REFUSALS, Mishap, Received, Reply, RobotsStub
from tests.peers import MissingPeer, free_port

SNPP_GATEWAY = Path(__file__).resolve().parents[2] / "devices" / "snpp_gateway.pl"
CHANNELS = ("robots", "pagers")
SLOW_S = 0.8
GOOD_ANSWER = b'{"errcode":0,"errmsg":"ok"}'
_PAGE = re.compile(r"PAGE (?P<address>\S+) .*#(?P<number>\S+)$")


class Mood(StrEnum):
    """How the robots' gateway is; in the last two it has taken the page, and only one of them says so in time."""

    GOOD = "good"
    DOWN = "down"
    LYING = "lying"
    DROPPING = "dropping"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A page a gateway took, and whether it said so to anybody; ``at_s`` is when, in monotonic seconds."""

    channel: str
    number: str
    address: str
    is_told: bool
    at_s: float


class _Robots(RobotsStub):
    def __init__(self, port: int, gateway: "RobotGateway") -> None:
        super().__init__(port)
        self._gateway = gateway

    def take(self, request: Received) -> Reply | Mishap:
        return self._gateway.answer(request)


class RobotGateway:
    """A gateway that answers 200 to everything and means it only with errcode 0."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.lies = 0
        self._mood = Mood.GOOD
        self._port = free_port()
        self._stub: _Robots | None = None
        self.be(Mood.GOOD)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}/robot"

    def be(self, mood: Mood) -> None:
        """Be in a mood; down is a port that nobody listens on."""
        self._mood = mood
        stub, is_down = self._stub, mood is Mood.DOWN
        if stub is not None and is_down:
            self._stub = None
            stub.__exit__(None, None, None)
        elif stub is None and not is_down:
            self._stub = _Robots(self._port, self).__enter__()

    def answer(self, request: Received) -> Reply | Mishap:
        """Take a page, or say that it was refused."""
        mood, page, at_s = self._mood, json.loads(request.body), time.monotonic()
        if mood is Mood.LYING:
            self.lies += 1
            return Reply(REFUSALS[45009])
        if mood is Mood.SLOW:
            time.sleep(SLOW_S)
        is_told = mood is not Mood.DROPPING and request.is_awaited
        self.receipts.append(Receipt("robots", page["number"], page["address"], is_told, at_s))
        return Reply(GOOD_ANSWER) if is_told else Mishap.DROP


class PagerGateway:
    """A gateway of Net::SNPP::Server, as a process."""

    def __init__(self) -> None:
        if not Path("/usr/share/perl5/Net/SNPP/Server.pm").exists():
            raise MissingPeer("Net::SNPP::Server is missing; `python3 run.py faults` installs it (libnet-snpp-perl).")
        self.receipts: list[Receipt] = []
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"snpp://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to take pages."""
        self._process = subprocess.Popen(  # noqa: S603  # our own script
            ["perl", str(SNPP_GATEWAY), str(self._port), "1"],  # noqa: S607  # of the system
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None  # asked for above
        with process.stdout as said:
            for line in said:
                if found := _PAGE.match(line.rstrip()):
                    said_at_s = time.monotonic()
                    self.receipts.append(Receipt("pagers", found["number"], found["address"], True, said_at_s))


def receipts_of(robots: RobotGateway, pagers: PagerGateway) -> Sequence[Receipt]:
    """Return everything that was taken."""
    return [*robots.receipts, *pagers.receipts]
