"""The server of the day as a process: started, killed at any instant, asked over HTTP with one key per act."""

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from tests.faults.observed.server import serve
from tests.forked import Forked, Surroundings, begun
from tests.peers import free_port

ROOT = Path(__file__).resolve().parents[3]
READY_WITHIN_S = 120.0
NOT_YET = (OSError, HTTPException)


class NotReady(Exception):
    """The server did not come up; the message is the end of its log."""


class ServerProcess:
    """Between ``with``; leaving it leaves no process behind."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLINIC_")}
        self._environment = inherited | {
            "CLINIC_DATABASE__URL": database_url,
            "CLINIC_SECURITY__KEY_FILE": str(folder / "site.key"),
            "CLINIC_SECURITY__IDLE_MINUTES": "720",
            "CLINIC_SERVER__PORT": str(self._port),
            "CLINIC_SITE__CODE": "TEST",
            "PYTHONPATH": str(ROOT),
        }
        self._process: Forked | None = None
        self._lock = threading.Lock()
        self.kills = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self._folder / "server.log"
        with self._lock:
            around = Surroundings(self._folder, self._environment, log, log)
            self._process = process = begun(serve, around, self._folder / "clock")
        until = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                raise NotReady(log.read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """Take its life in the middle of whatever it does."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills += 1

    def ask(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | str | None, key: str
    ) -> tuple[int, str]:
        """Ask once, with JSON or, where the body is text, a form; raise one of NOT_YET where nothing was answered."""
        is_form = isinstance(body, str)
        sent = body if is_form else json.dumps(body)
        headers = {
            "idempotency-key": key,
            "content-type": "application/x-www-form-urlencoded" if is_form else "application/json",
            "origin": f"http://127.0.0.1:{self._port}",
            **({"authorization": f"Bearer {token}"} if token else {}),
        }
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, None if method == "GET" else sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/api/v1/stations", "", None, uuid4().hex)[0] == 200
        except NOT_YET:
            return False
