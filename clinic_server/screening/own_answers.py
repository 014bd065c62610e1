"""Answering the questions without signing in: on a tablet the desk hands over, or at a kiosk by the desk's code.

A link is one random-looking address for one round of one visit. Only its id is stored; address and code are made
from that id with the site's key, so that neither a copy of the database nor a log lets anybody in.
"""

import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, exists, func, select

from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import ClinicError, Conflict, NotFound
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
MOST_WRONG_CODES: Final = 10
WRONG_CODES_COUNT_S: Final = 60.0
_CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none is taken for another
_CODE_LENGTH: Final = 6
_ID_DIGITS: Final = 32
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


class TooManyCodes(ClinicError):
    """Too many wrong codes came from one place in a minute."""

    code = "too_many_codes"
    status = 429


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


class WrongCodes:
    """How many wrong codes came from where in the last minute; lives on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def refuse_more(self, origin: str) -> None:
        """Raise TooManyCodes once a place has typed as many wrong codes as nobody does by mistake."""
        self._forget_old_ones()
        if len(self._wrong.get(origin, ())) >= MOST_WRONG_CODES:
            raise TooManyCodes

    def note(self, origin: str) -> None:
        """Count a wrong code."""
        self._wrong.setdefault(origin, deque(maxlen=MOST_WRONG_CODES)).append(self._clock.monotonic())

    def _forget_old_ones(self) -> None:
        since_s = self._clock.monotonic() - WRONG_CODES_COUNT_S
        for origin, times in list(self._wrong.items()):
            while times and times[0] <= since_s:
                times.popleft()
            if not times:
                del self._wrong[origin]


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
    try:
        link_id = UUID(token[:_ID_DIGITS])
    except ValueError:
        raise AnswerLinkUnknown from None
    if not hmac.compare_digest(_token_of(keyring, link_id).encode(), token.encode()):
        raise AnswerLinkUnknown
    return link_id


def link_of_code(connection: Connection, keyring: Keyring, typed: str, now: datetime) -> Link:
    """Return the standing link whose code was typed, however spaced, or raise AnswerLinkUnknown."""
    code = "".join(letter for letter in typed.upper() if letter.isalnum())
    rows = connection.execute(select(answer_link.c.id).where(answer_link.c.valid_until > now))
    for (link_id,) in rows:
        if hmac.compare_digest(_code_of(keyring, link_id).encode(), code.encode()):
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
    token, code = _token_of(keyring, link_id), _code_of(keyring, link_id)
    return Link(link_id, row.visit_id, row.programme, row.valid_until, token, code)


def _token_of(keyring: Keyring, link_id: UUID) -> str:
    return link_id.hex + keyring.blind_index("answer_link.token", link_id.hex).hex()


def _code_of(keyring: Keyring, link_id: UUID) -> str:
    number = int.from_bytes(keyring.blind_index("answer_link.code", link_id.hex))
    letters = []
    for _ in range(_CODE_LENGTH):
        number, place = divmod(number, len(_CODE_LETTERS))
        letters.append(_CODE_LETTERS[place])
    return "".join(letters)
