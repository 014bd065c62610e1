"""The pagers of the people on duty: the services behind them, on one port of this machine."""

from types import TracebackType
from typing import Self

from firmware_stubs.pagers.robots import Received, RobotsStub
from firmware_stubs.rehearsal.ledger import Ledger


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
        self._services.__exit__(kind, error, trace)

    def _note(self, request: Received) -> None:
        self._ledger.note_paged(request.text)
