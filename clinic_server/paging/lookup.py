"""The channels that are in use, and how far the latest pages got."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from clinic_server.alerts.due import DuePage
from clinic_server.alerts.rules import DueKind
from clinic_server.alerts.tables import alert_now, page_due
from clinic_server.kit.crypto import Keyring
from clinic_server.paging.rules import (
    TAKEN,
    ChannelUnknown,
    is_final,
)
from clinic_server.paging.tables import channel, channel_ended, page_attempt, page_news, page_test
from devices.pagers.page import PagerSpec, Reached

MOST_ATTEMPTS: Final = 200
MOST_TESTS: Final = 8


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """A channel in use; ``spec`` holds its secrets, which no page shows again."""

    row_id: UUID
    code: str
    kind: str
    options: Mapping[str, str]
    set_at: datetime
    spec: PagerSpec = field(repr=False)


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """How far the last page through a channel got."""

    channel_code: str
    reached: Reached
    reason: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptShown:
    """One attempt to page somebody: what for, and how far it got by now."""

    attempt_id: UUID
    kind: DueKind | None
    alert_numbers: tuple[int, ...]
    contact_id: UUID | None
    channel_code: str
    reached: Reached
    reason: str
    attempted_at: datetime
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Followed:
    """A page that may still get further; ``ref`` is the service's own name for it."""

    attempt_id: UUID
    due_id: UUID | None
    contact_id: UUID | None
    channel_code: str
    reached: Reached
    ref: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class About:
    """What a page told of: alerts by their numbers, or a weekly test."""

    alert_numbers: tuple[int, ...]
    test_id: UUID | None


def stored_channels(connection: Connection, keyring: Keyring) -> Sequence[StoredChannel]:
    """Return the channels in use by their codes: of each code the latest, unless that one was ended."""
    latest = select(func.max(channel.c.journal_seq)).group_by(channel.c.code)
    rows = connection.execute(
        select(channel)
        .outerjoin(channel_ended, channel_ended.c.channel_id == channel.c.id)
        .where(channel_ended.c.id.is_(None), channel.c.journal_seq.in_(latest))
        .order_by(channel.c.code)
    )
    return [_channel(row, keyring) for row in rows]


def channel_by_code(connection: Connection, keyring: Keyring, code: str) -> StoredChannel:
    """Return a channel in use, or raise ChannelUnknown."""
    held = next((one for one in stored_channels(connection, keyring) if one.code == code), None)
    if held is None:
        raise ChannelUnknown
    return held


def last_attempts(connection: Connection) -> Mapping[str, LastAttempt]:
    """Return how the last page through each channel ended."""
    latest = select(func.max(page_attempt.c.journal_seq)).group_by(page_attempt.c.channel_code)
    attempt = page_attempt.c
    rows = connection.execute(
        select(attempt.channel_code, attempt.reached, attempt.reason, attempt.attempted_at)
        .where(attempt.journal_seq.in_(latest))
        .order_by(attempt.id)
    )
    return {row.channel_code: LastAttempt(*row) for row in rows}


def _channel(row: Any, keyring: Keyring) -> StoredChannel:
    way = json.loads(keyring.open(row.way_sealed, f"channel:way:{row.id}"))
    options = json.loads(row.options_json)
    spec = PagerSpec(row.code, row.kind, way["url"], options, way["secrets"])
    return StoredChannel(row.id, row.code, row.kind, options, row.set_at, spec)


def taken_already(connection: Connection, pages: Sequence[DuePage]) -> Mapping[UUID, frozenset[str]]:
    """Return which channels took a weekly test that is sent again: it goes to all of a contact's, once to each."""
    again = [one.due_id for one in pages if one.kind is DueKind.TEST and one.tries > 1]
    attempt = page_attempt.c
    rows = connection.execute(
        select(attempt.due_id, attempt.channel_code).where(attempt.due_id.in_(again), attempt.reached.in_(TAKEN))
    ).all()
    return {due_id: frozenset(row.channel_code for row in rows if row.due_id == due_id) for due_id in again}


def attempts(connection: Connection, *, due_ids: Sequence[UUID] | None = None) -> Sequence[AttemptShown]:
    """Return the latest attempts, or all of some pages, the latest first, each with what was heard of it since."""
    asked = select(page_attempt).order_by(page_attempt.c.journal_seq.desc(), page_attempt.c.id)
    asked = asked.limit(MOST_ATTEMPTS) if due_ids is None else asked.where(page_attempt.c.due_id.in_(due_ids))
    rows = connection.execute(asked).all()
    heard = _latest_news(connection, [row.id for row in rows])
    told = _told_of(connection, {row.due_id for row in rows if row.due_id})
    return [_attempt(row, heard, told) for row in rows]


def attempts_about(connection: Connection, alert_number: int) -> Sequence[AttemptShown]:
    """Return every attempt to page somebody about an alert, the latest first."""
    due = page_due.c
    rows = connection.execute(
        select(due.id, due.lead_id)
        .join(alert_now, alert_now.c.alert_id == due.alert_id)
        .where(alert_now.c.number == alert_number)
    )
    return attempts(connection, due_ids=list({due_id for row in rows for due_id in row if due_id}))


def followed_pages(connection: Connection, keyring: Keyring, since: datetime) -> Sequence[Followed]:
    """Return the pages sent since then that may still get further, the earliest first."""
    attempt = page_attempt.c
    asked = select(page_attempt).where(attempt.ref_sealed.is_not(None), attempt.attempted_at > since)
    rows = connection.execute(asked.order_by(attempt.journal_seq)).all()
    heard = _latest_news(connection, [row.id for row in rows])
    return [
        Followed(row.id, row.due_id, row.contact_id, row.channel_code, reached, _opened(keyring, row))
        for row in rows
        if not is_final(reached := heard[row.id].reached if row.id in heard else row.reached)
    ]


def what_it_was_about(connection: Connection, due_id: UUID) -> About:
    """Return what a page told of."""
    kind, numbers = _told_of(connection, {due_id}).get(due_id, (None, ()))
    if kind is not DueKind.TEST:
        return About(numbers, None)
    of_round = select(page_test.c.id).join(page_due, page_due.c.round == page_test.c.number)
    return About((), connection.execute(of_round.where(page_due.c.id == due_id)).scalar())


def _attempt(row: Any, heard: Mapping[UUID, Any], told: Mapping[UUID, tuple[DueKind, tuple[int, ...]]]) -> AttemptShown:
    news = heard.get(row.id)
    kind, numbers = told.get(row.due_id, (None, ()))
    return AttemptShown(
        row.id,
        kind,
        numbers,
        row.contact_id,
        row.channel_code,
        news.reached if news else row.reached,
        row.reason,
        row.attempted_at,
        news.heard_at if news else None,
    )


def _latest_news(connection: Connection, attempt_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    asked = select(page_news.c.attempt_id, page_news.c.reached, page_news.c.heard_at)
    rows = connection.execute(asked.where(page_news.c.attempt_id.in_(attempt_ids)).order_by(page_news.c.journal_seq))
    return {row.attempt_id: row for row in rows}


def _told_of(connection: Connection, due_ids: set[UUID]) -> Mapping[UUID, tuple[DueKind, tuple[int, ...]]]:
    """Return of each page what it was for, and the numbers of the alerts it told of."""
    due = page_due.c
    asked: Select[Any] = select(due.id, due.lead_id, due.kind, alert_now.c.number).outerjoin(
        alert_now, alert_now.c.alert_id == due.alert_id
    )
    told: dict[UUID, tuple[DueKind, tuple[int, ...]]] = {}
    is_of_them = due.lead_id.in_(due_ids) | due.id.in_(due_ids)  # a page sent again may have got another lead
    for row in connection.execute(asked.where(is_of_them).order_by(alert_now.c.number)):
        for due_id in due_ids & {row.id, row.lead_id}:
            _, numbers = told.get(due_id, (row.kind, ()))
            told[due_id] = (row.kind, numbers if row.number is None else (*numbers, row.number))
    return told


def _opened(keyring: Keyring, row: Any) -> str:
    return keyring.open(row.ref_sealed, f"page_attempt:ref:{row.id}")
