"""Joining a site: a code on this screen, typed by a person on the server's page, becomes a credential."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from devices.agent.folder import Credential
from devices.agent.trust import context

T = TypeVar("T")
POLL_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 5.0
_BASE: Final = "/api/v1/agents/pairings"


class PairingRefused(Exception):
    """It did not come to a pairing; the message is for a person."""


class ServerNotReached(Exception):
    """The server did not answer; the message is for a person."""


class CertificateNotTrusted(Exception):
    """The server's certificate is signed by nobody this PC knows."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The certificate a person vouched for (PEM), or nothing."""

    authority: str = field(default="", repr=False)
    is_pinned: bool = False


class Begun(msgspec.Struct):
    """A pairing under way; the code is for a person, the secret for nobody."""

    pairing_id: str
    secret: str
    code: str
    lives_s: int
    site: str


class _Polled(msgspec.Struct):
    state: str
    token: str = ""
    agent_id: str = ""
    name: str = ""
    station: str = ""


def server_address(typed: str) -> str:
    """Return a server's address without anything behind it. Raises PairingRefused."""
    parts = urlsplit(typed if "://" in typed else f"https://{typed}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise PairingRefused("An address looks like https://server:8470.")
    return f"{parts.scheme}://{parts.netloc}"


class Pairing:
    """The calls of a pairing, one after the other; used as `with`."""

    def __init__(self, server: str, trust: Trust) -> None:
        self._server = server
        self._trust = trust
        self._client = httpx2.Client(
            base_url=server,
            verify=context(server, trust.authority, is_pinned=trust.is_pinned),
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def begin(self) -> Begun:
        """Ask for a code. Raises PairingRefused, ServerNotReached, CertificateNotTrusted."""
        try:
            answer = self._client.post(_BASE)
        except httpx2.HTTPError as error:
            if "CERTIFICATE" in str(error):
                raise CertificateNotTrusted from None
            raise ServerNotReached(f"{self._server} does not answer. Is the address right?") from None
        if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            raise PairingRefused("Too many desk PCs wait for their codes; try again in ten minutes.")
        return _read(answer, Begun)

    def wait(self, begun: Begun, passed: Callable[[float], object] = time.sleep) -> Credential:
        """Ask until a person typed the code, then return the credential. Raises PairingRefused when nobody does."""
        while True:
            answer = self._poll(begun)
            if answer is None:
                passed(POLL_EVERY_S)
                continue
            if answer.status_code == httpx2.codes.NOT_FOUND:
                raise PairingRefused("Nobody typed the code in time, or the server was restarted. Begin again.")
            polled = _read(answer, _Polled)
            if polled.state == "paired":
                return Credential(
                    server=self._server,
                    agent_id=polled.agent_id,
                    name=polled.name,
                    station=polled.station,
                    token=polled.token,
                    authority=self._trust.authority,
                    is_pinned=self._trust.is_pinned,
                )
            passed(POLL_EVERY_S)

    def _poll(self, begun: Begun) -> httpx2.Response | None:
        """Return an answer, or None from a server that may be restarting: back again, it says that it knows nothing."""
        try:
            answer = self._client.post(f"{_BASE}/{begun.pairing_id}/poll", json={"secret": begun.secret})
        except httpx2.HTTPError:
            return None
        return None if answer.is_server_error else answer


def _read(answer: httpx2.Response, kind: type[T]) -> T:
    if answer.is_success and len(answer.content) < 10_000:  # noqa: PLR2004 - ours has some hundred
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError:
            pass
    raise PairingRefused("What answers there is no server of ours, or another version of it.")
