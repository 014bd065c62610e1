"""Which events are one matter (invariant 43): a set that grows, the same whatever the order they became known in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic_server.adverse_events.care.symptoms import BodySystem, SymptomList, Weight
from clinic_server.adverse_events.similar.limits import Limit, Limits
from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope
from clinic_server.kit.errors import NotFound, Refused
from clinic_server.staff.rules import Role

READERS = frozenset({Role.PHYSICIAN, Role.SITE_LEAD})
_OF_ALLERGY = frozenset({BodySystem.SKIN, BodySystem.BREATHING})
_OF_STRESS = frozenset({"fainting", "anxious"})


class SimilarEventsUnknown(NotFound):
    """No events gathered under this number."""

    code = "similar_events_unknown"


class SettlingUnsaid(Refused):
    """Whoever settles a cluster says what was found and done."""

    code = "settling_unsaid"


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as far as it can be like another; ``at`` are the codes of its lots, benches and session."""

    event_id: UUID
    group: KindGroup
    onset_at: datetime
    is_serious: bool
    at: frozenset[tuple[SimilarScope, str]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Similar events round one thing, by their onset."""

    scope: SimilarScope
    code: str
    group: KindGroup
    event_ids: tuple[UUID, ...]


def name_of(scope: SimilarScope, code: str, products: Mapping[str, str]) -> str:
    """Return what people call a thing: a lot by its product's name and its number, all else by its code."""
    product_code, _, number = code.partition("/")
    return f"{products.get(product_code, product_code)} · {number}" if scope is SimilarScope.LOT else code


def group_of_signs(codes: Collection[str], known: SymptomList) -> KindGroup | None:
    """Return what an event is like by the signs in its log, while nobody has said what it is.

    A sign of skin or breathing that counts for anaphylaxis is allergic; fainting or fear without one is stress. Fast
    breathing alone belongs to both, and to neither. Everything else waits for a word of somebody who may say it.
    """
    seen = [one for one in known.symptom if one.code in codes]
    if any(one.system in _OF_ALLERGY and one.weight is not Weight.NONE for one in seen):
        return KindGroup.ALLERGIC
    return KindGroup.PSYCHOGENIC if _OF_STRESS & set(codes) else None


def clusters_in(events: Iterable[Seen], limits: Limits) -> frozenset[Cluster]:
    """Return every cluster among events: one for each thing and group, however many windows it fills."""
    known = sorted({one.event_id: one for one in events}.values(), key=lambda one: (one.onset_at, one.event_id))
    return frozenset(cluster for limit in limits.limit for cluster in _under(limit, known))


def _under(limit: Limit, known: Sequence[Seen]) -> Iterable[Cluster]:
    round_what: dict[str, list[Seen]] = defaultdict(list)
    for one in known:
        if one.group is limit.group and (one.is_serious or not limit.only_serious):
            for scope, code in one.at:
                if scope is limit.scope:
                    round_what[code].append(one)
    for code, near in round_what.items():
        if members := _gathered(limit, near):
            yield Cluster(limit.scope, code, limit.group, members)


def _gathered(limit: Limit, near: Sequence[Seen]) -> tuple[UUID, ...]:
    """Return those that belong to some full window; both its ends count."""
    members: dict[UUID, None] = {}
    for first in range(len(near) - limit.events + 1):
        full = near[first : first + limit.events]
        if full[-1].onset_at - full[0].onset_at <= limit.within:
            members.update(dict.fromkeys(one.event_id for one in full))
    return tuple(members)
