"""The channels, every attempt to page somebody through them, what was heard of it later, and the weekly tests."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.paging.rules import HowAnswered
from devices.pagers.page import Reached

MOST_OPTIONS: Final = 2000
MOST_REASON: Final = 80


class Channel(Record, table=True):
    """A channel as an administrator set it up; the latest of a code counts. Address and secrets are sealed together."""

    __tablename__ = "channel"
    __table_args__ = (Index(None, "code"),)

    code: str = text(32)
    kind: str = text(32)
    way_sealed: bytes = sealed()
    options_json: str = text(MOST_OPTIONS)
    set_at: datetime = instant()


class ChannelEnded(Record, table=True):
    """A channel is not used any more."""

    __tablename__ = "channel_ended"

    channel_id: UUID = Field(foreign_key="channel.id", unique=True)
    ended_at: datetime = instant()


class PageTest(Record, table=True):
    """A weekly test, for the day it was due on; its pages are due in the round of its number."""

    __tablename__ = "page_test"

    number: int = Field(unique=True)
    due_on: date = Field(unique=True)
    begun_at: datetime = instant()


class PageAttempt(Record, table=True):
    """One page handed to one channel, and how far it got; a mere trial has no ``due_id``."""

    __tablename__ = "page_attempt"
    __table_args__ = (Index(None, "due_id"), Index(None, "channel_code", "journal_seq"))

    due_id: UUID | None = None
    contact_id: UUID | None = Field(default=None, foreign_key="alert_contact.id")
    channel_code: str = text(32)
    reached: Reached = one_of(Reached)
    reason: str = text(MOST_REASON)
    ref_sealed: bytes | None = sealed(nullable=True, default=None)
    attempted_at: datetime = instant()


class PageNews(Record, table=True):
    """What was heard of a page after it was sent: delivered, read, answered, expired."""

    __tablename__ = "page_news"
    __table_args__ = (Index(None, "attempt_id"),)

    attempt_id: UUID = Field(foreign_key="page_attempt.id")
    reached: Reached = one_of(Reached)
    reply_sealed: bytes | None = sealed(nullable=True, default=None)
    heard_at: datetime = instant()


class PageTestAnswer(Record, table=True):
    """Somebody got the weekly test, as their pager says or as a keeper noted."""

    __tablename__ = "page_test_answer"
    __table_args__ = (UniqueConstraint("test_id", "contact_id"),)

    test_id: UUID = Field(foreign_key="page_test.id")
    contact_id: UUID = Field(foreign_key="alert_contact.id")
    way: HowAnswered = one_of(HowAnswered)
    answered_at: datetime = instant()


channel = table_of(Channel)
channel_ended = table_of(ChannelEnded)
page_test = table_of(PageTest)
page_attempt = table_of(PageAttempt)
page_news = table_of(PageNews)
page_test_answer = table_of(PageTestAnswer)
