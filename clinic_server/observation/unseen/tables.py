"""Who left unseen, and each try to reach them. Words are sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of
from clinic_server.observation.unseen.rules import FollowUp


class LeftUnseen(Record, table=True):
    """A nurse noticed that somebody under observation is gone."""

    __tablename__ = "left_unseen"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    minutes_short: int
    words_sealed: bytes = sealed()
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime = instant()


class TakenBack(Record, table=True):
    """Somebody who left unseen is watched on; ``minutes_unseen`` since they were seen last do not count."""

    __tablename__ = "taken_back"

    left_unseen_id: UUID = Field(foreign_key="left_unseen.id", unique=True)
    minutes_unseen: int
    taken_by: UUID = Field(foreign_key="staff.id")
    taken_at: datetime = instant()


class FollowUpTried(Record, table=True):
    """One try to reach somebody who left unseen."""

    __tablename__ = "follow_up_tried"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    outcome: FollowUp = one_of(FollowUp)
    words_sealed: bytes = sealed()
    tried_by: UUID = Field(foreign_key="staff.id")
    tried_at: datetime = instant()


left_unseen = table_of(LeftUnseen)
taken_back = table_of(TakenBack)
follow_up_tried = table_of(FollowUpTried)
