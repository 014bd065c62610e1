"""The weekly test page: on its own day and hour, through every channel to everybody, never two in a week."""

from datetime import date
from typing import Final

from clinic_server.alerts.contacts import contacts
from clinic_server.alerts.due import ask_test_pages
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.actions import begin_test
from clinic_server.paging.lookup import tests_begun
from clinic_server.paging.rules import test_slot

LOOKS_EVERY_S: Final = 30.0
_TESTER: Final = system_actor("weekly test")


class WeeklyTest(Watcher):
    """Has the test pages sent between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("weekly test", every_s)
        self._house = house

    async def look(self) -> None:
        """Begin the test that is due."""
        db, paging, zone = self._house.db, self._house.settings.paging, self._house.settings.site.zone
        begun = await db.read(tests_begun)
        due_on = test_slot(db.clock.now().astimezone(zone), paging.test_weekday, paging.test_at, begun)
        if due_on is not None:
            await db.write(lambda tx: begin_round(tx, due_on), _TESTER)


def begin_round(tx: Tx, due_on: date) -> None:
    """Begin a test and make its page due to everybody who can be paged."""
    whom = [one.contact_id for one in contacts(tx.connection, tx.keyring)]
    ask_test_pages(tx, whom, begin_test(tx, due_on))
