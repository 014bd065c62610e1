"""The one who prints: follows the journal, has each slip composed and told to its printer, and knows what became of it.

A visit never waits for paper: this is a task of its own, woken by the same signal as the pages, after the commit.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog

from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.slips.actions import SLIPS
from clinic_server.device_hub.slips.composing import compose
from clinic_server.device_hub.slips.lettering import Lettering
from clinic_server.device_hub.slips.lookup import Asked, Order, contents_of, orders_after
from clinic_server.device_hub.slips.rules import (
    RECEIPT_PRINTER,
    NoPrinterHere,
    Printer,
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
from clinic_server.visits.steps import VISITS
from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.events import SlipFailed, SlipPrinted
from devices.receipt_printer.adapter import keep_s_of, paper_of
from devices.words import PrintSlip, Slip

MOST_REMEMBERED: Final = 30_000  # of a day of 12,000 people, every slip
GIVEN_UP_AFTER_S: Final = 120.0  # beyond a printer's own patience: whoever was to tell us is gone
_AGAIN_S: Final = 2.0
_LOOK_AGAIN_S: Final = 3600.0  # nothing is missed; this only bounds the waiting
_NO_LINE: Final = 0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SlipShown:
    """What a desk sees of one slip."""

    kind: SlipKind
    state: SlipState
    is_copy: bool = False
    device_id: str | None = None
    ordered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A visit's last slip of a kind: the job its printer knows it by, and until when it may still say something."""

    shown: SlipShown
    job_id: str = ""
    told_by_s: float = 0.0


class SlipOffice:
    """Prints what is recorded from its start on, between ``async with``; lives on the event loop.

    Lines of before are not printed again: nobody knows which of them are on paper, and two tickets with one number in
    the hall are worse than one that a desk prints again on purpose. What became of a slip is known in memory only.
    """

    def __init__(self, house: House, hub: DeviceHub) -> None:
        self._house = house
        self._hub = hub
        self._lettering = Lettering(house.settings.print.font)
        self._seq = 0
        self._kept: OrderedDict[tuple[UUID, SlipKind], _Kept] = OrderedDict()
        self._jobs: dict[str, tuple[UUID, SlipKind]] = {}
        self._running = ExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        db = self._house.db
        signals = self._running.enter_context(db.broadcaster.open(frozenset({VISITS, SLIPS})))
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
        return [self._shown(asked.visit_id, kind, seq) for kind, seq in asked.lines.items()]

    def hear(self, event: SlipPrinted | SlipFailed) -> None:
        """Note what a printer said of a slip."""
        if (place := self._jobs.pop(event.job_id, None)) is not None:  # and not of the slip before a copy
            self._keep(place[0], _Kept(replace(self._kept[place].shown, state=_state_after(event))))

    def _shown(self, visit_id: UUID, kind: SlipKind, seq: int) -> SlipShown:
        kept = self._kept.get((visit_id, kind))
        if kept is None:
            return SlipShown(kind, SlipState.WAITING if seq > self._seq else SlipState.UNKNOWN)
        if kept.shown.state is SlipState.WAITING and self._house.db.clock.monotonic() > kept.told_by_s:
            return replace(kept.shown, state=SlipState.UNKNOWN)
        return kept.shown

    async def _follow(self, signals: Subscription) -> None:
        current_language.set(self._house.settings.print.language)  # this task's own
        while True:
            with suppress(TimeoutError):
                if await signals.next(_LOOK_AGAIN_S) is None:
                    return
            while not await self._catch_up():  # noqa: ASYNC110 - no event tells of a database that can be read again
                await asyncio.sleep(_AGAIN_S)

    async def _catch_up(self) -> bool:
        """Serve every line written since; False when the journal cannot be read now."""
        try:
            while orders := await self._house.db.read(lambda connection: orders_after(connection, self._seq)):
                for order in orders:
                    await self._serve(order)
                    self._seq = order.seq
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
            _log.error(
                "slip_not_made", line=order.seq, kind=type(error).__name__
            )  # only the kind: a text may hold values

    async def _print(self, order: Order) -> None:
        if not (printers := self._hub.printers()):
            return
        keyring, wanted = self._house.db.keyring, order.wanted
        contents = await self._house.db.read(lambda connection: contents_of(connection, keyring, order))
        shown = SlipShown(wanted.kind, SlipState.NO_PRINTER, wanted.is_copy, ordered_at=order.at)
        printer = printer_for(printers, order.station, wanted.kind)
        if printer is None:
            self._keep(contents.visit_id, _Kept(shown))
            return
        slip = compose(contents, self._house.settings.site, order.at if wanted.is_copy else None)
        waiting = replace(shown, state=SlipState.WAITING, device_id=printer.device_id)
        await self._tell(contents.visit_id, printer, slip, _Kept(waiting, f"slip-{order.seq}"))

    async def _tell(self, visit_id: UUID, printer: Printer, slip: Slip, kept: _Kept) -> None:
        """Hand a slip to its printer's queue; it is noted first, for the printer may be quicker than we are."""
        failed = _Kept(replace(kept.shown, state=SlipState.NOT_PRINTED))
        try:
            spec = DeviceSpec(printer.device_id, RECEIPT_PRINTER, "", options=printer.options)
            paper, keep_s = paper_of(spec), keep_s_of(spec)
        except SpecRefused:
            self._keep(visit_id, failed)
            return
        word = PrintSlip(kept.job_id, await asyncio.to_thread(self._lettering.of, slip, paper))
        told_by_s = self._house.db.clock.monotonic() + keep_s + GIVEN_UP_AFTER_S
        self._jobs[kept.job_id] = (visit_id, kept.shown.kind)
        self._keep(visit_id, replace(kept, told_by_s=told_by_s))
        if not await self._hub.tell(printer.device_id, word):
            self._keep(visit_id, failed)

    def _keep(self, visit_id: UUID, kept: _Kept) -> None:
        """Remember how a slip is, forget the oldest of too many, and let the pages that show it look again."""
        place = (visit_id, kept.shown.kind)
        if (before := self._kept.pop(place, None)) is not None and before.job_id != kept.job_id:
            self._jobs.pop(before.job_id, None)
        self._kept[place] = kept
        if len(self._kept) > MOST_REMEMBERED:
            self._jobs.pop(self._kept.popitem(last=False)[1].job_id, None)
        self._house.db.broadcaster.publish([Signal(_NO_LINE, frozenset({f"{SLIPS}-{visit_id}"}))])


def _state_after(event: SlipPrinted | SlipFailed) -> SlipState:
    if isinstance(event, SlipPrinted):
        return SlipState.PRINTED if event.is_confirmed else SlipState.SENT
    return SlipState.UNCONFIRMED if event.reason == "unconfirmed" else SlipState.NOT_PRINTED


def office_of(call: Call) -> SlipOffice:
    """Return the running office."""
    office: SlipOffice = call.request.app.state.slip_office
    return office
