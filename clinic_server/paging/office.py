"""The one who pages: takes what is due under a lease, sends it channel by channel, and writes down how far it got."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Final, TypeVar
from uuid import UUID

import structlog

from clinic_server.alerts.due import DuePage, claim, next_due_at
from clinic_server.alerts.links import link_path
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import Call, House
from clinic_server.kit.errors import Busy, StorageFull
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.answers import pass_on
from clinic_server.paging.errands import Errand, by_address, errands_for, give_up, record_sent
from clinic_server.paging.lanes import SENT_WITHIN_S, Lane, Lanes
from clinic_server.paging.lookup import stored_channels, taken_already
from clinic_server.paging.rules import ChannelUnknown
from clinic_server.paging.trials import Trials
from clinic_server.paging.wording import Setting, answered_by, page_of
from clinic_server.stock.places import place_names
from devices.pagers.page import Outcome, Reached

LOOKS_EVERY_S: Final = 0.5
WRITTEN_AGAIN_AFTER_S: Final = 0.5
ASKS_EVERY_LOOKS: Final = 60  # whatever the clock says: it may have been set back
MOST_PAGES: Final = 50
LEASE: Final = timedelta(seconds=90)
BEGUN_WITHIN_S: Final = LEASE.total_seconds() - SENT_WITHIN_S - 10.0
OFFICE: Final = system_actor("paging office")
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class PagingOffice(Watcher):
    """Pages between ``async with``; lives on the event loop.

    A kill between sending and writing down repeats that one page after its lease, and loses none; what is being sent
    here is not taken again, though a clock that was set says its lease is over. Nothing waits for a slow channel but
    what goes through it.
    """

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("paging office", every_s)
        self._house = house
        self._monotonic = house.db.clock.monotonic
        self.lanes = Lanes(house.db.clock.monotonic, house.settings.paging.may_reach)
        self.trials = Trials(house)
        self._looks = 0
        self._rounds: set[asyncio.Task[None]] = set()
        self._in_hand: set[UUID] = set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, self.trials.stop(), return_exceptions=True)

    async def look(self) -> None:
        """Begin to send what is due now; what is being sent goes on beside it."""
        db = self._house.db
        self._looks += 1
        next_at = await db.read(next_due_at)
        if next_at is None or (next_at > db.clock.now() and self._looks % ASKS_EVERY_LOOKS):
            return
        before_s = self._monotonic() + BEGUN_WITHIN_S
        in_hand = frozenset(self._in_hand)
        pages = await db.write(lambda tx: claim(tx, MOST_PAGES, LEASE, in_hand), OFFICE)
        if pages:
            task = asyncio.create_task(self._serve_pages(pages, before_s), name="pages")
            self._rounds.add(task)
            task.add_done_callback(self._ended)

    async def follow_the_books(self) -> None:
        """Know the channels as they are set up now."""
        db = self._house.db
        self.lanes.follow_the_books(await db.read(lambda connection: stored_channels(connection, db.keyring)))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Forget a round; what one that failed had not written down is due again after its lease."""
        self._rounds.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("pages_not_settled", code=type(error).__name__)

    async def lane(self, code: str) -> Lane:
        """Return a channel's lane, or raise ChannelUnknown."""
        await self.follow_the_books()
        if (lane := self.lanes.lane(code)) is None:
            raise ChannelUnknown
        return lane

    async def _serve_pages(self, pages: Sequence[DuePage], before_s: float) -> None:
        due_ids = {one.due_id for one in pages}
        self._in_hand |= due_ids
        try:
            await self.follow_the_books()
            taken = await self._house.db.read(lambda connection: taken_already(connection, pages))
            await self._serve(errands_for(pages, taken), before_s)
        finally:
            self._in_hand -= due_ids

    async def _serve(self, errands: Sequence[Errand], before_s: float) -> None:
        """Send every errand to its address, side by side; those that did not get through go on to their next."""
        stranded = [one for one in errands if not one.addresses]
        if stranded:
            await self._write_down(lambda tx: give_up(tx, stranded))
        groups = by_address(one for one in errands if one.addresses)
        ends = await asyncio.gather(*(self._send(group, before_s) for group in groups), return_exceptions=True)
        for end in ends:  # none is let go of while another is still being sent
            if end is not None:
                raise end

    async def _send(self, errands: Sequence[Errand], before_s: float) -> None:
        site, address = self._house.settings.site, errands[0].address
        due = [one.page for one in errands]
        setting = Setting(site.name, site.zone, await self._house.db.read(place_names))
        page = page_of(setting, due, self._link(due))
        lane = self.lanes.lane(address.channel)
        if lane is None:
            onward = await self._settle(Outcome(Reached.FAILED, "no_such_channel"), errands)
        else:
            async with lane.in_order:
                outcome = await lane.send(address.address, page, before_s)
                if outcome is None:
                    return  # its lease is nearly over: it is claimed again
                onward = await self._settle(outcome, errands)
        await self._serve(onward, before_s)

    async def _settle(self, outcome: Outcome, errands: Sequence[Errand]) -> Sequence[Errand]:
        if outcome.reached is Reached.REPLIED:
            for one in errands:
                await pass_on(self._house.db, one.page.due_id, one.page.contact_id)
        return await self._write_down(lambda tx: record_sent(tx, outcome, errands))

    async def _write_down(self, action: Callable[[Tx], T]) -> T:
        """Write down what became of a page, once there is room: till then it is in hand and nobody sends it again."""
        while True:
            try:
                return await self._house.db.write(action, OFFICE)
            except (Busy, StorageFull) as refused:
                _log.warning("page_not_written_down", code=refused.code)
            await asyncio.sleep(WRITTEN_AGAIN_AFTER_S)

    def _link(self, due: Sequence[DuePage]) -> str:
        """Return the link that answers a page, where the site says how its server is reached."""
        base, target = self._house.settings.paging.public_url, answered_by(due)
        if not base or target is None:
            return ""
        return base + link_path(self._house.db.keyring, target, self._house.db.clock.now())


def office_of(call: Call) -> PagingOffice:
    """Return the running office."""
    office: PagingOffice = call.request.app.state.alarm_path.office
    return office
