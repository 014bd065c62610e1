"""Permits, and the doses given under them."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.injection.rules import BodySite, SentBackReason
from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.stock.rules import Route


class Permit(Record, table=True):
    """The server's leave to give one dose: this person, this order, this unit, this bench, for minutes."""

    __tablename__ = "permit"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    order_id: UUID = Field(foreign_key="visit_order.id")
    consent_id: UUID
    unit_id: UUID = Field(foreign_key="unit.id")
    station: str = text(32)
    vaccinator_id: UUID = Field(foreign_key="staff.id")
    granted_at: datetime = instant()
    expires_at: datetime = instant()


class Dose(Record, table=True):
    """A dose given. One permit, one order, one draw: one dose."""

    __tablename__ = "dose"

    permit_id: UUID = Field(foreign_key="permit.id", unique=True)
    order_id: UUID = Field(foreign_key="visit_order.id", unique=True)
    draw_id: UUID = Field(foreign_key="draw.id", unique=True)
    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    unit_id: UUID = Field(foreign_key="unit.id")
    lot_id: UUID = Field(foreign_key="lot.id", index=True)
    product_code: str = text(40)
    volume_ul: int
    route: Route = one_of(Route)
    body_site: BodySite = one_of(BodySite)
    vaccinator_id: UUID = Field(foreign_key="staff.id")
    given_at: datetime = instant()


class SentBack(Record, table=True):
    """A person the bench did not vaccinate and sent back to the questions."""

    __tablename__ = "sent_back"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    reason: SentBackReason = one_of(SentBackReason)


permit = table_of(Permit)
dose = table_of(Dose)
sent_back = table_of(SentBack)
