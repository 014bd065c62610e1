"""Answering the questions without signing in: on a tablet the desk hands over, or at a kiosk by the desk's code.

A link is one random-looking address for one round of one visit. Only its id is stored; address and code are made
from that id with the site's key, so that neither a copy of the database nor a log lets anybody in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, exists, func, select

from clinic_server.kit.codes import code_of, id_in_token, is_code, token_of
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Conflict, NotFound
from clinic_server.kit.tx import Tx
from clinic_server.screening.actions import Answered, Further, record_screening
from clinic_server.screening.adoption import rule_set_in_use
from clinic_server.screening.decisions import Channel
from clinic_server.screening.follow_ups import Details
from clinic_server.screening.rules import Answer, Measurements
from clinic_server.screening.tables import AnsweredByLink, AnswerLink, answer_link, answered_by_link
from clinic_server.visits.flow import Outcome, advance
from clinic_server.visits.steps import VISITS, stage_of
from clinic_server.visits.tables import visit_step

LINK_LIVES: Final = timedelta(minutes=15)
_PURPOSE: Final = "answer_link"
_NO_DETAILS: Final[Details] = {}


class AnswerLinkUnknown(NotFound):
    """No link has this address or code: mistyped, or made up."""

    code = "answer_link_unknown"


class AnswerLinkUsed(Conflict):
    """The questions were answered by this link; it serves once."""

    code = "answer_link_used"


class AnswerLinkEnded(Conflict):
    """The link's time is over, a newer one was made, or the visit went on without it."""

    code = "answer_link_ended"


@dataclass(frozen=True, slots=True)
class LinkIssued:
    """A link as recorded, in words that may be stored for a replay: neither address nor code."""

    link_id: UUID
    visit_id: UUID
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the desk sees it."""

    link_id: UUID
    visit_id: UUID
    programme: str | None
    valid_until: datetime
    token: str = field(repr=False)
    code: str = field(repr=False)

    def path(self, channel: Channel) -> str:
        """Return the address on this server under which the questions are answered."""
        return f"/answers/{channel.value}/{self.token}"


def issue_link(tx: Tx, visit_id: UUID, programme: str | None = None) -> LinkIssued:
    """Let the person answer a programme's questions by a link; the ones made before for this visit end."""
    advance(stage_of(tx, visit_id), Outcome.ANSWERED)
    rule_set_in_use(tx.connection, programme, tx.local_date)
    valid_until = tx.now + LINK_LIVES
    link_id = tx.append(
        AnswerLink, visit_id=visit_id, programme=programme, valid_until=valid_until, issued_by=tx.actor.staff_id
    )
    tx.journal("answer_link_issued", link_id)
    return LinkIssued(link_id, visit_id, valid_until)


def answer_by_link(
    tx: Tx, link_id: UUID, channel: Channel, answers: Mapping[str, Answer], details: Details = _NO_DETAILS
) -> Answered:
    """Record what the person answered; the link is used up by it."""
    link = require_link(tx.connection, tx.keyring, link_id, tx.now)
    answered = record_screening(tx, link.visit_id, answers, Measurements(), Further(details, link.programme))
    tx.append(AnsweredByLink, link_id=link_id, screening_id=answered.screening_id, channel=channel)
    tx.journal("answered_by_link", link_id, VISITS)
    return answered


def link_of_token(keyring: Keyring, token: str) -> UUID:
    """Return which link an address names, or raise AnswerLinkUnknown."""
    link_id = id_in_token(keyring, _PURPOSE, token)
    if link_id is None:
        raise AnswerLinkUnknown
    return link_id


def link_of_code(connection: Connection, keyring: Keyring, typed: str, now: datetime) -> Link:
    """Return the standing link whose code was typed, however spaced, or raise AnswerLinkUnknown."""
    rows = connection.execute(select(answer_link.c.id).where(answer_link.c.valid_until > now))
    for (link_id,) in rows:
        if is_code(keyring, _PURPOSE, link_id, typed):
            return require_link(connection, keyring, link_id, now)
    raise AnswerLinkUnknown


def require_link(connection: Connection, keyring: Keyring, link_id: UUID, now: datetime) -> Link:
    """Return a link that may be answered by now, or raise AnswerLinkUnknown, AnswerLinkUsed or AnswerLinkEnded."""
    newer = answer_link.alias()
    row = connection.execute(
        select(
            answer_link.c.visit_id,
            answer_link.c.programme,
            answer_link.c.valid_until,
            exists().where(answered_by_link.c.link_id == answer_link.c.id).label("is_used"),
            exists()
            .where(
                visit_step.c.visit_id == answer_link.c.visit_id, visit_step.c.journal_seq > answer_link.c.journal_seq
            )
            .label("went_on"),
            select(func.max(newer.c.journal_seq))
            .where(newer.c.visit_id == answer_link.c.visit_id, newer.c.journal_seq > answer_link.c.journal_seq)
            .scalar_subquery()
            .label("newer_seq"),
        ).where(answer_link.c.id == link_id)
    ).first()
    if row is None:
        raise AnswerLinkUnknown
    if row.is_used:
        raise AnswerLinkUsed
    if row.went_on or row.newer_seq is not None or row.valid_until <= now:
        raise AnswerLinkEnded
    token, code = token_of(keyring, _PURPOSE, link_id), code_of(keyring, _PURPOSE, link_id)
    return Link(link_id, row.visit_id, row.programme, row.valid_until, token, code)
