"""Clusters of similar events (invariant 43): one for each thing and group, in whatever order they become known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.adverse_events.care import symptoms
from clinic_server.adverse_events.similar import limits
from clinic_server.adverse_events.similar.limits import LimitsFaulty
from clinic_server.adverse_events.similar.rules import Cluster, Seen, clusters_in, group_of_signs
from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope

SITE = limits.shipped()
FILE = (Path(limits.__file__).parent / "site-1.toml").read_text("utf-8")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOT, BENCH, SESSION = SimilarScope
ALLERGIC, PSYCHOGENIC, FEVER, *_ = KindGroup
OF_A = frozenset({(LOT, "P/A")})
AT_1 = frozenset({(BENCH, "1")})


def seen(
    number: int,
    group: KindGroup = ALLERGIC,
    *,
    hours: float = 0.0,
    serious: bool = True,
    at: frozenset[tuple[SimilarScope, str]] = OF_A,
) -> Seen:
    """Return an event that began so many hours after noon."""
    return Seen(UUID(int=number), group, NOON + timedelta(hours=hours), serious, at)


def ids(*numbers: int) -> tuple[UUID, ...]:
    """Return the ids of events."""
    return tuple(UUID(int=number) for number in numbers)


def test_two_severe_allergies_of_a_lot_within_a_week_are_one_cluster() -> None:
    """Seven days to the hour count; an hour more does not."""
    assert clusters_in([seen(1), seen(2, hours=168)], SITE) == {Cluster(LOT, "P/A", ALLERGIC, ids(1, 2))}
    assert clusters_in([seen(1), seen(2, hours=168.1)], SITE) == frozenset()


def test_a_third_event_joins_the_cluster_and_makes_no_second_one() -> None:
    """One alert, not k; a chain of windows is one matter."""
    chain = [seen(1), seen(2, hours=100), seen(3, hours=200), seen(4, hours=300)]
    assert clusters_in(chain, SITE) == {Cluster(LOT, "P/A", ALLERGIC, ids(1, 2, 3, 4))}


def test_one_far_from_the_others_is_no_member() -> None:
    """Only those of a full window belong."""
    assert clusters_in([seen(1), seen(2, hours=400), seen(3, hours=410)], SITE) == {
        Cluster(LOT, "P/A", ALLERGIC, ids(2, 3))
    }


def test_unlike_things_make_no_cluster() -> None:
    """Another lot, another group, a mild one, or the same event twice."""
    other_lot = frozenset({(LOT, "P/B")})
    for second in (seen(2, at=other_lot), seen(2, FEVER), seen(2, serious=False), seen(1)):
        assert clusters_in([seen(1), second], SITE) == frozenset()


def test_three_faints_at_a_bench_in_a_day_are_a_cluster_though_mild() -> None:
    """Stress spreads from chair to chair: severity does not count."""
    faints = [seen(number, PSYCHOGENIC, hours=number, serious=False, at=AT_1) for number in (1, 2, 3)]
    assert clusters_in(faints, SITE) == {Cluster(BENCH, "1", PSYCHOGENIC, ids(1, 2, 3))}
    assert clusters_in(faints[:2], SITE) == frozenset()


def test_an_event_after_two_doses_gathers_round_both_lots() -> None:
    """Each lot is a matter of its own."""
    both = frozenset({(LOT, "P/A"), (LOT, "Q/B")})
    found = clusters_in([seen(1, at=both), seen(2, at=both)], SITE)
    assert found == {Cluster(LOT, code, ALLERGIC, ids(1, 2)) for code in ("P/A", "Q/B")}


_events = st.lists(
    st.builds(
        seen,
        st.integers(1, 40),
        st.sampled_from(KindGroup),
        hours=st.integers(0, 400),
        serious=st.booleans(),
        at=st.frozensets(st.tuples(st.sampled_from(SimilarScope), st.sampled_from("AB")), max_size=3),
    ),
    max_size=12,
    unique_by=lambda one: one.event_id,
)


@given(_events, st.randoms())
def test_the_order_in_which_events_become_known_makes_no_difference(events: list[Seen], chance: object) -> None:
    """Found at once or again over the whole history: the same clusters."""
    shuffled = list(events)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis hands over a Random
    assert clusters_in(shuffled, SITE) == clusters_in(events, SITE)


@given(_events, st.randoms())
def test_gathering_one_by_one_finds_what_all_at_once_would(events: list[Seen], chance: object) -> None:
    """Each event is looked at with its neighbours alone, when it becomes known; nothing is missed by that."""
    chance.shuffle(events)  # type: ignore[attr-defined]
    widest = max(limit.within for limit in SITE.limit)
    joined: dict[tuple[SimilarScope, str, KindGroup], set[UUID]] = {}
    for count, new in enumerate(events, 1):
        near = [one for one in events[:count] if abs(one.onset_at - new.onset_at) <= widest]
        for found in clusters_in(near, SITE):
            if new.event_id in found.event_ids:
                joined.setdefault((found.scope, found.code, found.group), set()).update(found.event_ids)
    assert joined == {(one.scope, one.code, one.group): set(one.event_ids) for one in clusters_in(events, SITE)}


@pytest.mark.parametrize(
    ("codes", "group"),
    [
        ("generalised_urticaria", ALLERGIC),
        ("dry_cough", ALLERGIC),
        ("fainting generalised_itch", ALLERGIC),
        ("fainting", PSYCHOGENIC),
        ("anxious fast_breathing", PSYCHOGENIC),
        ("fast_breathing", None),
        ("fever headache", None),
        ("", None),
    ],
)
def test_until_somebody_says_what_it_is_the_signs_tell_allergy_and_stress_apart(
    codes: str, group: KindGroup | None
) -> None:
    assert group_of_signs(codes.split(), symptoms.shipped()) is group


@given(_events)
def test_one_more_event_only_lets_clusters_grow(events: list[Seen]) -> None:
    """No cluster loses a member, and each thing and group has one at most."""
    before, after = clusters_in(events[:-1], SITE), clusters_in(events, SITE)
    grown = {(one.scope, one.code, one.group): set(one.event_ids) for one in after}
    assert len(grown) == len(after)
    assert all(set(one.event_ids) <= grown[one.scope, one.code, one.group] for one in before)


@pytest.mark.parametrize(
    ("meant", "typed", "words"),
    [
        ("events = 2", "events = 1", "events|limit"),
        ('group = "fever"', 'group = "allergic"', "one limit"),
        ("version = 1", "version =", "x.toml"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name(meant: str, typed: str, words: str) -> None:
    """Whoever edits a file reads what is wrong with it."""
    with pytest.raises(LimitsFaulty, match=words):
        limits.parse(FILE.replace(meant, typed, 1), "x.toml")
