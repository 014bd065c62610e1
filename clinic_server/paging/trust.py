"""How the weekly tests went, and whether an alarm would be heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.alerts.contacts import contacts
from clinic_server.alerts.rules import DueKind, DueState
from clinic_server.alerts.tables import page_due
from clinic_server.kit.crypto import Keyring
from clinic_server.paging.lookup import AttemptShown, attempts, last_attempts, stored_channels
from clinic_server.paging.rules import ANSWER_WITHIN, TAKEN, ChannelStanding, Hearing, HowAnswered
from clinic_server.paging.tables import page_test, page_test_answer
from devices.pagers.page import Reached

MOST_TESTS: Final = 8


@dataclass(frozen=True, slots=True)
class Tested:
    """How one person stands in a weekly test: how far it got by each channel, and whether they answered."""

    contact_id: UUID
    reached: Mapping[str, Reached]
    answered: HowAnswered | None
    answered_at: datetime | None

    @property
    def is_reached(self) -> bool:
        """Tell whether every channel that was tried took the page, and one was tried."""
        return bool(self.reached) and all(one in TAKEN for one in self.reached.values())


@dataclass(frozen=True, slots=True)
class WeeklyTestSeen:
    """A weekly test and everybody it went to."""

    test_id: UUID
    number: int
    due_on: date
    begun_at: datetime
    people: Sequence[Tested]


def tests_begun(connection: Connection) -> Sequence[datetime]:
    """Return when the latest weekly tests began."""
    rows = connection.execute(select(page_test.c.begun_at).order_by(page_test.c.number.desc()).limit(MOST_TESTS))
    return rows.scalars().all()


def tests(connection: Connection) -> Sequence[WeeklyTestSeen]:
    """Return the latest weekly tests and how each went, the latest first."""
    rows = connection.execute(select(page_test).order_by(page_test.c.number.desc()).limit(MOST_TESTS)).all()
    return [WeeklyTestSeen(row.id, row.number, row.due_on, row.begun_at, _people(connection, row)) for row in rows]


def hearing(connection: Connection, keyring: Keyring, now: datetime) -> Hearing:
    """Return what decides whether an alarm would be heard."""
    last = last_attempts(connection)
    channels = [
        ChannelStanding(one.code, last[one.code].reached if one.code in last else None)
        for one in stored_channels(connection, keyring)
    ]
    latest = next(iter(tests(connection)), None)
    is_over = latest is not None and now - latest.begun_at > ANSWER_WITHIN
    return Hearing(
        channels,
        sum(bool(one.addresses) for one in contacts(connection, keyring)),
        _undelivered(connection, now - timedelta(days=1)),
        latest.begun_at if latest else None,
        sum(one.answered is None for one in latest.people) if latest and is_over else 0,
    )


def _people(connection: Connection, test: Any) -> Sequence[Tested]:
    due = page_due.c
    rows = connection.execute(
        select(due.id, due.contact_id)
        .where(due.kind == DueKind.TEST, due.round == test.number)
        .order_by(due.contact_id)
    ).all()
    tried = attempts(connection, due_ids=[row.id for row in rows])
    answer = page_test_answer.c
    answers = {
        row.contact_id: row
        for row in connection.execute(
            select(answer.contact_id, answer.way, answer.answered_at).where(answer.test_id == test.id)
        )
    }
    return [_tested(row.contact_id, tried, answers.get(row.contact_id)) for row in rows]


def _tested(contact_id: UUID, tried: Sequence[AttemptShown], answer: Any) -> Tested:
    own = [one for one in reversed(tried) if one.contact_id == contact_id]
    reached = {one.channel_code: one.reached for one in own}
    return Tested(contact_id, reached, answer.way if answer else None, answer.answered_at if answer else None)


def _undelivered(connection: Connection, since: datetime) -> int:
    due = page_due.c
    vain = (due.state == DueState.DONE) & due.is_reached.is_(False) & (due.kind != DueKind.TEST)
    return connection.execute(select(func.count()).select_from(page_due).where(vain, due.asked_at > since)).scalar_one()
