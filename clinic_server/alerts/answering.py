"""Answering an alert: acknowledged by a named person with a comment, or only heard. Neither ever ends it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.alerts.calling import keep_standing
from clinic_server.alerts.contacts import require_contact
from clinic_server.alerts.ladder import Standing, answered
from clinic_server.alerts.ladders import shipped
from clinic_server.alerts.outbox import drop_pages
from clinic_server.alerts.rules import ALERTS, AlertIsClosed, AlertState, AlertUnknown, AnswerWay, CommentNeeded
from clinic_server.alerts.tables import AlertAnswered, alert_answered, alert_now
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in


@dataclass(frozen=True, slots=True)
class Answered:
    """Until when an alert is silent; ``needs_comment`` where somebody heard it and nobody has said what they do."""

    number: int
    silent_until: datetime
    needs_comment: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    way: AnswerWay
    comment: str | None
    staff_id: UUID | None = None
    contact_id: UUID | None = None


def acknowledge(tx: Tx, number: int, comment: str, way: AnswerWay = AnswerWay.PAGE) -> Answered:
    """Acknowledge an alert as the signed-in person; raise AlertUnknown, AlertIsClosed or CommentNeeded."""
    staff_id = require_signed_in(tx)
    return _answer(tx, number, _Answer(way, required(comment), staff_id=staff_id))


def acknowledge_by_contact(
    tx: Tx, number: int, contact_id: UUID, way: AnswerWay, comment: str | None = None
) -> Answered:
    """Take a contact's answer: a pager's bare reply only stops the ladder for a short while.

    Raises ContactUnknown, AlertUnknown or AlertIsClosed.
    """
    require_contact(tx.connection, contact_id)
    return _answer(tx, number, _Answer(way, (comment or "").strip() or None, contact_id=contact_id))


def required(comment: str) -> str:
    """Return a comment without the blanks around it, or raise CommentNeeded."""
    if not comment.strip():
        raise CommentNeeded
    return comment.strip()


def needs_comment(connection: Connection, alert_id: UUID) -> bool:
    """Tell whether somebody heard an alert and nobody has said yet what they do about it."""
    answers = exists().where(alert_answered.c.alert_id == alert_id)
    commented = answers.where(alert_answered.c.comment.is_not(None))
    row = connection.execute(select(answers, commented)).one()
    return bool(row[0] and not row[1])


def _answer(tx: Tx, number: int, answer: _Answer) -> Answered:
    before = _require_open(tx.connection, number)
    after = answered(before, has_comment=answer.comment is not None, ladder=shipped(), now=tx.now)
    tx.append(AlertAnswered, alert_id=before.alert_id, **asdict(answer), answered_at=tx.now)
    keep_standing(tx, after)
    drop_pages(tx, before.alert_id)
    tx.journal("alert_acknowledged" if answer.comment else "alert_heard", before.alert_id, ALERTS)
    return Answered(number, after.hushed_until or tx.now, needs_comment(tx.connection, before.alert_id))


def _require_open(connection: Connection, number: int) -> Standing:
    columns = (alert_now.c[name] for name in Standing.__dataclass_fields__)
    row = connection.execute(select(*columns).where(alert_now.c.number == number)).first()
    if row is None:
        raise AlertUnknown
    standing = Standing(*row)
    if standing.state is AlertState.CLOSED:
        raise AlertIsClosed
    return standing
