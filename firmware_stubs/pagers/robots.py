"""The services behind group robots, an SMS gateway and a webhook, on one port of this machine.

They check what they are sent by themselves, share no code with the drivers, and refuse as the real ones do: with
HTTP 200. What they were sent is kept in `received`, and printed when this runs as a command.
"""

import argparse
import base64
import hashlib
import hmac
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from firmware_stubs.orders import say

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
WECOM, DINGTALK, FEISHU = "/cgi-bin/webhook/send", "/robot/send", "/open-apis/bot/v2/hook/"
PER_MINUTE = {WECOM: 20, DINGTALK: 20, FEISHU: 100}
WECOM_TEXT_BYTES, FEISHU_BODY_BYTES = 2048, 20 * 1024
HOUR_S = 3600.0

# As the services word them; 45009 and 93000 go on with a hint that differs each time.
REFUSALS: Mapping[int, bytes] = {
    93000: b'{"errcode":93000,"errmsg":"invalid webhook url, hint: [1795312800], more info at https://open.work.weixin.qq.com/devtool/query?e=93000"}',
    40058: b'{"errcode":40058,"errmsg":"text.content exceed max length 2048, hint: [1795312800]"}',
    45009: b'{"errcode":45009,"errmsg":"api freq out of limit, hint: [1795312800]"}',
    310000: b'{"errcode":310000,"errmsg":"sign not match"}',
    130101: b'{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}',
    19021: b'{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}',
    11232: b'{"code":11232,"msg":"frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"}',
    9499: b'{"code":9499,"msg":"Bad Request","data":{}}',
}
GOOD = {
    WECOM: b'{"errcode":0,"errmsg":"ok"}',
    DINGTALK: b'{"errcode":0,"errmsg":"ok"}',
    FEISHU: b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
}


class Mishap(StrEnum):
    """What may befall the next request instead of an answer; the last two come after it was taken."""

    RESET = "reset"
    HANG = "hang"
    DROP = "drop"


@dataclass(frozen=True)
class Received:
    """One request as it came; ``is_awaited`` tells whether its sender was still there when all of it had come."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    method: str
    is_awaited: bool = True

    @property
    def text(self) -> str:
        """The message in it, as its reader sees it; the whole body where it is of no robot."""
        try:
            told: Any = json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")
        for keys in (("text", "content"), ("content", "text"), ("text",)):
            place = told
            for key in keys:
                place = place.get(key) if isinstance(place, dict) else None
            if isinstance(place, str):
                return place
        return self.body.decode("utf-8")


@dataclass(frozen=True)
class Reply:
    """What is answered in place of the service's own verdict."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def url_at(port: int, service: str, host: str = "http://127.0.0.1") -> str:
    """Return the URL a site is given: of wecom, dingtalk, feishu, or of any other path."""
    paths = {
        "wecom": f"{WECOM}?key={KEY}",
        "dingtalk": f"{DINGTALK}?access_token={KEY}",
        "feishu": f"{FEISHU}{KEY}",
    }
    return f"{host}:{port}{paths.get(service, f'/{service}')}"


class RobotsStub:
    """Used as `with`; the secrets are those of DingTalk's and Feishu's signatures, empty for none."""

    def __init__(self, port: int = 0, *, secret: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.secret = secret
        self.fixed: Reply | None = None
        self._next: deque[Reply | Mishap] = deque()
        self._taken: dict[str, deque[float]] = {path: deque() for path in PER_MINUTE}
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self.heard: Callable[[Received], object] = lambda _: None
        self._server = _Server(port, self)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], name="robots", daemon=True)

    def url_of(self, service: str, host: str = "127.0.0.1") -> str:
        """Return the URL a site is given of a service here."""
        return url_at(self.port, service, f"{self._scheme}://{host}")

    def befall_next(self, *what: Reply | Mishap) -> None:
        """Let the next requests be answered so, or not at all; in order."""
        self._next.extend(what)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_until_over(self) -> None:
        """Answer nothing for as long as the stub lives."""
        self._is_over.wait()

    def take(self, request: Received) -> Reply | Mishap:
        """Keep a request and say what becomes of it."""
        with self._lock:
            befalls = self._next.popleft() if self._next else self.fixed
            if befalls is not Mishap.RESET:
                self.received.append(request)
                self.heard(request)
            return self._verdict(request) if befalls is None else befalls

    def _verdict(self, request: Received) -> Reply:
        path = FEISHU if request.path.startswith(FEISHU) else request.path
        judge = {WECOM: _wecom, DINGTALK: _dingtalk, FEISHU: _feishu}.get(path)
        if judge is None:
            return Reply(b'{"code":0,"msg":"ok"}')
        refusal = judge(request, self.secret) or (self._is_too_fast(path) and _TOO_FAST[path])
        return Reply(REFUSALS[refusal] if refusal else GOOD[path])

    def _is_too_fast(self, path: str) -> bool:
        now, taken = time.monotonic(), self._taken[path]
        while taken and now - taken[0] > 60:  # noqa: PLR2004 - a minute
            taken.popleft()
        taken.append(now)
        return len(taken) > PER_MINUTE[path]


_TOO_FAST = {WECOM: 45009, DINGTALK: 130101, FEISHU: 11232}


def _wecom(request: Received, _secret: str) -> int:
    if request.query.get("key") != KEY:
        return 93000
    told = json.loads(request.body)
    return 0 if len(told["text"]["content"].encode()) <= WECOM_TEXT_BYTES else 40058


def _dingtalk(request: Received, secret: str) -> int:
    if request.query.get("access_token") != KEY:
        return 310000
    if not secret:
        return 0
    stamp = request.query.get("timestamp", "0")
    signed = base64.b64encode(hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest())
    is_good = signed.decode() == request.query.get("sign") and abs(int(stamp) / 1000 - time.time()) < HOUR_S
    return 0 if is_good else 310000


def _feishu(request: Received, secret: str) -> int:
    if len(request.body) > FEISHU_BODY_BYTES or not request.path.endswith(KEY):
        return 9499
    if not secret:
        return 0
    told = json.loads(request.body)
    stamp = told.get("timestamp", "0")
    signed = base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest())
    is_good = signed.decode() == told.get("sign") and abs(int(stamp) - time.time()) < HOUR_S
    return 0 if is_good else 19021


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, stub: RobotsStub) -> None:
        self.stub = stub
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the service."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(parts.path, query, headers, body, self.command, self._is_awaited())
        befalls = self.server.stub.take(request)
        self.close_connection = True
        if isinstance(befalls, Mishap):
            self._suffer(befalls)
        else:
            self._answer(befalls)

    def do_GET(self) -> None:
        self.do_POST()

    def _is_awaited(self) -> bool:
        try:
            # Beneath TLS: there a look at what came is not to be had.
            return socket.socket.recv(self.connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except OSError as error:
            return isinstance(error, BlockingIOError)

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _suffer(self, mishap: Mishap) -> None:
        if mishap is Mishap.HANG:
            self.server.stub.wait_until_over()
        elif mishap is Mishap.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, *_given: Any) -> None:
        """Say nothing: a URL is a key."""


def main() -> None:
    """Print the URLs, then every message; a line of the standard input befalls the next request."""
    parser = argparse.ArgumentParser(description="Group robots, an SMS gateway and a webhook that show what they got.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret", default="", help="of the signatures of DingTalk and Feishu")
    words = parser.parse_args()
    with RobotsStub(words.port, secret=words.secret) as stub:
        stub.heard = lambda request: say(f"{request.path}  {len(request.body)} bytes\n{request.text}\n")
        for service in ("wecom", "dingtalk", "feishu", "sms", "webhook"):
            say(f"{service}  {stub.url_of(service)}")
        say(f"orders: {' | '.join(Mishap)} | html | {' | '.join(map(str, REFUSALS))}")
        for line in sys.stdin:
            say("done" if _obeyed(stub, line.strip()) else "not understood")


def _obeyed(stub: RobotsStub, order: str) -> bool:
    if order in set(Mishap):
        stub.befall_next(Mishap(order))
    elif order == "html":
        stub.befall_next(Reply(b"<html><body>Sign in to the network</body></html>"))
    elif order.isdecimal() and int(order) in REFUSALS:
        stub.befall_next(Reply(REFUSALS[int(order)]))
    else:
        return False
    return True


if __name__ == "__main__":
    main()
