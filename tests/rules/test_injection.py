"""Whether the needle may go in: 疫苗管理法 art. 45 — inject only after everything agrees."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.injection import check_lists
from clinic_server.injection.check_lists import CheckListFaulty, Group
from clinic_server.injection.rules import (
    PERMIT_LASTS,
    Followed,
    OrderFacts,
    PermitExpired,
    PermitFacts,
    PermitFinding,
    PermitOfAnother,
    PermitUsed,
    findings_for_needle,
    minutes_to_stay,
    permit_ends,
    refuse_foreign_permit,
    same_order,
)
from clinic_server.kit.editions import NothingInForce
from clinic_server.kit.labels import labels
from clinic_server.people.rules import age_in_months
from clinic_server.stock.rules import BodySite, Route, StopFinding, UnitFacts, UnitFinding
from tests.rules.needle import AT, FACTS, LIST, NOW, NURSE, ORDER, OTHER_NURSE, PHYSICIAN, TODAY, UNIT

PERMIT = PermitFacts(
    UUID(int=5),
    UUID(int=6),
    ORDER.order_id,
    UUID(int=2),
    UNIT.unit_id,
    "bench-1",
    NURSE,
    NOW,
    NOW + timedelta(minutes=5),
    is_used=False,
)


def findings(**changes: Any) -> tuple[str, ...]:
    return findings_for_needle(replace(FACTS, **changes))


def test_everything_in_order_is_permitted() -> None:
    assert findings() == ()


def test_no_decision_means_no_needle_whatever_the_unit() -> None:
    assert findings(order=None) == (PermitFinding.NO_STANDING_DECISION,)


@pytest.mark.parametrize(
    ("followed", "said"),
    [
        (Followed(is_watched=True, is_cared_for=False), ()),
        (Followed(is_watched=False, is_cared_for=False), (PermitFinding.EARLIER_DOSE_NOT_WATCHED,)),
        (Followed(is_watched=True, is_cared_for=True), (PermitFinding.UNDER_CARE,)),
    ],
)
def test_a_further_dose_is_for_whoever_is_watched_and_well(followed: Followed, said: tuple[str, ...]) -> None:
    assert findings(followed=followed) == said


def test_the_card_of_somebody_else_stops_the_needle() -> None:
    assert findings(is_another=True) == (PermitFinding.ANOTHER_CAME,)


def test_where_every_place_was_used_today_no_needle_is_permitted() -> None:
    left, right = BodySite.LEFT_UPPER_ARM, BodySite.RIGHT_UPPER_ARM
    assert findings(sites_used=frozenset({left})) == ()
    assert findings(sites_used=frozenset({left, right})) == (PermitFinding.NO_BODY_SITE_LEFT,)


def test_no_consent_means_no_needle() -> None:
    assert findings(order=replace(ORDER, consent_id=None)) == (PermitFinding.NO_CONSENT,)


def test_an_order_ends_with_the_first_instant_after_its_day() -> None:
    assert findings(at=replace(AT, now=ORDER.valid_until - timedelta(microseconds=1))) == ()
    assert findings(at=replace(AT, now=ORDER.valid_until)) == (PermitFinding.DECISION_EXPIRED,)


def test_a_wrong_unit_is_refused_beside_every_other_reason() -> None:
    other = replace(UNIT, product_code="vaccine-b", doses_left=0)
    found = findings(order=replace(ORDER, consent_id=None), unit=other)
    assert found == (PermitFinding.NO_CONSENT, UnitFinding.OTHER_PRODUCT, UnitFinding.UNIT_USED_UP)


def test_an_unknown_unit_says_nothing_of_a_vaccine() -> None:
    assert findings(unit=None, vaccine=None) == (UnitFinding.UNIT_UNKNOWN,)


def test_who_decided_does_not_vaccinate_unless_the_site_says_so() -> None:
    """Invariant 13: not the same person as the deciding physician when the site requires separation."""
    assert findings(vaccinator_id=PHYSICIAN) == (PermitFinding.PHYSICIAN_IS_VACCINATOR,)
    assert findings(vaccinator_id=PHYSICIAN, is_physician_separate=False) == ()


@pytest.mark.parametrize("code", LIST.codes)
def test_each_of_the_eleven_confirmations_alone_stops_the_needle(code: str) -> None:
    """三查七对一验证, 疫苗管理法 art. 45: all eleven are true before the scan commits."""
    assert findings(confirmed=frozenset(LIST.codes) - {code}) == (f"unconfirmed_{code}",)


def test_every_missing_confirmation_is_named() -> None:
    assert findings(confirmed=frozenset()) == tuple(f"unconfirmed_{code}" for code in LIST.codes)


@pytest.mark.parametrize("kind", ["pauses", "outlook", "stops"])
def test_what_others_find_stops_the_needle(kind: str) -> None:
    assert findings(**{kind: (StopFinding.LOT_STOPPED,)}) == (StopFinding.LOT_STOPPED,)


@pytest.mark.parametrize(
    ("born_on", "expected"),
    [
        (date(2023, 3, 2), ()),
        (date(2023, 3, 3), (PermitFinding.AGE_OUTSIDE_VACCINE,)),
        (date(1876, 3, 3), ()),
        (date(1876, 3, 2), (PermitFinding.AGE_OUTSIDE_VACCINE,)),
    ],
)
def test_the_age_on_the_day_lies_in_the_vaccines_range(born_on: date, expected: tuple[str, ...]) -> None:
    """Invariant 7; from 3 years since June 2021, to below 1800 months: the birthday itself counts."""
    assert findings(born_on=born_on) == expected


def test_before_a_vaccine_may_be_given_at_all_nobody_has_the_age_for_it() -> None:
    long_ago = date(2020, 12, 30)
    assert findings(at=replace(AT, today=long_ago)) == (PermitFinding.AGE_OUTSIDE_VACCINE,)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"unit": replace(UNIT, route=Route.SUBCUTANEOUS)}, PermitFinding.ROUTE_OUTSIDE_VACCINE),
        ({"unit": replace(UNIT, volume_ul=501)}, PermitFinding.VOLUME_OUTSIDE_VACCINE),
        ({"vaccine": None}, PermitFinding.VACCINE_NOT_IN_CATALOGUE),
    ],
)
def test_route_and_volume_are_the_vaccines(changes: dict[str, Any], finding: str) -> None:
    """Invariant 12: product, route and volume equal the order, which equals the product."""
    assert findings(**changes) == (finding,)


@given(
    st.sets(st.sampled_from(LIST.codes)),
    st.booleans(),
    st.sampled_from([ORDER, None, replace(ORDER, consent_id=None)]),
    st.sampled_from([UNIT, None, replace(UNIT, doses_left=0), replace(UNIT, product_code="b")]),
    st.lists(st.sampled_from(StopFinding), max_size=2),
)
def test_nothing_that_speaks_against_the_needle_is_ever_lost(
    confirmed: set[str], is_same: bool, order: OrderFacts | None, unit: UnitFacts | None, stops: list[StopFinding]
) -> None:
    nurse = PHYSICIAN if is_same else NURSE
    is_clear = confirmed == set(LIST.codes) and not is_same and order is ORDER and unit is UNIT and not stops
    found = findings(confirmed=frozenset(confirmed), vaccinator_id=nurse, order=order, unit=unit, stops=tuple(stops))
    assert (found == ()) is is_clear


@pytest.mark.parametrize(("ordered", "of_site", "minutes"), [(30, 30, 30), (60, 30, 60), (30, 45, 45), (10, 15, 30)])
def test_the_longest_observation_counts_and_none_is_shorter_than_thirty_minutes(
    ordered: int, of_site: int, minutes: int
) -> None:
    """Invariant 29; 30 minutes for everybody in China."""
    assert minutes_to_stay(replace(ORDER, observation_minutes=ordered), of_site) == minutes


def test_a_permit_ends_with_its_minutes_the_orders_day_or_the_lots() -> None:
    far = NOW + timedelta(days=9)
    assert permit_ends(NOW, ORDER, UNIT, far) == NOW + PERMIT_LASTS
    assert permit_ends(ORDER.valid_until - timedelta(minutes=1), ORDER, UNIT, far) == ORDER.valid_until
    assert permit_ends(NOW, ORDER, UNIT, NOW + timedelta(seconds=9)) == NOW + timedelta(seconds=9)
    opened = replace(UNIT, open_until=NOW + timedelta(seconds=8))
    assert permit_ends(NOW, ORDER, opened, far) == opened.open_until
    assert permit_ends(NOW, ORDER, opened, NOW + timedelta(seconds=7)) == NOW + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("born_on", "day", "months"),
    [
        (date(2023, 3, 2), date(2026, 3, 2), 36),
        (date(2023, 3, 3), date(2026, 3, 2), 35),
        (date(2026, 1, 31), date(2026, 2, 28), 0),
        (date(2026, 1, 31), date(2026, 3, 1), 1),
        (date(2024, 2, 29), date(2025, 2, 28), 11),
        (date(2024, 2, 29), date(2025, 3, 1), 12),
        (TODAY, TODAY, 0),
    ],
)
def test_a_month_that_lacks_the_day_is_full_on_the_first_of_the_next(born_on: date, day: date, months: int) -> None:
    """CDSi, date rules: month additions that overflow go to the first of the next month."""
    assert age_in_months(born_on, day) == months


def test_the_national_list_is_three_checks_seven_matches_and_one_verification() -> None:
    groups = [confirmation.group for confirmation in LIST.confirmation]
    assert groups == [Group.CHECK] * 3 + [Group.MATCH] * 7 + [Group.VERIFY]
    assert LIST.edition == "cn-national/1"


def test_a_local_list_adds_to_the_national_one() -> None:
    local = check_lists.active(check_lists.shipped(), "cn-with-advice", TODAY)
    assert local.codes[:11] == LIST.codes
    assert {confirmation.group for confirmation in local.confirmation[11:]} == {Group.FURTHER}


def test_every_confirmation_has_words_and_words_for_its_absence() -> None:
    for check_list in check_lists.shipped():
        for code in check_list.codes:
            assert code in labels()["confirmation"]
            assert f"unconfirmed_{code}" in labels()["finding"]


TEXT = Path(check_lists.__file__).with_name("cn-national-1.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version = 1", "version = 0", "$.version"),
        ('group = "verify"', 'group = "other"', "$.confirmation[10].group"),
        ('code = "age"', 'code = "name"', "twice"),
        ("valid_from", "valid from", "line"),
    ],
)
def test_a_faulty_list_is_refused_and_the_fault_is_named(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(CheckListFaulty) as refused:
        check_lists.parse(TEXT.replace(old, new), "faulty.toml")
    assert "faulty.toml" in str(refused.value)
    assert told in str(refused.value)


def test_before_a_list_is_valid_there_is_none() -> None:
    with pytest.raises(NothingInForce):
        check_lists.active(check_lists.shipped(), check_lists.NATIONAL, date(2019, 11, 30))


def test_a_permit_holds_to_its_last_instant_and_not_longer() -> None:
    refuse_foreign_permit(PERMIT, "bench-1", NURSE, PERMIT.expires_at)
    with pytest.raises(PermitExpired):
        refuse_foreign_permit(PERMIT, "bench-1", NURSE, PERMIT.expires_at + timedelta(microseconds=1))


@pytest.mark.parametrize(("station", "nurse"), [("bench-2", NURSE), ("bench-1", OTHER_NURSE), (None, NURSE)])
def test_a_permit_is_of_one_bench_and_one_vaccinator(station: str | None, nurse: UUID) -> None:
    with pytest.raises(PermitOfAnother):
        refuse_foreign_permit(PERMIT, station, nurse, NOW)


def test_a_permit_is_used_once() -> None:
    with pytest.raises(PermitUsed):
        refuse_foreign_permit(replace(PERMIT, is_used=True), "bench-1", NURSE, NOW)


def test_a_permit_dies_with_its_decision_or_consent() -> None:
    assert same_order(PERMIT, ORDER)
    assert not same_order(PERMIT, replace(ORDER, order_id=UUID(int=9)))
    assert not same_order(PERMIT, replace(ORDER, consent_id=UUID(int=9)))
    assert not same_order(PERMIT, None)
