"""Corrections of a dose's record, and the incidents they open; every reason is sealed."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.corrections.rules import IncidentKind
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of
from clinic_server.stock.rules import BodySite


class BodySiteCorrected(Record, table=True):
    """Where a dose was really given; the latest of a dose counts."""

    __tablename__ = "body_site_corrected"

    dose_id: UUID = Field(foreign_key="dose.id", index=True)
    body_site: BodySite = one_of(BodySite)
    reason_sealed: bytes = sealed()
    corrected_by: UUID = Field(foreign_key="staff.id")
    corrected_at: datetime = instant()


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


body_site_corrected = table_of(BodySiteCorrected)
incident = table_of(Incident)
incident_assessed = table_of(IncidentAssessed)
