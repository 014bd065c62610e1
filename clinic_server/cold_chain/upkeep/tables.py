"""Readings by hand, certificates, appliances and their service, seals over the readings, a site's own limits."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlmodel import Field

from clinic_server.cold_chain.upkeep.rules import Half, ServiceKind
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class HandReading(Record, table=True):
    """A temperature somebody read off a thermometer; a series of its own, beside the probes'."""

    __tablename__ = "hand_reading"
    __table_args__ = (Index(None, "place_id", "on"),)

    place_id: UUID = Field(foreign_key="place.id")
    on: date
    half: Half = one_of(Half)
    milli_celsius: int
    is_in_range: bool
    action_taken: str | None = text(200, default=None)
    read_by: UUID = Field(foreign_key="staff.id")
    read_at: datetime = instant()


class CalibrationEntered(Record, table=True):
    """A probe's certificate as the first of two people read it; a later entry of the same number corrects it."""

    __tablename__ = "calibration_entered"
    __table_args__ = (Index(None, "probe_id"),)

    probe_id: str = text(128)
    certificate_number: str = text(60)
    laboratory: str = text(120)
    calibrated_on: date
    valid_until: date
    deviation_milli_celsius: int
    entered_by: UUID = Field(foreign_key="staff.id")
    entered_at: datetime = instant()


class CalibrationConfirmed(Record, table=True):
    """The second of the two: from here on the certificate counts."""

    __tablename__ = "calibration_confirmed"
    __table_args__ = (CheckConstraint("confirmed_by <> entered_by", name="two_people"),)

    certificate_id: UUID = Field(foreign_key="calibration_entered.id", unique=True)
    entered_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    confirmed_at: datetime = instant()


class Appliance(Record, table=True):
    """The fridge or box that is a place; a place's latest one is the one that stands there."""

    __tablename__ = "appliance"
    __table_args__ = (Index(None, "place_id"),)

    place_id: UUID = Field(foreign_key="place.id")
    maker: str = text(80)
    type_name: str = text(80)
    serial_number: str = text(60)
    capacity_litres: int
    in_use_since_on: date
    entered_by: UUID = Field(foreign_key="staff.id")
    entered_at: datetime = instant()


class ApplianceServiced(Record, table=True):
    """Something was done to an appliance, by whom, and when it is due again."""

    __tablename__ = "appliance_serviced"
    __table_args__ = (Index(None, "appliance_id"),)

    appliance_id: UUID = Field(foreign_key="appliance.id")
    kind: ServiceKind = one_of(ServiceKind)
    done_on: date
    done_by: str = text(120)
    note: str | None = text(200, default=None)
    next_due_on: date | None = None
    entered_by: UUID = Field(foreign_key="staff.id")
    entered_at: datetime = instant()


class ReadingsSealed(Record, table=True):
    """One print over every reading received in a span of time; each seal rests on the one before it."""

    __tablename__ = "readings_sealed"
    __table_args__ = (CheckConstraint("received_from_at < received_until_at", name="forwards"),)

    received_from_at: datetime = instant(unique=True)
    received_until_at: datetime = instant(unique=True)
    readings: int
    previous_digest: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)


class LimitsProposed(Record, table=True):
    """By which limits a place shall be judged from an instant on; ``limits`` is the whole profile as it read then."""

    __tablename__ = "limits_proposed"
    __table_args__ = (Index(None, "place_id"),)

    place_id: UUID = Field(foreign_key="place.id")
    profile: str = text(40)
    version: int
    limits: str = text(8000)
    from_at: datetime = instant()
    reason: str = text(200)
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime = instant()


class LimitsConfirmed(Record, table=True):
    """The second of two people; the limits hold from ``effective_at``, never for what was before."""

    __tablename__ = "limits_confirmed"
    __table_args__ = (CheckConstraint("confirmed_by <> proposed_by", name="two_people"),)

    proposal_id: UUID = Field(foreign_key="limits_proposed.id", unique=True)
    proposed_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    effective_at: datetime = instant()


hand_reading = table_of(HandReading)
calibration_entered = table_of(CalibrationEntered)
calibration_confirmed = table_of(CalibrationConfirmed)
appliance = table_of(Appliance)
appliance_serviced = table_of(ApplianceServiced)
readings_sealed = table_of(ReadingsSealed)
limits_proposed = table_of(LimitsProposed)
limits_confirmed = table_of(LimitsConfirmed)
