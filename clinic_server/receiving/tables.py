"""Deliveries, their lines, packing lists and arrivals; what differed, what was refused, what was learnt of codes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.receiving.rules import DeliveryDifference, PackageLevel, RefusalReason, TransportRecordKind


class Delivery(Record, table=True):
    """A van is here: who sent it, with which papers, how warm it was on the way; no kind, no temperature record."""

    __tablename__ = "delivery"
    __table_args__ = tuple(
        CheckConstraint(f"({column} IS NULL) = (transport_kind IS NULL)", name=f"{column}_recorded")
        for column in (
            *("transport_reference", "departed_at", "arrived_at"),
            *("low_milli_celsius", "high_milli_celsius"),
        )
    )

    supplier: str = text(80)
    document_number: str = text(60)
    carrier: str = text(80)
    handed_over_by_sealed: bytes | None = sealed(default=None)
    place_id: UUID = Field(foreign_key="place.id")
    transport_kind: TransportRecordKind | None = one_of(TransportRecordKind, default=None)
    transport_reference: str | None = text(80, default=None)
    departed_at: datetime | None = instant(default=None)
    arrived_at: datetime | None = instant(default=None)
    low_milli_celsius: int | None = None
    high_milli_celsius: int | None = None
    received_by: UUID = Field(foreign_key="staff.id")
    begun_at: datetime = instant()


class DeliveryLine(Record, table=True):
    """One lot of a delivery, as its papers say; no ``release_number``, no proof of its batch release yet."""

    __tablename__ = "delivery_line"
    __table_args__ = (UniqueConstraint("delivery_id", "product_id", "lot_number"),)

    delivery_id: UUID = Field(foreign_key="delivery.id")
    product_id: UUID = Field(foreign_key="product.id")
    lot_number: str = text(40)
    expires_on: date
    release_number: str | None = text(60, default=None)
    expected_units: int


class Package(Record, table=True):
    """A code of a line's packing list and what it is packed in."""

    __tablename__ = "package"
    __table_args__ = (UniqueConstraint("delivery_id", "code"), Index(None, "line_id"), Index(None, "code"))

    delivery_id: UUID = Field(foreign_key="delivery.id")
    line_id: UUID = Field(foreign_key="delivery_line.id")
    code: str = text(50)
    level: PackageLevel = one_of(PackageLevel)
    parent: str | None = text(50, default=None)


class UnitArrival(Record, table=True):
    """A unit of a line was scanned, by itself or by the package it is in; it is in stock once all is finished."""

    __tablename__ = "unit_arrival"
    __table_args__ = (UniqueConstraint("delivery_id", "trace_code"), Index(None, "line_id"))

    delivery_id: UUID = Field(foreign_key="delivery.id")
    line_id: UUID = Field(foreign_key="delivery_line.id")
    trace_code: str = text(50)
    scanned_code: str = text(50)
    article: str | None = text(14, default=None)
    scanned_by: UUID = Field(foreign_key="staff.id")
    scanned_at: datetime = instant()


class LineDifference(Record, table=True):
    """Units of a line that are missing or too many, and why; the latest of each reason counts."""

    __tablename__ = "line_difference"
    __table_args__ = (CheckConstraint("units >= 0", name="units_counted"), Index(None, "line_id"))

    line_id: UUID = Field(foreign_key="delivery_line.id")
    reason: DeliveryDifference = one_of(DeliveryDifference)
    units: int
    note: str | None = text(200, default=None)
    told_by: UUID = Field(foreign_key="staff.id")
    told_at: datetime = instant()


class DeliveryRefused(Record, table=True):
    """A delivery that does not come in: nothing of it enters stock."""

    __tablename__ = "delivery_refused"

    delivery_id: UUID = Field(foreign_key="delivery.id", unique=True)
    reason: RefusalReason = one_of(RefusalReason)
    note: str | None = text(200, default=None)
    refused_by: UUID = Field(foreign_key="staff.id")
    refused_at: datetime = instant()


class RefusalReported(Record, table=True):
    """Somebody was told of a refused delivery."""

    __tablename__ = "refusal_reported"

    delivery_id: UUID = Field(foreign_key="delivery.id", unique=True)
    told_to: str = text(80)
    reported_by: UUID = Field(foreign_key="staff.id")
    reported_at: datetime = instant()


class DeliveryFinished(Record, table=True):
    """Everything scanned is in stock; ``capacity_reason`` is why the place holds more than it is meant to."""

    __tablename__ = "delivery_finished"

    delivery_id: UUID = Field(foreign_key="delivery.id", unique=True)
    capacity_reason: str | None = text(200, default=None)
    finished_by: UUID = Field(foreign_key="staff.id")
    finished_at: datetime = instant()


class PapersBrought(Record, table=True):
    """The batch release number of a line that came without one."""

    __tablename__ = "papers_brought"

    line_id: UUID = Field(foreign_key="delivery_line.id", unique=True)
    release_number: str = text(60)
    brought_by: UUID = Field(foreign_key="staff.id")
    brought_at: datetime = instant()


class LearntArticle(Record, table=True):
    """Which product and level of packing a maker's article number stands for; the latest of a number counts."""

    __tablename__ = "learnt_article"
    __table_args__ = (Index(None, "article", "journal_seq"),)

    article: str = text(14)
    product_id: UUID = Field(foreign_key="product.id")
    level: PackageLevel = one_of(PackageLevel)
    learnt_by: UUID = Field(foreign_key="staff.id")
    learnt_at: datetime = instant()


delivery = table_of(Delivery)
delivery_line = table_of(DeliveryLine)
package = table_of(Package)
unit_arrival = table_of(UnitArrival)
line_difference = table_of(LineDifference)
delivery_refused = table_of(DeliveryRefused)
refusal_reported = table_of(RefusalReported)
delivery_finished = table_of(DeliveryFinished)
papers_brought = table_of(PapersBrought)
learnt_article = table_of(LearntArticle)
