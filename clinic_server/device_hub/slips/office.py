"""The one who prints: follows the journal, has each slip composed and told to its printer, and knows what became of it.

A visit never waits for paper: this is a task of its own, woken by the same signal as the pages, after the commit.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog

from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.slips.actions import SLIPS
from clinic_server.device_hub.slips.book import Book, SlipShown
from clinic_server.device_hub.slips.composing import compose
from clinic_server.device_hub.slips.lettering import Lettering
from clinic_server.device_hub.slips.lookup import MOST_LINES, Asked, Order, contents_of, orders_after
from clinic_server.device_hub.slips.rules import (
    RECEIPT_PRINTER,
    WANTED,
    NoPrinterHere,
    SlipKind,
    SlipState,
    printer_for,
)
from clinic_server.kit.broadcast import Subscription
from clinic_server.kit.call import Call, House
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.i18n import current_language
from clinic_server.kit.journal import head_of
from clinic_server.kit.tx import Signal
from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.events import SlipFailed, SlipPrinted
from devices.receipt_printer.adapter import keep_s_of, paper_of
from devices.words import PrintSlip

OFFERED_AGAIN_S: Final = 2.0
_READ_AGAIN_S: Final = 2.0
_LOOK_AGAIN_S: Final = 3600.0  # nothing is missed; this only bounds the waiting
_NO_LINE: Final = 0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A slip whose printer's queue has not taken it, and until when that is worth trying."""

    device_id: str
    word: PrintSlip
    until_s: float


class SlipOffice:
    """Prints what is recorded from its start on, between ``async with``; lives on the event loop.

    Lines of before are not printed again: nobody knows which of them are on paper, and two tickets with one number in
    the hall are worse than one that a desk prints again on purpose. What became of a slip is known in memory only.
    """

    def __init__(self, house: House, hub: DeviceHub) -> None:
        self._house = house
        self._hub = hub
        self._monotonic = house.db.clock.monotonic
        self._lettering = Lettering(house.settings.print.font)
        self._book = Book(self._monotonic, self._signal)
        self._tray: deque[_Ready] = deque()
        self._seq = 0
        self._running = ExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        db = self._house.db
        signals = self._running.enter_context(db.broadcaster.open(frozenset(WANTED)))
        self._seq = (await db.read(head_of)).seq
        self._hub.watch_slips(self.hear)
        self._task = asyncio.create_task(self._follow(signals), name="slip office")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._running.close()

    def require_printer(self, station: str, kind: SlipKind) -> None:
        """Raise NoPrinterHere when a slip asked for at this station would come out nowhere."""
        if printer_for(self._hub.printers(), station, kind) is None:
            raise NoPrinterHere

    def shown(self, asked: Asked) -> Sequence[SlipShown]:
        """Return what is known of the slips a visit has come to; nothing at a site without a printer."""
        if not self._hub.printers():
            return ()
        return [
            self._book.shown(asked.visit_id, kind)
            or SlipShown(kind, SlipState.WAITING if seq > self._seq else SlipState.UNKNOWN)
            for kind, seq in asked.lines.items()
        ]

    def hear(self, event: SlipPrinted | SlipFailed) -> None:
        """Note what a printer said of a slip."""
        self._book.settle(event.job_id, _state_after(event))

    async def _follow(self, signals: Subscription) -> None:
        current_language.set(self._house.settings.print.language)  # this task's own
        while True:
            with suppress(TimeoutError):
                if await signals.next(OFFERED_AGAIN_S if self._tray else _LOOK_AGAIN_S) is None:
                    return
            signals.forget()
            while not await self._catch_up():  # noqa: ASYNC110 - no event tells of a database that can be read again
                await asyncio.sleep(_READ_AGAIN_S)
            await self._offer()

    async def _catch_up(self) -> bool:
        """Serve every line written until now; False when the journal cannot be read. A later line signals anew."""
        try:
            are_more = True
            while are_more:
                orders = await self._house.db.read(lambda connection: orders_after(connection, self._seq))
                for order in orders:
                    await self._serve(order)
                    self._seq = order.seq
                are_more = len(orders) == MOST_LINES
        except Unavailable as refused:
            _log.warning("slips_wait", code=refused.code)
            return False
        return True

    async def _serve(self, order: Order) -> None:
        try:
            await self._print(order)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # one slip that cannot be made must not keep back the others
            # Only the kind: a text may hold values.
            _log.error("slip_not_made", line=order.seq, kind=type(error).__name__)

    async def _print(self, order: Order) -> None:
        if not (printers := self._hub.printers()):
            return
        keyring, wanted = self._house.db.keyring, order.wanted
        contents = await self._house.db.read(lambda connection: contents_of(connection, keyring, order))
        shown = SlipShown(wanted.kind, SlipState.NO_PRINTER, wanted.is_copy, ordered_at=order.at)
        printer = printer_for(printers, order.station, wanted.kind)
        if printer is None:
            self._book.write(contents.visit_id, shown)
            return
        shown = replace(shown, device_id=printer.device_id)
        try:
            spec = DeviceSpec(printer.device_id, RECEIPT_PRINTER, "", options=printer.options)
            paper, keep_s = paper_of(spec), keep_s_of(spec)
        except SpecRefused:
            self._book.write(contents.visit_id, replace(shown, state=SlipState.NOT_PRINTED))
            return
        slip = compose(contents, self._house.settings.site, order.at if wanted.is_copy else None)
        word = PrintSlip(f"slip-{order.seq}", await asyncio.to_thread(self._lettering.of, slip, paper))
        self._book.write(contents.visit_id, replace(shown, state=SlipState.WAITING), word.job_id, keep_s)
        self._tray.append(_Ready(printer.device_id, word, self._monotonic() + keep_s))

    async def _offer(self) -> None:
        """Hand what lies ready to its printer's queue, in order; what a queue or an absent desk PC refuses waits."""
        refused: set[str] = set()
        for _ in range(len(self._tray)):
            ready = self._tray.popleft()
            if ready.device_id not in refused and await self._hub.tell(ready.device_id, ready.word):
                continue
            refused.add(ready.device_id)
            if self._monotonic() > ready.until_s:
                self._book.settle(ready.word.job_id, SlipState.NOT_PRINTED)
            else:
                self._tray.append(ready)

    def _signal(self, visit_id: UUID) -> None:
        self._house.db.broadcaster.publish([Signal(_NO_LINE, frozenset({f"{SLIPS}-{visit_id}"}))])


def _state_after(event: SlipPrinted | SlipFailed) -> SlipState:
    if isinstance(event, SlipPrinted):
        return SlipState.PRINTED if event.is_confirmed else SlipState.SENT
    return SlipState.UNCONFIRMED if event.reason == "unconfirmed" else SlipState.NOT_PRINTED


def office_of(call: Call) -> SlipOffice:
    """Return the running office."""
    office: SlipOffice = call.request.app.state.slip_office
    return office
