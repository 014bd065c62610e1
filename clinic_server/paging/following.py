"""What became of pages that can be followed: asked for until it is final, and written down."""

from datetime import timedelta
from typing import Final

from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.actions import record_news
from clinic_server.paging.answers import PAGERS, pass_on
from clinic_server.paging.lookup import Followed, followed_pages
from clinic_server.paging.office import PagingOffice
from devices.pagers.page import Outcome, Reached

ASKS_EVERY_S: Final = 5.0
FOLLOWED_FOR: Final = timedelta(minutes=30)


class PagesFollowed(Watcher):
    """Follows pages between ``async with``; what was sent before a restart is followed on."""

    def __init__(self, house: House, office: PagingOffice, every_s: float = ASKS_EVERY_S) -> None:
        super().__init__("pages followed", every_s)
        self._house = house
        self._office = office

    async def look(self) -> None:
        """Ask once of every page that may still get further."""
        db = self._house.db
        since = db.clock.now() - FOLLOWED_FOR
        pages = await db.read(lambda connection: followed_pages(connection, db.keyring, since))
        if pages:
            await self._office.follow_the_books()
        for one in pages:
            lane = self._office.lanes.lane(one.channel_code)
            outcome = await lane.follow(one.ref) if lane else None
            if outcome is not None and _is_news(one, outcome):
                await self._hear(one, outcome)

    async def _hear(self, one: Followed, outcome: Outcome) -> None:
        db = self._house.db
        if outcome.reached is Reached.REPLIED and one.due_id and one.contact_id:
            await pass_on(db, one.due_id, one.contact_id)
        await db.write(lambda tx: record_news(tx, one.attempt_id, outcome), PAGERS)


def _is_news(one: Followed, outcome: Outcome) -> bool:
    """Tell whether more is known than before; that the way there failed for once is no news of the page."""
    is_known = outcome.reached is one.reached or outcome.reached in (Reached.UNCONFIRMED, Reached.FAILED)
    return not is_known or outcome.reply is not None
