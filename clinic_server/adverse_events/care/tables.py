"""The team's calls, the log of the care, how it ended, and what a physician answers for. Health is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.adverse_events.care.rules import CareKind
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.opening.emergency_kit.rules import KitThing


class EmergencyCall(Record, table=True):
    """Somebody called the team to a person; without a dose before it there is no event, only this call."""

    __tablename__ = "emergency_call"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    event_id: UUID | None = Field(default=None, foreign_key="adverse_event.id", unique=True)
    place_code: str = text(32)
    alert_id: UUID = Field(foreign_key="alert.id")
    called_by: UUID = Field(foreign_key="staff.id")
    called_at: datetime = instant()


class EmergencyCallOver(Record, table=True):
    """The team has helped somebody who had no dose; what it was stands in ``words_sealed``."""

    __tablename__ = "emergency_call_over"

    call_id: UUID = Field(foreign_key="emergency_call.id", unique=True)
    words_sealed: bytes = sealed()
    ended_by: UUID = Field(foreign_key="staff.id")
    ended_at: datetime = instant()


class CareLine(Record, table=True):
    """One line of the log; ``said_sealed`` is JSON of its kind."""

    __tablename__ = "care_line"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    kind: CareKind = one_of(CareKind)
    said_sealed: bytes = sealed()
    happened_at: datetime = instant()
    entered_by: UUID = Field(foreign_key="staff.id")
    entered_at: datetime = instant()


class CareLineStruck(Record, table=True):
    """A line was wrong; it stays in its place, and no longer counts."""

    __tablename__ = "care_line_struck"

    line_id: UUID = Field(foreign_key="care_line.id", unique=True)
    reason_sealed: bytes = sealed()
    struck_by: UUID = Field(foreign_key="staff.id")
    struck_at: datetime = instant()


class CareEnding(Record, table=True):
    """Who took the person over, or declined for them: sealed JSON."""

    __tablename__ = "care_ending"

    event_id: UUID = Field(foreign_key="adverse_event.id", unique=True)
    ending_sealed: bytes = sealed()


class KitShortfall(Record, table=True):
    """The kit gave the last of something that may be needed again."""

    __tablename__ = "kit_shortfall"

    event_id: UUID = Field(foreign_key="adverse_event.id", index=True)
    thing: KitThing = one_of(KitThing)
    found_at: datetime = instant()


class ProtocolStated(Record, table=True):
    """What a physician has the site do for a reaction, in words; the latest counts."""

    __tablename__ = "care_protocol_stated"

    words: str = text(4000)
    physician_id: UUID = Field(foreign_key="staff.id")
    certificate_number: str = text(40)
    stated_at: datetime = instant()


class DrugTableSignedOff(Record, table=True):
    """A physician answers for a table of reference doses as it read then: ``digest`` stands for it."""

    __tablename__ = "drug_table_signed_off"
    __table_args__ = (UniqueConstraint("digest", "physician_id"),)

    table_name: str = text(50)
    digest: str = text(64)
    physician_id: UUID = Field(foreign_key="staff.id")
    certificate_number: str = text(40)
    signed_at: datetime = instant()


emergency_call = table_of(EmergencyCall)
emergency_call_over = table_of(EmergencyCallOver)
care_line = table_of(CareLine)
care_line_struck = table_of(CareLineStruck)
care_ending = table_of(CareEnding)
kit_shortfall = table_of(KitShortfall)
care_protocol_stated = table_of(ProtocolStated)
drug_table_signed_off = table_of(DrugTableSignedOff)
