"""What became of pages that can be followed: asked for until it is final, written down, and an answer passed on."""

from datetime import timedelta
from typing import Final

from clinic_server.alerts.acknowledging import acknowledge_by_contact
from clinic_server.alerts.rules import ALERTS, AnswerWay
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.actions import Answered, answer_test, record_news
from clinic_server.paging.lookup import Followed, followed_pages, what_it_was_about
from clinic_server.paging.office import PagingOffice
from clinic_server.paging.rules import PAGING, HowAnswered
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
                await db.write(lambda tx, one=one, outcome=outcome: hear(tx, one, outcome), _FOLLOWER)  # type: ignore[misc]


def hear(tx: Tx, one: Followed, outcome: Outcome) -> None:
    """Write down how far a page got; an answer counts for every alert it told of, or for the weekly test."""
    record_news(tx, one.attempt_id, outcome)
    if outcome.reached is Reached.REPLIED and one.due_id and one.contact_id:
        about = what_it_was_about(tx.connection, one.due_id)
        for number in about.alert_numbers:
            acknowledge_by_contact(tx, number, one.contact_id, AnswerWay.PAGER)
        if about.test_id is not None:
            answer_test(tx, Answered(about.test_id, one.contact_id), HowAnswered.PAGER)
    tx.journal("page_followed", one.attempt_id, PAGING, ALERTS)


def _is_news(one: Followed, outcome: Outcome) -> bool:
    """Tell whether more is known than before; that the way there failed for once is no news of the page."""
    is_known = outcome.reached is one.reached or outcome.reached in (Reached.UNCONFIRMED, Reached.FAILED)
    return not is_known or outcome.reply is not None
