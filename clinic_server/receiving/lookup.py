"""Deliveries as they stand: their lines, what arrived of each, what is still open; and what was learnt of codes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, func, or_, select

from clinic_server.kit.crypto import Keyring
from clinic_server.receiving.rules import (
    DeliveryDifference,
    DeliveryNotOpen,
    DeliveryState,
    DeliveryUnknown,
    LineUnknown,
    ListedPackage,
    PackageLevel,
    RefusalReason,
    TransportRecord,
    unexplained_units,
)
from clinic_server.receiving.tables import (
    delivery,
    delivery_finished,
    delivery_line,
    delivery_refused,
    learnt_article,
    line_difference,
    package,
    papers_brought,
    refusal_reported,
    unit_arrival,
)
from clinic_server.stock.tables import place, product, unit_now

MOST_SHOWN = 100
_RECORD = [
    delivery.c[name]
    for name in (
        *("transport_kind", "transport_reference", "departed_at", "arrived_at"),
        *("low_milli_celsius", "high_milli_celsius"),
    )
]


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line as it stands; ``release_number`` is None while its papers are missing.

    ``unexplained`` units are missing where it is negative, too many where it is positive.
    """

    line_id: UUID
    delivery_id: UUID
    product_id: UUID
    product_code: str
    product_name: str
    vaccine_code: str
    lot_number: str
    expires_on: date
    release_number: str | None
    expected_units: int
    arrived_units: int
    is_listed: bool
    differences: Mapping[DeliveryDifference, int]
    unexplained: int


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """A delivery as it stands; ``record`` is None where it came without a temperature record."""

    delivery_id: UUID
    supplier: str
    document_number: str
    carrier: str
    place_code: str
    place_profile: str
    begun_at: datetime
    refusal: RefusalReason | None
    refusal_note: str | None
    told_to: str | None
    finished_at: datetime | None
    record: TransportRecord | None
    state: DeliveryState
    lines: Sequence[LineFacts]

    @property
    def is_to_be_reported(self) -> bool:
        """Whether somebody still has to hear that it was refused."""
        return self.refusal is not None and self.refusal.is_reported and self.told_to is None

    @property
    def lacks_papers(self) -> bool:
        """Whether units of it are held until a batch release number is told."""
        return self.state is DeliveryState.FINISHED and any(line.release_number is None for line in self.lines)


@dataclass(frozen=True, slots=True)
class Article:
    """What was learnt of a maker's article number."""

    article: str
    product_code: str
    product_name: str
    product_id: UUID
    level: PackageLevel


def deliveries(connection: Connection) -> Sequence[DeliveryFacts]:
    """Return the latest deliveries, and before them every one that somebody still has to act on."""
    finished_whole = delivery_finished.c.id.is_not(None) & ~_lacks_papers()
    reported = refusal_reported.c.id.is_not(None) | (delivery_refused.c.reason == RefusalReason.ENTERED_WRONGLY)
    is_over = or_(finished_whole, and_(delivery_refused.c.id.is_not(None), reported))
    latest = delivery.c.journal_seq.desc()
    return [
        *_deliveries(connection, _deliveries_query().where(~is_over).order_by(latest)),
        *_deliveries(connection, _deliveries_query().where(is_over).order_by(latest).limit(MOST_SHOWN)),
    ]


def require_delivery(connection: Connection, delivery_id: UUID) -> DeliveryFacts:
    """Return a delivery, or raise DeliveryUnknown."""
    found = _deliveries(connection, _deliveries_query().where(delivery.c.id == delivery_id))
    if not found:
        raise DeliveryUnknown
    return found[0]


def require_open(connection: Connection, delivery_id: UUID) -> DeliveryFacts:
    """Return a delivery that still waits to be finished, or raise DeliveryUnknown or DeliveryNotOpen."""
    found = require_delivery(connection, delivery_id)
    if found.state is not DeliveryState.OPEN:
        raise DeliveryNotOpen
    return found


def handed_over_by(connection: Connection, keyring: Keyring, delivery_id: UUID) -> str | None:
    """Return who brought a delivery, where somebody noted it."""
    sealed = connection.execute(select(delivery.c.handed_over_by_sealed).where(delivery.c.id == delivery_id)).scalar()
    return keyring.open(sealed, f"delivery:handed_over_by:{delivery_id}") if sealed else None


def line_of(found: DeliveryFacts, line_id: UUID) -> LineFacts:
    """Return a line of a delivery, or raise LineUnknown."""
    line = next((line for line in found.lines if line.line_id == line_id), None)
    if line is None:
        raise LineUnknown
    return line


def packing_list(connection: Connection, line_id: UUID) -> Sequence[ListedPackage]:
    """Return the packing list of a line, empty where it came with none."""
    listed = select(package.c.code, package.c.level, package.c.parent).where(package.c.line_id == line_id)
    return [ListedPackage(*row) for row in connection.execute(listed.order_by(package.c.id))]


def arrivals(connection: Connection, delivery_id: UUID) -> Mapping[UUID, Sequence[tuple[str, str | None]]]:
    """Return the scanned units of a delivery by line, each with the article number its code holds."""
    rows = connection.execute(
        select(unit_arrival.c.line_id, unit_arrival.c.trace_code, unit_arrival.c.article)
        .where(unit_arrival.c.delivery_id == delivery_id)
        .order_by(unit_arrival.c.id)
    )
    found: dict[UUID, list[tuple[str, str | None]]] = defaultdict(list)
    for line_id, trace_code, article in rows:
        found[line_id].append((trace_code, article))
    return found


def articles(connection: Connection, *conditions: Any) -> Sequence[Article]:
    """Return what was learnt of article numbers, the latest word on each; conditions speak of ``learnt_article``."""
    later = learnt_article.alias()
    newest = select(func.max(later.c.journal_seq)).where(later.c.article == learnt_article.c.article)
    rows = connection.execute(
        select(learnt_article.c.article, product.c.code, product.c.name, product.c.id, learnt_article.c.level)
        .join(product, product.c.id == learnt_article.c.product_id)
        .where(learnt_article.c.journal_seq == newest.scalar_subquery(), *conditions)
        .order_by(learnt_article.c.article)
    )
    return [Article(*row) for row in rows]


def article_of(connection: Connection, article: str | None) -> Article | None:
    """Return what was learnt of one article number."""
    return next(iter(articles(connection, learnt_article.c.article == article)), None) if article else None


def units_standing_in(connection: Connection, place_code: str) -> int:
    """Return how many units that hold anything stand in a place."""
    here = (unit_now.c.place_id == place.c.id, place.c.code == place_code, unit_now.c.doses_left > 0)
    count: int = connection.execute(select(func.count(unit_now.c.unit_id)).where(*here)).scalar_one()
    return count


def _deliveries_query() -> Any:
    return (
        select(
            delivery.c.id,
            delivery.c.supplier,
            delivery.c.document_number,
            delivery.c.carrier,
            place.c.code,
            place.c.profile,
            delivery.c.begun_at,
            delivery_refused.c.reason,
            delivery_refused.c.note,
            refusal_reported.c.told_to,
            delivery_finished.c.finished_at,
            *_RECORD,
        )
        .join(place, place.c.id == delivery.c.place_id)
        .outerjoin(delivery_refused, delivery_refused.c.delivery_id == delivery.c.id)
        .outerjoin(refusal_reported, refusal_reported.c.delivery_id == delivery.c.id)
        .outerjoin(delivery_finished, delivery_finished.c.delivery_id == delivery.c.id)
    )


def _lacks_papers() -> Any:
    return (
        select(delivery_line.c.id)
        .outerjoin(papers_brought, papers_brought.c.line_id == delivery_line.c.id)
        .where(
            delivery_line.c.delivery_id == delivery.c.id,
            delivery_line.c.release_number.is_(None),
            papers_brought.c.id.is_(None),
        )
        .correlate(delivery)
        .exists()
    )


def _deliveries(connection: Connection, query: Any) -> list[DeliveryFacts]:
    rows = connection.execute(query).all()
    lines = _lines(connection, [row[0] for row in rows])
    return [_facts(row, lines.get(row[0], ())) for row in rows]


def _facts(row: Any, lines: Sequence[LineFacts]) -> DeliveryFacts:
    told, record = row[: -len(_RECORD)], row[-len(_RECORD) :]
    state = DeliveryState.OPEN if row.finished_at is None else DeliveryState.FINISHED
    if row.reason is not None:
        state = DeliveryState.REFUSED
    about: dict[str, Any] = {
        "record": TransportRecord(*record) if row.transport_kind else None,
        "state": state,
        "lines": lines,
    }
    return DeliveryFacts(*told, **about)


def _lines(connection: Connection, delivery_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[LineFacts]]:
    meant = delivery_line.c.delivery_id.in_(delivery_ids)
    rows = connection.execute(
        select(
            delivery_line.c.id,
            delivery_line.c.delivery_id,
            product.c.id,
            product.c.code,
            product.c.name,
            product.c.vaccine_code,
            delivery_line.c.lot_number,
            delivery_line.c.expires_on,
            func.coalesce(delivery_line.c.release_number, papers_brought.c.release_number),
            delivery_line.c.expected_units,
            select(func.count()).where(unit_arrival.c.line_id == delivery_line.c.id).label("arrived_units"),
            select(package.c.id).where(package.c.line_id == delivery_line.c.id).exists(),
        )
        .join(product, product.c.id == delivery_line.c.product_id)
        .outerjoin(papers_brought, papers_brought.c.line_id == delivery_line.c.id)
        .where(meant)
        .order_by(delivery_line.c.journal_seq, delivery_line.c.id)
    )
    differences = _differences(connection, meant)
    found: dict[UUID, list[LineFacts]] = defaultdict(list)
    for row in rows:
        told = differences.get(row[0], {})
        about: dict[str, Any] = {
            "differences": told,
            "unexplained": unexplained_units(row.expected_units, row.arrived_units, told),
        }
        line = LineFacts(*row, **about)
        found[line.delivery_id].append(line)
    return found


def _differences(connection: Connection, meant: Any) -> Mapping[UUID, Mapping[DeliveryDifference, int]]:
    rows = connection.execute(
        select(line_difference.c.line_id, line_difference.c.reason, line_difference.c.units)
        .join(delivery_line, delivery_line.c.id == line_difference.c.line_id)
        .where(meant)
        .order_by(line_difference.c.journal_seq)
    )
    latest: dict[UUID, dict[DeliveryDifference, int]] = defaultdict(dict)
    for line_id, reason, units in rows:
        latest[line_id][reason] = units
    return latest
