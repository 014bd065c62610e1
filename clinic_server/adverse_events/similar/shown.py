"""Similar events as their page shows them: each by its number, what they have in common, and what may be stopped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.adverse_events.lookup import events_where
from clinic_server.adverse_events.rules import EventFacts
from clinic_server.adverse_events.similar.lookup import (
    Gathered,
    Settlement,
    Things,
    gathered_by_number,
    settlements_of,
    things_of,
)
from clinic_server.adverse_events.similar.rules import name_of
from clinic_server.adverse_events.similar.terms import SimilarScope
from clinic_server.adverse_events.tables import adverse_event
from clinic_server.kit.crypto import Keyring
from clinic_server.staff.actions import members
from clinic_server.stock.actions import products
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import standing_stops

_STOPPED_AS: Final = {SimilarScope.LOT: StopScope.LOT, SimilarScope.BENCH: StopScope.BENCH}


@dataclass(frozen=True, slots=True)
class EventSeen:
    """One of the events, and round what it is."""

    facts: EventFacts
    things: Things

    def codes(self, scope: SimilarScope) -> Sequence[str]:
        """Return the codes of its lots, its benches or its clinic days."""
        return sorted(code for of, code in self.things if of is scope)


@dataclass(frozen=True, slots=True)
class StopOffered:
    """What may be stopped, how many of the events came after it or happened there, and since when it is stopped."""

    scope: StopScope
    target: str
    events: int
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class SimilarShown:
    """Everything a physician looks at before stopping something."""

    gathered: Gathered
    events: Sequence[EventSeen]
    offers: Sequence[StopOffered]
    settlements: Sequence[Settlement]
    names: Mapping[UUID, str]
    products: Mapping[str, str]

    def named(self, scope: SimilarScope, code: str) -> str:
        """Return what people call a thing."""
        return name_of(scope, code, self.products)


def similar_shown(connection: Connection, keyring: Keyring, number: int) -> SimilarShown:
    """Return similar events as they stand, or raise SimilarEventsUnknown."""
    gathered = gathered_by_number(connection, number)
    things = things_of(connection, gathered.event_ids)
    events = [
        EventSeen(one, things.get(one.event_id, frozenset()))
        for one in events_where(connection, adverse_event.c.id.in_(gathered.event_ids))
    ]
    return SimilarShown(
        gathered,
        events,
        _offers(connection, gathered.scope, events),
        settlements_of(connection, keyring, gathered.similar_id),
        {one.staff_id: one.name for one in members(connection, keyring)},
        {one.code: one.name for one in products(connection)},
    )


def _offers(connection: Connection, around: SimilarScope, events: Sequence[EventSeen]) -> Sequence[StopOffered]:
    """Return the lots and benches the events follow, what they gathered round and the most frequent first; the site."""
    stopped = {(one.scope, one.target): one.placed_at for one in standing_stops(connection)}
    counted = Counter((of, code) for one in events for of in _STOPPED_AS for code in one.codes(of))
    ordered = sorted(counted.items(), key=lambda one: (one[0][0] is not around, -one[1], one[0]))
    wanted = [(_STOPPED_AS[of], code, count) for (of, code), count in ordered]
    wanted.append((StopScope.SITE, "", len(events)))
    return [StopOffered(scope, code, count, stopped.get((scope, code))) for scope, code, count in wanted]
