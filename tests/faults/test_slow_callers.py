"""Callers who never finish what they began: they are hung up on, and nobody waits behind them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI, Request

from clinic_server.kit import patience, web
from clinic_server.kit.serving import ClinicServer, listen

CALLERS = patience.MOST_WAITED_FOR + 50
WITHIN_S = 0.5


@contextmanager
def served() -> Iterator[int]:
    """Serve an address that reads a body, as the server's every address is served; yield its port."""
    app = FastAPI()
    web.install(app, 1_000_000)

    @app.post("/api/v1/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    listening = listen("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    server = ClinicServer(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


def called(port: int, said: bytes) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", port), timeout=10)
    caller.sendall(said)
    return caller


def answered(caller: socket.socket) -> bytes:
    """Return what the server says until it hangs up, or until it has answered."""
    try:
        return caller.recv(4096)
    except ConnectionResetError:
        return b""


def test_whoever_never_ends_a_request_is_hung_up_on_and_nobody_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", WITHIN_S)
    with served() as port:
        callers = [called(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") for _ in range(CALLERS)]
        desk = called(port, b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
        assert answered(desk).endswith(b"\r\n\r\n2")
        assert [answered(caller) for caller in callers] == [b""] * CALLERS
        for caller in (*callers, desk):
            caller.close()


def test_a_head_begun_on_an_open_line_is_not_waited_for_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", WITHIN_S)
    with served() as port:
        caller = called(port, b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"404" in answered(caller)
        caller.sendall(b"GET /api/v1/nothing HTTP/1.1\r\nHost: ")
        assert answered(caller) == b""
        caller.close()


def test_a_body_that_does_not_come_is_answered_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_PIECE_WITHIN_S", WITHIN_S)
    with served() as port:
        caller = called(port, b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        answer = answered(caller)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"body_too_slow" in answer + answered(caller)
        caller.close()
