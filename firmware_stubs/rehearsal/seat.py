"""A member of staff signed in at a station: asks, and writes under a key that stays the same until it is answered."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from firmware_stubs.rehearsal.cast import Cast, Player
from firmware_stubs.rehearsal.deeds import Deed
from firmware_stubs.rehearsal.ledger import Ledger, Outcome, Write, digest_of

SHORTEST_WAIT_S = 0.02
LONGEST_WAIT_S = 0.1
REFUSED_WAIT_S = 5.0
ANSWER_WITHIN_S = 15.0
_ANY_QUESTION = "/api/v1/stations"
_NOT_SIGNED_IN = 401
_UNAVAILABLE = 503
_ERRORS = 400
_FAULTS = 500


class DayIsOver(Exception):
    """The play was stopped while somebody waited."""


class ServerAway(Exception):
    """The server did not answer for longer than somebody was ready to wait."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes
    retry_after_s: float = 0.0

    def content(self) -> Any:
        """Return the decoded JSON, or None."""
        with suppress(ValueError):
            return json.loads(self.body)
        return None


class Seat:
    """One person, one station, one connection, one thread.

    ``forgets`` is how often a broken write is never repeated: the desk's computer went down as well, and nobody
    knows what became of it. ``waits_s`` is how long it waits for a server that does not answer.
    """

    def __init__(  # noqa: PLR0913 - who, where, and two habits
        self,
        cast: Cast,
        player: Player,
        ledger: Ledger,
        stop: Event,
        *,
        forgets: float = 0.0,
        waits_s: float = float("inf"),
    ) -> None:
        self.station = player.station
        self._player = player
        self._ledger = ledger
        self._stop = stop
        self._forgets = forgets
        self._waits_s = waits_s
        self._chance = Random(player.number)  # noqa: S311 - it decides who forgets, not who gets in
        self._address = urlsplit(cast.base_url)
        self._connection: HTTPConnection | None = None
        self._token = ""

    def arrive(self) -> None:
        """Sign in, as everybody does in the morning, whether or not somebody waits."""
        self._insist("GET", _ANY_QUESTION)

    def ask(self, path: str) -> Any:
        """Return what a GET answers, or None when it is refused; wait for as long as the server is away."""
        answer = self._insist("GET", path)
        if answer is None or answer.status >= _ERRORS:
            self._ledger.fault(
                f"asking as {self._player.role} at {self.station} was answered {answer and answer.status}"
            )
            return None
        return answer.content()

    def has(self, path: str) -> bool:
        """Tell whether the server knows a route."""
        answer = self._insist("GET", path)
        return answer is not None and answer.status < _ERRORS

    def do(self, deed: Deed, visitor: int | None = None) -> Write:
        """Make a write and return what is known of it; it is in the books before it is sent."""
        write = Write(uuid4().hex, self.station, deed.kind, deed.path, visitor, deed.visit_id, deed.step)
        write.trace_code = deed.trace_code
        self._ledger.begin(write)
        answer = self._insist("POST", deed.path, deed.body, write)
        if answer is not None:
            self._settle(write, deed, answer)
        return write

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _settle(self, write: Write, deed: Deed, answer: Answer) -> None:
        write.status, write.answer = answer.status, answer.content()
        write.outcome = Outcome.ACCEPTED if answer.status < _ERRORS else Outcome.REFUSED
        write.answer_digest = digest_of(answer.body)
        if write.is_accepted:
            write.ref = _ref_of(deed, write.answer)
            write.visit_id = write.visit_id or (write.ref if deed.step else "")
        else:
            write.code = str(write.answer.get("code", "")) if isinstance(write.answer, dict) else ""
            write.findings = tuple(one["code"] for one in write.answer["findings"]) if write.code else ()
            if write.code not in deed.bears:
                self._ledger.fault(f"{write.kind} at {self.station} was refused: {answer.status} {write.code}")
        self._ledger.settle(write)

    def _insist(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, write: Write | None = None
    ) -> Answer | None:
        """Send until there is an answer that means something; return None for a write that was forgotten."""
        wait_s, deadline = SHORTEST_WAIT_S, time.monotonic() + self._waits_s
        answer: Answer | None = None
        while not self._stop.is_set():
            if time.monotonic() > deadline:
                raise ServerAway(f"the last answer to {path}: {answer.status if answer else 'none'}")
            if not self._token:
                self._sign_in()
                continue
            sendings = write.sendings if write else 0
            answer = self._send_once(method, path, body, write)
            if answer is None and write is not None and self._forgets_what_it_sent(write.sendings - sendings):
                return None
            if answer is not None and answer.status == _NOT_SIGNED_IN:
                self._token = ""
            elif answer is not None and answer.status != _UNAVAILABLE:
                return answer
            self._stop.wait(max(wait_s, answer.retry_after_s) if answer else wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        raise DayIsOver

    def _forgets_what_it_sent(self, sendings: int) -> bool:
        return sendings > 0 and self._chance.random() < self._forgets

    def _send_once(self, method: str, path: str, body: Mapping[str, Any] | None, write: Write | None) -> Answer | None:
        """Send once; None when the connection broke before the whole answer was here."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if write is not None:
            headers["Idempotency-Key"] = write.key
        try:
            connection = self._connected()
            if write is not None:
                write.sendings += 1
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            retry_after_s = float(answer.getheader("Retry-After") or 0)
            return Answer(answer.status, answer.read(), retry_after_s)
        except (OSError, HTTPException):
            self.close()
            return None

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            host, port = self._address.hostname or "127.0.0.1", self._address.port
            connection = HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
            connection.connect()
            self._connection = connection
        return self._connection

    def _sign_in(self) -> None:
        who = {"number": self._player.number, "pin": self._player.pin, "station": self.station}
        answer = self._send_once("POST", "/api/v1/session", who, None)
        if answer is not None and answer.status < _ERRORS:
            self._token = answer.content()["token"]
            return
        if answer is not None and answer.status < _FAULTS:
            self._ledger.fault(f"signing in at {self.station} was refused: {answer.status}")
            self._stop.wait(REFUSED_WAIT_S)
        self._stop.wait(LONGEST_WAIT_S)


def _ref_of(deed: Deed, answer: Any) -> str:
    """Return what the journal names a write by: told in the answer, or the answer itself where it is a bare id."""
    if deed.ref_field:
        return str(answer[deed.ref_field])
    return deed.visit_id or (answer if isinstance(answer, str) else "")
