"""The HTTP calls of a desk PC to its server; what can go wrong is told as one of three errors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx2
import msgspec

from devices.agent.folder import Credential
from devices.agent.form import BadMessage
from devices.agent.messages import (
    BATCH,
    HEALTH,
    LINE,
    MOMENT,
    MOST_LINE_BYTES,
    SILENT_AFTER_S,
    Batch,
    Health,
    Line,
    Message,
    Moment,
)
from devices.agent.spool import Kept
from devices.agent.trust import context_for
from devices.http_failures import reason_of

SOON_S: Final = 5.0
IDLE_S: Final = 3.0  # servers hang up after five; a call must not meet them while they do
COMMIT_S: Final = 30.0
_BASE: Final = "/api/v1/agents"
_MOST_ANSWER_BYTES: Final = 100_000


class ServerAway(Exception):
    """No answer, or one that says later; `reason` is a stable word."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class AgentEnded(Exception):
    """The server knows this desk PC no more."""


class NotTaken(Exception):
    """The server understood the call and will never take it; `code` is its own."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Heard:
    """What the server says to a report: its time, and sealed, what it has recorded."""

    now: datetime | None
    recorded: str


class _Answer(msgspec.Struct):
    code: str = ""
    now: datetime | None = None
    recorded: str = ""
    refused: dict[str, str] = {}


class Uplink:
    """Calls in the name of one desk PC; used as `async with`."""

    def __init__(self, credential: Credential) -> None:
        self._client = httpx2.AsyncClient(
            base_url=credential.server,
            headers={"authorization": f"Bearer {credential.token}"},
            verify=context_for(credential),
            timeout=httpx2.Timeout(SOON_S),
            limits=httpx2.Limits(keepalive_expiry=IDLE_S),
            trust_env=False,  # the server is on this LAN, no proxy is between
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def hand_in(self, kept: Sequence[Kept]) -> dict[str, str]:
        """Have events stored; return, by id, why some never will be."""
        batch = Batch(tuple(Message(one.id, msgspec.Raw(one.content)) for one in kept))
        return (await self._call("POST", "/events", BATCH.encode(batch), COMMIT_S)).refused

    async def pass_on(self, moment: Moment) -> None:
        """Hand over what is worth something only now."""
        await self._call("POST", "/moments", MOMENT.encode(moment), SOON_S)

    async def report(self, health: Health) -> Heard:
        """Say how this desk PC is."""
        answer = await self._call("PUT", "/health", HEALTH.encode(health), SOON_S)
        return Heard(answer.now, answer.recorded)

    @asynccontextmanager
    async def words(self) -> AsyncIterator[AsyncIterator[Line]]:
        """Yield the lines the server sends; a line that falls silent ends with ServerAway."""
        request = self._client.build_request(
            "GET", f"{_BASE}/words", timeout=httpx2.Timeout(SOON_S, read=SILENT_AFTER_S)
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                if not response.is_success:
                    _judge(response.status_code, await response.aread(), response.headers)
                yield _lines(response)
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            raise ServerAway(reason_of(error)) from None

    async def _call(self, method: str, path: str, content: bytes, within_s: float) -> _Answer:
        try:
            response = await self._client.request(
                method,
                f"{_BASE}{path}",
                content=content,
                headers={"content-type": "application/json"},
                timeout=httpx2.Timeout(SOON_S, read=within_s),
            )
        except httpx2.HTTPError as error:
            raise ServerAway(reason_of(error)) from None
        return _judge(response.status_code, response.content, response.headers)


async def _lines(response: httpx2.Response) -> AsyncIterator[Line]:
    buffer = b""
    async for chunk in response.aiter_bytes():
        *whole, buffer = (buffer + chunk).split(b"\n")
        for one in whole:
            try:
                yield LINE.decode(one)
            except BadMessage as bad:
                raise ServerAway(bad.reason) from None
        if len(buffer) > MOST_LINE_BYTES:
            raise ServerAway("too_large")
    raise ServerAway("stream_ended")


def _judge(status: int, content: bytes, headers: Any) -> _Answer:
    """Return a good answer; otherwise say what to do about it."""
    try:
        answer = msgspec.json.decode(content[:_MOST_ANSWER_BYTES], type=_Answer) if content else _Answer()
    except msgspec.DecodeError:
        answer = _Answer("not_json")
    if status in {200, 201, 204} and answer.code != "not_json":
        return answer
    if answer.code == "agent_unknown":
        raise AgentEnded
    if status in {400, 403, 413, 422}:
        raise NotTaken(status, answer.code)
    after = headers.get("retry-after", "")
    raise ServerAway(answer.code or f"status_{status}", float(after) if after.isdecimal() else 0.0)
