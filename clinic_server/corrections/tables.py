"""The incidents that corrections open; every reason is sealed. The corrections themselves are the spine's."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.corrections.rules import IncidentKind
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of


class Incident(Record, table=True):
    """A correction that contradicts a physical act: somebody has to look what really happened."""

    __tablename__ = "incident"

    kind: IncidentKind = one_of(IncidentKind)
    dose_id: UUID = Field(foreign_key="dose.id", index=True)
    opened_by: UUID = Field(foreign_key="staff.id")
    opened_at: datetime = instant()


class IncidentAssessed(Record, table=True):
    """What somebody in charge found out about an incident."""

    __tablename__ = "incident_assessed"

    incident_id: UUID = Field(foreign_key="incident.id", unique=True)
    comment_sealed: bytes = sealed()
    assessed_by: UUID = Field(foreign_key="staff.id")
    assessed_at: datetime = instant()


incident = table_of(Incident)
incident_assessed = table_of(IncidentAssessed)
