"""One HTTP request to a pinned address. Nothing follows redirects, keeps cookies, asks a proxy or logs a URL.

It is the client's transport that is used, without the client: a client writes every URL it calls into the log, and the
URL of a robot is its key.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final

import httpx2

from devices.errors import AddressRefused, LinkLost, LinkUnavailable, NoAnswer
from devices.http_failures import reason_of
from devices.pagers.guard import Guard

CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
MOST_ANSWER_BYTES: Final = 65_536
MOST_WAIT_S: Final = 3600.0
MOST_PORT: Final = 65_535
PORTS: Final = {"http": 80, "https": 443}
NOTHING_ARRIVED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)

# Its traces quote the headers of answers, and a redirect's repeats the key it was asked with.
logging.getLogger("httpcore2").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for; all of it may be secret."""

    url: str = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, the body cut off where no honest answer ends."""

    status: int
    body: bytes = field(default=b"", repr=False)
    wait_s: float | None = None


def refuse_malformed(url: str) -> None:
    """Raise AddressRefused for a URL that can never be called."""
    _parsed(url)


@cache
def _usual_trust() -> ssl.SSLContext:
    """Return whom the system trusts; reading its authorities takes longer than a call."""
    return ssl.create_default_context()


class HttpDoor:
    """The way out for one channel."""

    def __init__(self, guard: Guard, trust: ssl.SSLContext | None = None, answer_s: float = ANSWER_S) -> None:
        self._guard = guard
        self._answer_s = answer_s
        self._trust = trust or _usual_trust()

    async def ask(self, call: Call) -> Answer:
        """Raises LinkUnavailable when nothing can have arrived, NoAnswer or LinkLost when something may have."""
        url = _parsed(call.url)
        port = url.port or PORTS[url.scheme]
        addresses = await self._guard.addresses(url.host, port, is_plain=url.scheme == "http")
        not_reached = LinkUnavailable("not_reached")
        for address in addresses:
            try:
                return await self._ask_at(address, url, call)
            except LinkUnavailable as error:
                not_reached = error
        raise not_reached

    async def _ask_at(self, address: str, url: httpx2.URL, call: Call) -> Answer:
        request = httpx2.Request(
            call.method,
            url.copy_with(host=address),
            content=call.content,
            headers={**call.headers, "host": url.netloc.decode("ascii"), "accept-encoding": "identity"},
            extensions={
                "timeout": httpx2.Timeout(self._answer_s, connect=CONNECT_S).as_dict(),
                "sni_hostname": url.host,
            },
        )
        try:
            async with (
                asyncio.timeout(CONNECT_S + self._answer_s),  # httpx2 bounds each chunk, and a trickle has no end
                httpx2.AsyncHTTPTransport(verify=self._trust, trust_env=False) as transport,
            ):
                response = await transport.handle_async_request(request)
                try:
                    return await _answer_from(response)
                finally:
                    await response.aclose()
        except NOTHING_ARRIVED as error:
            raise LinkUnavailable(reason_of(error)) from None
        except (httpx2.TimeoutException, TimeoutError):
            raise NoAnswer from None
        except httpx2.HTTPError as error:
            raise LinkLost(reason_of(error)) from None


async def _answer_from(response: httpx2.Response) -> Answer:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MOST_ANSWER_BYTES:
            break
    return Answer(response.status_code, body[:MOST_ANSWER_BYTES], wait_told(response.headers.get("retry-after", "")))


def wait_told(text: str, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header: a number of them, or a date; an hour at most."""
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), MOST_WAIT_S)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        until = parsedate_to_datetime(text)
        return min(max(0.0, (until - (now or datetime.now(UTC))).total_seconds()), MOST_WAIT_S)
    return None


def _parsed(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):
        raise AddressRefused("the channel's URL is malformed") from None
    if url.scheme not in PORTS or not url.host or url.userinfo or (url.port or 0) > MOST_PORT:
        raise AddressRefused("a channel's URL is https://host/…, without a user in it")
    return url
