"""Letting similar events gather, in the transaction that tells what one is, and saying what was found of them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from clinic_server.adverse_events.rules import ADVERSE_EVENTS
from clinic_server.adverse_events.similar import limits
from clinic_server.adverse_events.similar.lookup import (
    Gathered,
    gathered_by_number,
    place_of,
    seen_near,
    words_context,
)
from clinic_server.adverse_events.similar.rules import Cluster, SettlingUnsaid, clusters_in, name_of
from clinic_server.adverse_events.similar.tables import (
    SimilarEventJoined,
    SimilarEvents,
    SimilarEventsSettled,
    similar_events,
)
from clinic_server.alerts.raising import close, open_alerts, raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, CloseReason, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.actions import products
from clinic_server.stock.stops import NewStop, StopRef, place_stop


@dataclass(frozen=True, slots=True)
class SimilarRef:
    """Which similar events; ``number`` is what people call them by."""

    number: int


def gather(tx: Tx, event_id: UUID) -> None:
    """Let an event join those it is like, and one alert stand for each thing they gather round; the caller journals."""
    for cluster in clusters_in(seen_near(tx.connection, tx.keyring, event_id), limits.shipped()):
        if event_id in cluster.event_ids:
            _join(tx, cluster)


def stop(tx: Tx, number: int, new: NewStop) -> StopRef:
    """Stop what similar events may come from: a lot at every bench, a bench, everything."""
    gathered_by_number(tx.connection, number)
    return place_stop(tx, new)


def settle(tx: Tx, number: int, words: str) -> SimilarRef:
    """Say what was found and done about similar events; their alert is over until another event joins."""
    settled_by, found = require_signed_in(tx), gathered_by_number(tx.connection, number)
    if not words.strip():
        raise SettlingUnsaid
    settled_id = tx.new_id()
    tx.append(
        SimilarEventsSettled,
        id=settled_id,
        similar_id=found.similar_id,
        words_sealed=tx.keyring.seal(words.strip(), words_context(settled_id)),
        settled_by=settled_by,
        settled_at=tx.now,
    )
    for alert in open_alerts(tx.connection):
        if (alert.kind, alert.place_code) == (AlertKind.SIMILAR_EVENTS, place_of(number)):
            close(tx, alert.alert_id, CloseReason.DECIDED)
    tx.journal("similar_events_settled", found.similar_id, ADVERSE_EVENTS)
    return SimilarRef(number)


def _join(tx: Tx, cluster: Cluster) -> None:
    known = _standing(tx, cluster)
    joining = [one for one in cluster.event_ids if one not in known.event_ids]
    for event_id in joining:
        tx.append(SimilarEventJoined, similar_id=known.similar_id, event_id=event_id, joined_at=tx.now)
    if joining:
        count = len(known.event_ids) + len(joining)
        name = name_of(known.scope, known.code, {one.code: one.name for one in products(tx.connection)})
        told = tell(Phrase.EVENTS_ROUND, count=count, similar_scope=known.scope, thing=known.code, name=name)
        alarm = Alarm(AlertKind.SIMILAR_EVENTS, Severity.ALARM, told, place_of(known.number), known.similar_id)
        raise_alarm(tx, alarm)


def _standing(tx: Tx, cluster: Cluster) -> Gathered:
    """Return what gathered round a cluster's thing, from now on where nothing did."""
    column = similar_events.c
    is_it = (column.scope == cluster.scope, column.code == cluster.code, column.kind_group == cluster.group)
    number = tx.execute(select(column.number).where(*is_it)).scalar()
    if number is None:
        number = 1 + tx.execute(select(func.coalesce(func.max(column.number), 0))).scalar_one()
        tx.append(
            SimilarEvents,
            number=number,
            scope=cluster.scope,
            code=cluster.code,
            kind_group=cluster.group,
            limits=limits.shipped().name,
            found_at=tx.now,
        )
    return gathered_by_number(tx.connection, number)
