"""Where a dose is to go, and what is said of one that went elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.stock.rules import BodySite
from clinic_server.visits.body_sites import (
    MOST_REASON_CHARACTERS,
    BodySiteDoubted,
    BodySiteFinding,
    findings_about,
    refuse_unexplained,
    sites_against_rule,
    sites_left,
)

LEFT, RIGHT, MOUTH = BodySite.LEFT_UPPER_ARM, BodySite.RIGHT_UPPER_ARM, BodySite.MOUTH
ARMS = (LEFT, RIGHT)
SITES = st.sampled_from(BodySite)


def test_two_doses_of_one_day_go_into_two_places() -> None:
    assert sites_left(ARMS, [LEFT]) == (RIGHT,)
    assert findings_about(LEFT, ARMS, [LEFT]) == (BodySiteFinding.USED_TODAY,)
    assert findings_about(LEFT, ARMS, [RIGHT]) == ()


def test_what_is_swallowed_leaves_the_mouth_free() -> None:
    assert sites_left((MOUTH,), [MOUTH]) == (MOUTH,)
    assert findings_about(MOUTH, (MOUTH,), [MOUTH]) == ()


def test_a_place_that_is_none_of_the_vaccines_is_said_beside_one_that_was_used() -> None:
    both = (BodySiteFinding.OUTSIDE_VACCINE, BodySiteFinding.USED_TODAY)
    assert findings_about(BodySite.LEFT_THIGH, ARMS, [BodySite.LEFT_THIGH]) == both
    assert findings_about(BodySite.LEFT_THIGH, ARMS, []) == both[:1]


def test_nobody_is_offered_to_say_that_a_needle_went_into_the_mouth() -> None:
    assert sites_against_rule(ARMS, [LEFT]) == (LEFT, BodySite.LEFT_THIGH, BodySite.RIGHT_THIGH)
    assert sites_against_rule((MOUTH,), []) == ()


@given(st.lists(SITES, min_size=1, unique=True), st.sets(SITES))
def test_what_is_proposed_has_nothing_against_it_and_what_is_not_has(
    sites: list[BodySite], used: set[BodySite]
) -> None:
    proposed, others = sites_left(sites, used), sites_against_rule(sites, used)
    assert not {*proposed} & {*others}
    assert all(findings_about(one, sites, used) == () for one in proposed)
    assert all(findings_about(one, sites, used) != () for one in others)


@pytest.mark.parametrize("reason", ["", "  ", "x" * (MOST_REASON_CHARACTERS + 1)])
def test_a_place_against_the_rules_takes_a_reason_and_any_other_none(reason: str) -> None:
    refuse_unexplained((), reason)
    refuse_unexplained((BodySiteFinding.USED_TODAY,), "x" * MOST_REASON_CHARACTERS)
    with pytest.raises(BodySiteDoubted) as raised:
        refuse_unexplained((BodySiteFinding.USED_TODAY,), reason)
    assert raised.value.findings == (BodySiteFinding.USED_TODAY,)
