"""Setting up channels, writing down how far each page got, and the weekly test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from clinic_server.alerts.contacts import require_contact, standing_ids
from clinic_server.alerts.outbox import ask_test_pages
from clinic_server.alerts.raising import close, open_alerts, raise_alarm
from clinic_server.alerts.rules import ALERTS, Alarm, AlertKind, CloseReason, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.tx import Tx
from clinic_server.paging.lookup import channel_by_code
from clinic_server.paging.rules import (
    PAGING,
    REHEARSED_FOR,
    ChannelRefused,
    HowAnswered,
    NoSuchTest,
    RehearsalRunning,
)
from clinic_server.paging.tables import (
    MOST_OPTIONS,
    MOST_REASON,
    Channel,
    ChannelEnded,
    PageAttempt,
    PageNews,
    PageTest,
    PageTestAnswer,
    page_test,
    page_test_answer,
)
from devices.errors import SpecRefused
from devices.pagers.page import Outcome, PagerSpec
from devices.pagers.registry import pager_for


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel as it is typed in. Its address is a secret too: whoever knows a robot's may write to its group."""

    code: str
    kind: str
    url: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """Which channel an action was about."""

    code: str


@dataclass(frozen=True, slots=True)
class AlertRef:
    """Which alert an action was about."""

    alert_id: UUID


@dataclass(frozen=True, slots=True)
class Attempt:
    """One page that was handed to a channel: what for, to whom, and the channel's answer."""

    channel_code: str
    outcome: Outcome
    due_id: UUID | None = None
    contact_id: UUID | None = None


def set_up_channel(tx: Tx, new: NewChannel) -> ChannelRef:
    """Set a channel up, or anew under its code; refuses what no driver can work with."""
    _refuse_what_cannot_work(new)
    row_id = tx.new_id()
    way = json.dumps({"url": new.url, "secrets": dict(new.secrets)})
    tx.append(
        Channel,
        id=row_id,
        code=new.code,
        kind=new.kind,
        way_sealed=tx.keyring.seal(way, f"channel:way:{row_id}"),
        options_json=json.dumps(dict(new.options), sort_keys=True, ensure_ascii=False),
        set_at=tx.now,
    )
    tx.journal("channel_set_up", row_id, PAGING)
    return ChannelRef(new.code)


def end_channel(tx: Tx, code: str) -> ChannelRef:
    """Use a channel no more, or raise ChannelUnknown."""
    held = channel_by_code(tx.connection, tx.keyring, code)
    tx.append(ChannelEnded, channel_id=held.row_id, ended_at=tx.now)
    tx.journal("channel_ended", held.row_id, PAGING)
    return ChannelRef(code)


def record_attempt(tx: Tx, attempt: Attempt) -> UUID:
    """Write down one attempt; the caller journals."""
    outcome, row_id = attempt.outcome, tx.new_id()
    tx.append(
        PageAttempt,
        id=row_id,
        due_id=attempt.due_id,
        contact_id=attempt.contact_id,
        channel_code=attempt.channel_code,
        reached=outcome.reached,
        reason=outcome.reason[:MOST_REASON],
        ref_sealed=_sealed(tx, outcome.ref, f"page_attempt:ref:{row_id}"),
        attempted_at=tx.now,
    )
    if outcome.reply is not None:
        _append_news(tx, row_id, outcome)
    return row_id


def record_news(tx: Tx, attempt_id: UUID, outcome: Outcome) -> None:
    """Write down how far an earlier page got by now."""
    _append_news(tx, attempt_id, outcome)
    tx.journal("page_followed", attempt_id, PAGING, ALERTS)


def record_trial(tx: Tx, code: str, outcome: Outcome) -> None:
    """Write down what came of a channel's test button."""
    tx.journal("channel_tried", record_attempt(tx, Attempt(code, outcome)), PAGING)


def begin_test(tx: Tx, due_on: date) -> int:
    """Begin the weekly test of a day, unless it has begun, and make its page due to everybody; return its number."""
    begun = tx.execute(select(page_test.c.number).where(page_test.c.due_on == due_on)).scalar()
    if begun is not None:
        return int(begun)
    number: int = 1 + tx.execute(select(func.coalesce(func.max(page_test.c.number), 0))).scalar_one()
    test_id = tx.append(PageTest, number=number, due_on=due_on, begun_at=tx.now)
    ask_test_pages(tx, standing_ids(tx.connection), number)
    tx.journal("page_test_begun", test_id, PAGING, ALERTS)
    return number


def rehearse(tx: Tx) -> AlertRef:
    """Raise an alarm that is none, through everything an alarm goes through; raises RehearsalRunning."""
    if any(one.kind is AlertKind.REHEARSAL for one in open_alerts(tx.connection)):
        raise RehearsalRunning
    alert_id = raise_alarm(tx, Alarm(AlertKind.REHEARSAL, Severity.ALARM, tell(Phrase.REHEARSED)))
    tx.journal("rehearsal_begun", alert_id, ALERTS, PAGING)
    return AlertRef(alert_id)


def end_rehearsals(tx: Tx) -> None:
    """End the rehearsals whose time is over."""
    for one in open_alerts(tx.connection):
        if one.kind is AlertKind.REHEARSAL and tx.now - one.opened_at >= REHEARSED_FOR:
            close(tx, one.alert_id, CloseReason.REHEARSED)
            tx.journal("rehearsal_ended", one.alert_id, ALERTS, PAGING)


@dataclass(frozen=True, slots=True)
class Answered:
    """Whose answer to which test is written down."""

    test_id: UUID
    contact_id: UUID


def note_test_answer(tx: Tx, test_id: UUID, contact_id: UUID) -> Answered:
    """Note for somebody that they got the weekly test; raises NoSuchTest, ContactUnknown."""
    if tx.execute(select(page_test.c.id).where(page_test.c.id == test_id)).first() is None:
        raise NoSuchTest
    require_contact(tx.connection, contact_id)
    return _answer(tx, Answered(test_id, contact_id), HowAnswered.NOTED)


def answered_by_pager(tx: Tx, answered: Answered) -> Answered:
    """Write down that somebody's pager answered the weekly test."""
    return _answer(tx, answered, HowAnswered.PAGER)


def _answer(tx: Tx, answered: Answered, way: HowAnswered) -> Answered:
    """Write down an answer, the first one only."""
    answer = page_test_answer.c
    known = select(answer.id).where(answer.test_id == answered.test_id, answer.contact_id == answered.contact_id)
    if tx.execute(known).first() is None:
        whose = {"test_id": answered.test_id, "contact_id": answered.contact_id}
        tx.append(PageTestAnswer, **whose, way=way, answered_at=tx.now)
        tx.journal("page_test_answered", answered.test_id, PAGING)
    return answered


def _append_news(tx: Tx, attempt_id: UUID, outcome: Outcome) -> None:
    row_id = tx.new_id()
    tx.append(
        PageNews,
        id=row_id,
        attempt_id=attempt_id,
        reached=outcome.reached,
        reply_sealed=_sealed(tx, outcome.reply, f"page_news:reply:{row_id}"),
        heard_at=tx.now,
    )


def _refuse_what_cannot_work(new: NewChannel) -> None:
    try:
        pager_for(PagerSpec(new.code, new.kind, new.url, dict(new.options), dict(new.secrets)))
    except SpecRefused as error:
        at_fault = {"address": "url", "option": "options"}.get(error.about, error.about)
        raise ChannelRefused(findings=[at_fault] * bool(at_fault), reason=_without_secrets(error.reason, new)) from None
    if len(json.dumps(dict(new.options), ensure_ascii=False)) > MOST_OPTIONS:
        raise ChannelRefused(findings=["options"], reason=f"options have {MOST_OPTIONS} characters at most")


def _without_secrets(reason: str, new: NewChannel) -> str:
    """Return a driver's sentence, unless it repeats what was typed in confidence."""
    confided = (new.url, *new.secrets.values())
    return "" if any(word and word in reason for word in confided) else reason


def _sealed(tx: Tx, words: str | None, context: str) -> bytes | None:
    return None if words is None else tx.keyring.seal(words, context)
