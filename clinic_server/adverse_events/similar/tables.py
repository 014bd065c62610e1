"""Similar events that gathered, which of them belong, and what was found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text


class SimilarEvents(Record, table=True):
    """Similar events gathered round one thing: one row for each thing and group, found by these limits."""

    __tablename__ = "similar_events"
    __table_args__ = (UniqueConstraint("scope", "code", "kind_group"),)

    number: int = Field(unique=True)
    scope: SimilarScope = one_of(SimilarScope)
    code: str = text(90)
    kind_group: KindGroup = one_of(KindGroup)
    limits: str = text(50)
    found_at: datetime = instant()


class SimilarEventJoined(Record, table=True):
    """An event belongs to those that gathered; what is said of it later does not undo that."""

    __tablename__ = "similar_event_joined"
    __table_args__ = (UniqueConstraint("similar_id", "event_id"),)

    similar_id: UUID = Field(foreign_key="similar_events.id")
    event_id: UUID = Field(foreign_key="adverse_event.id", index=True)
    joined_at: datetime = instant()


class SimilarEventsSettled(Record, table=True):
    """Somebody said what was found and done; another event that joins calls anew."""

    __tablename__ = "similar_events_settled"

    similar_id: UUID = Field(foreign_key="similar_events.id", index=True)
    words_sealed: bytes = sealed()
    settled_by: UUID = Field(foreign_key="staff.id")
    settled_at: datetime = instant()


similar_events = table_of(SimilarEvents)
similar_event_joined = table_of(SimilarEventJoined)
similar_events_settled = table_of(SimilarEventsSettled)
