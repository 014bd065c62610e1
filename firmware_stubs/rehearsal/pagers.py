"""The pagers of the people on duty: the services behind them, on one port of this machine."""

import time
from types import TracebackType
from typing import Self

from firmware_stubs.pagers.robots import Received, RobotsStub
from firmware_stubs.rehearsal.ledger import Ledger

PAGED_WITHIN_S = 15.0


class Pagers:
    """Everything the site sends out arrives here, and in the books, between entering and leaving a ``with``."""

    def __init__(self, port: int, ledger: Ledger) -> None:
        self._ledger = ledger
        self._services = RobotsStub(port)
        self._services.heard = self._note

    def __enter__(self) -> Self:
        self._services.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the page a failed fridge is owed, if there are books to agree with, and close."""
        deadline = time.monotonic() + PAGED_WITHIN_S
        while self._ledger.surely_failed and not self._ledger.paged and time.monotonic() < deadline:
            time.sleep(0.05)
        self._services.__exit__(kind, error, trace)

    def _note(self, request: Received) -> None:
        self._ledger.note_paged(request.text)
