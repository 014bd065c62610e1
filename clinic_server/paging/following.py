"""What became of pages that can be followed: asked for until it is final, written down, and an answer passed on."""

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from clinic_server.alerts.answering import acknowledge_by_contact
from clinic_server.alerts.rules import AlertIsClosed, AnswerWay, ContactUnknown
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.actions import Answered, answered_by_pager, record_news
from clinic_server.paging.lookup import Followed, followed_pages, what_it_was_about
from clinic_server.paging.office import PagingOffice
from devices.pagers.page import Outcome, Reached

ASKS_EVERY_S: Final = 5.0
FOLLOWED_FOR: Final = timedelta(minutes=30)
_FOLLOWER: Final = system_actor("pages followed")


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
        for one in await db.read(lambda connection: followed_pages(connection, db.keyring, since)):
            lane = self._office.lanes.lane(one.channel_code)
            outcome = await lane.follow(one.ref) if lane else None
            if outcome is not None and _is_news(one, outcome):
                await self._hear(one, outcome)

    async def _hear(self, one: Followed, outcome: Outcome) -> None:
        """Pass an answer on, then write down how far the page got: a kill between the two repeats the answer."""
        db = self._house.db
        if outcome.reached is Reached.REPLIED and one.due_id and one.contact_id:
            due_id, contact_id = one.due_id, one.contact_id
            about = await db.read(lambda connection: what_it_was_about(connection, due_id))
            for number in about.alert_numbers:
                await self._answer(number, contact_id)
            if (test_id := about.test_id) is not None:
                await db.write(lambda tx: answered_by_pager(tx, Answered(test_id, contact_id)), _FOLLOWER)
        await db.write(lambda tx: record_news(tx, one.attempt_id, outcome), _FOLLOWER)

    async def _answer(self, number: int, contact_id: UUID) -> None:
        with suppress(AlertIsClosed, ContactUnknown):  # it is over, or no longer theirs to answer
            await self._house.db.write(
                lambda tx: acknowledge_by_contact(tx, number, contact_id, AnswerWay.PAGER), _FOLLOWER
            )


def _is_news(one: Followed, outcome: Outcome) -> bool:
    """Tell whether more is known than before; that the way there failed for once is no news of the page."""
    is_known = outcome.reached is one.reached or outcome.reached in (Reached.UNCONFIRMED, Reached.FAILED)
    return not is_known or outcome.reply is not None
