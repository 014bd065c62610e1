"""An answer that came by pager: it counts for every alert its page told of, or for the weekly test."""

from contextlib import suppress
from typing import Final
from uuid import UUID

from clinic_server.alerts.answering import acknowledge_by_contact
from clinic_server.alerts.rules import AlertIsClosed, AnswerWay, ContactUnknown
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.paging.actions import Answered, answered_by_pager
from clinic_server.paging.lookup import what_it_was_about

PAGERS: Final = system_actor("pagers")


async def pass_on(db: Database, due_id: UUID, contact_id: UUID) -> None:
    """Pass an answer on; whoever does so writes the page's own news afterwards, so that a kill loses no answer."""
    about = await db.read(lambda connection: what_it_was_about(connection, due_id))
    for number in about.alert_numbers:
        await _answer(db, number, contact_id)
    if (test_id := about.test_id) is not None:
        await db.write(lambda tx: answered_by_pager(tx, Answered(test_id, contact_id)), PAGERS)


async def _answer(db: Database, number: int, contact_id: UUID) -> None:
    with suppress(AlertIsClosed, ContactUnknown):  # it is over, or no longer theirs to answer
        await db.write(lambda tx: acknowledge_by_contact(tx, number, contact_id, AnswerWay.PAGER), PAGERS)
