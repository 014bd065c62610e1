"""Events as far as they can be like others, and those that gathered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.care import symptoms
from clinic_server.adverse_events.care.lookup import log_of
from clinic_server.adverse_events.care.rules import Symptoms, that_count
from clinic_server.adverse_events.lookup import classes_said, event_of, events_where
from clinic_server.adverse_events.rules import CareEnd, Classed, EventFacts
from clinic_server.adverse_events.similar import limits
from clinic_server.adverse_events.similar.rules import Seen, SimilarEventsUnknown, group_of_signs
from clinic_server.adverse_events.similar.tables import similar_event_joined, similar_events, similar_events_settled
from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope
from clinic_server.adverse_events.tables import adverse_event, suspect_dose
from clinic_server.kit.crypto import Keyring
from clinic_server.stock.rules import lot_code
from clinic_server.stock.tables import lot, movement
from clinic_server.stock.whereabouts import MovementKind
from clinic_server.visits.tables import dose, visit

Things = frozenset[tuple[SimilarScope, str]]
_SERIOUS_BY_ITSELF = frozenset({CareEnd.TRANSFERRED, CareEnd.DIED})


@dataclass(frozen=True, slots=True)
class Gathered:
    """Similar events round one thing, called by ``number``; ``event_ids`` in the order they joined."""

    similar_id: UUID
    number: int
    scope: SimilarScope
    code: str
    group: KindGroup
    limits: str
    found_at: datetime
    event_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was found and done about similar events."""

    words: str = field(repr=False)
    settled_by: UUID
    settled_at: datetime


def seen_near(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[Seen]:
    """Return an event and all that began near enough to it to be one matter, as far as they are like anything."""
    began_at = event_of(connection, event_id).onset_at
    widest = max(limit.within for limit in limits.shipped().limit)
    onset = adverse_event.c.onset_at
    near = events_where(connection, onset >= began_at - widest, onset <= began_at + widest)
    event_ids = [one.event_id for one in near]
    said, things = classes_said(connection, keyring, event_ids), things_of(connection, event_ids)
    found = []
    for one in near:
        classed = said[one.event_id][-1] if one.event_id in said else None
        group = _group(connection, keyring, one, classed)
        if group is not None:
            is_serious = classed.is_serious if classed else one.care_ended in _SERIOUS_BY_ITSELF
            found.append(Seen(one.event_id, group, one.onset_at, is_serious, things.get(one.event_id, frozenset())))
    return found


def things_of(connection: Connection, event_ids: Collection[UUID]) -> Mapping[UUID, Things]:
    """Return the lots, benches and clinic days of the doses each event is suspected to follow."""
    is_of_draw = (movement.c.unit_id == dose.c.unit_id) & (movement.c.record_id == dose.c.draw_id)
    rows = connection.execute(
        select(suspect_dose.c.event_id, dose.c.product_code, lot.c.number, movement.c.station, visit.c.business_on)
        .join_from(suspect_dose, dose, dose.c.id == suspect_dose.c.dose_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .join(visit, visit.c.id == dose.c.visit_id)
        .outerjoin(movement, is_of_draw & (movement.c.kind == MovementKind.DRAWN))
        .where(suspect_dose.c.event_id.in_(event_ids))
    )
    found: dict[UUID, set[tuple[SimilarScope, str]]] = {}
    for row in rows:
        things = found.setdefault(row.event_id, set())
        things.add((SimilarScope.LOT, lot_code(row.product_code, row.number)))
        things.add((SimilarScope.SESSION, row.business_on.isoformat()))
        if row.station:
            things.add((SimilarScope.BENCH, row.station))
    return {event_id: frozenset(things) for event_id, things in found.items()}


def in_clusters(connection: Connection, event_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return which of these events belong to any that gathered."""
    joined = similar_event_joined.c.event_id
    return frozenset(connection.execute(select(joined).where(joined.in_(event_ids))).scalars())


def all_gathered(connection: Connection) -> Sequence[Gathered]:
    """Return all similar events that gathered, the latest found first."""
    return _gathered(connection)


def gathered_by_number(connection: Connection, number: int) -> Gathered:
    """Return the similar events people call by this number, or raise SimilarEventsUnknown."""
    found = _gathered(connection, similar_events.c.number == number)
    if not found:
        raise SimilarEventsUnknown
    return found[0]


def settlements_of(connection: Connection, keyring: Keyring, similar_id: UUID) -> Sequence[Settlement]:
    """Return what was said of similar events, the latest first."""
    said = similar_events_settled
    of_them = select(said).where(said.c.similar_id == similar_id).order_by(said.c.journal_seq.desc())
    return [
        Settlement(keyring.open(row.words_sealed, words_context(row.id)), row.settled_by, row.settled_at)
        for row in connection.execute(of_them)
    ]


def words_context(settled_id: UUID) -> str:
    """Return under what is sealed what was said of similar events."""
    return f"similar_events_settled:words:{settled_id}"


def place_of(number: int) -> str:
    """Return under which place the alert about similar events stands."""
    return f"similar-{number}"


def _group(connection: Connection, keyring: Keyring, event: EventFacts, classed: Classed | None) -> KindGroup | None:
    """Return what an event is like: as somebody said last, else as its log tells."""
    if classed is not None:
        kind = kinds.shipped().by_code.get(classed.kind)
        return kind.group if kind else None
    lines = [one.said for one in that_count(log_of(connection, keyring, event.event_id))]
    codes = {code for said in lines if isinstance(said, Symptoms) for code in said.codes}
    return group_of_signs(codes, symptoms.shipped())


def _gathered(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[Gathered]:
    found = similar_events
    rows = connection.execute(select(found).where(*conditions).order_by(found.c.number.desc())).all()
    joined = similar_event_joined.c
    members: dict[UUID, list[UUID]] = {row.id: [] for row in rows}
    for row in connection.execute(
        select(joined.similar_id, joined.event_id)
        .where(joined.similar_id.in_(members))
        .order_by(joined.journal_seq, joined.id)
    ):
        members[row.similar_id].append(row.event_id)
    return [_as_gathered(row, members[row.id]) for row in rows]


def _as_gathered(row: Any, event_ids: Sequence[UUID]) -> Gathered:
    return Gathered(row.id, row.number, row.scope, row.code, row.kind_group, row.limits, row.found_at, tuple(event_ids))
