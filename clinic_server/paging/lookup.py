"""The channels that are in use, and how far the latest pages got."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.alerts.due import DuePage
from clinic_server.alerts.rules import DueKind
from clinic_server.kit.crypto import Keyring
from clinic_server.paging.rules import TAKEN, ChannelUnknown
from clinic_server.paging.tables import channel, channel_ended, page_attempt
from devices.pagers.page import PagerSpec, Reached


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
