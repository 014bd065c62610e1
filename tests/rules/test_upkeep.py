"""Readings by hand in time, temperatures as people type them, certificates, retention, a site's own limits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.alerts.rules import Alarm, AlertFacts, AlertKind, AlertState, Severity
from clinic_server.alerts.telling import as_written
from clinic_server.cold_chain.judging import BreachKind, Profile
from clinic_server.cold_chain.profiles import profile_of, shipped
from clinic_server.cold_chain.upkeep import limits
from clinic_server.cold_chain.upkeep.limits import (
    LONGEST_DELAY_S,
    LimitChanges,
    LimitsContradict,
    LimitsLooser,
    LimitsNeedSecond,
    LimitsOutsideLabel,
    OwnCopy,
    RuleChange,
    refuse_outside_labels,
    tailored,
    unchanged,
)
from clinic_server.cold_chain.upkeep.rules import (
    LEAST_APART,
    Certificate,
    CertificateDatesWrong,
    CertificateState,
    Half,
    NoReadingNow,
    ReadingTooSoon,
    RoundState,
    ServiceKind,
    TemperatureUnreadable,
    UpkeepNeedsSecond,
    certificate_state,
    kept_until,
    missed_last,
    refuse_dates,
    refuse_same_person,
    round_to_read,
    rounds_of_day,
    rounds_since,
    to_raise,
    to_recover,
    typed_milli_celsius,
    valid_a_year,
    was_in_service,
)

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 2)
CLINIC = profile_of("cn-clinic-2-8")
OWN = OwnCopy("own-fridge-1", 1, DAY, "narrow door")


def at(clock: str, day: date = DAY) -> datetime:
    """An instant by the site's clock."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZONE).astimezone(UTC)


def states(now: str, morning: str = "", afternoon: str = "") -> list[RoundState]:
    read = {Half.MORNING: [at(morning)] if morning else [], Half.AFTERNOON: [at(afternoon)] if afternoon else []}
    return [one.state for one in rounds_of_day(DAY, at(now), read, ZONE)]


NOT_YET, DUE, DONE, MISSED = RoundState.NOT_YET, RoundState.DUE, RoundState.DONE, RoundState.MISSED


@pytest.mark.parametrize(
    ("now", "morning", "expected"),
    [
        ("05:59", "", [NOT_YET, NOT_YET]),
        ("06:00", "", [DUE, NOT_YET]),
        ("10:59", "", [DUE, NOT_YET]),
        ("11:00", "", [MISSED, NOT_YET]),
        ("12:00", "", [MISSED, DUE]),
        ("12:00", "06:00", [DONE, DUE]),
        ("12:00", "08:30", [DONE, NOT_YET]),
        ("14:30", "08:30", [DONE, DUE]),
        ("16:58", "10:59", [DONE, NOT_YET]),
        ("16:59", "10:59", [DONE, DUE]),
        ("18:00", "08:30", [DONE, MISSED]),
        ("23:59", "", [MISSED, MISSED]),
    ],
)
def test_a_round_is_due_in_its_window_by_the_clock_of_the_site(
    now: str, morning: str, expected: list[RoundState]
) -> None:
    """Morning and afternoon, at least six hours apart — norm for storage and transport of vaccines (2017), Art. 11."""
    assert states(now, morning) == expected


def test_the_afternoon_is_refused_before_six_hours_have_passed_and_not_after() -> None:
    """A product of another maker compares the other way round and refuses the afternoon once six hours are over."""
    read = {Half.MORNING: [at("08:30")]}
    with pytest.raises(ReadingTooSoon) as refused:
        round_to_read(rounds_of_day(DAY, at("14:29"), read, ZONE), at("14:29"), ZONE)
    assert refused.value.facts == {"at": "14:30"}
    for now in ("14:30", "17:59"):
        assert round_to_read(rounds_of_day(DAY, at(now), read, ZONE), at(now), ZONE).half is Half.AFTERNOON


@pytest.mark.parametrize("now", ["05:59", "11:00", "11:59", "18:00"])
def test_between_the_windows_nothing_is_read(now: str) -> None:
    with pytest.raises(NoReadingNow):
        round_to_read(rounds_of_day(DAY, at(now), {}, ZONE), at(now), ZONE)


def test_a_further_reading_of_the_morning_does_not_push_the_afternoon_away() -> None:
    read = {Half.MORNING: [at("10:30"), at("07:00")]}
    assert rounds_of_day(DAY, at("13:00"), read, ZONE)[1].state is DUE


@given(st.integers(0, 24 * 60 - 1), st.integers(6 * 60, 11 * 60 - 1))
def test_two_readings_that_were_let_through_are_always_six_hours_apart(now: int, morning: int) -> None:
    read_at, asked_at = (at("00:00") + timedelta(minutes=minutes) for minutes in (morning, now))
    rounds = rounds_of_day(DAY, asked_at, {Half.MORNING: [read_at]}, ZONE)
    if rounds[1].is_open(asked_at):
        assert asked_at - read_at >= LEAST_APART


def test_missed_rounds_stay_missed_and_the_last_one_alone_is_said_until_somebody_reads() -> None:
    began = at("09:00", DAY - timedelta(days=2))
    read = {(DAY - timedelta(days=1), Half.MORNING): [at("08:00", DAY - timedelta(days=1))]}

    def missed(now: datetime) -> list[tuple[int, Half]]:
        rounds = rounds_since(began, now, read, ZONE)
        return [((one.on - DAY).days, one.half) for one in rounds if one.state is MISSED]

    assert missed(at("10:00")) == [(-2, Half.AFTERNOON), (-1, Half.AFTERNOON)]
    last = missed_last(rounds_since(began, at("10:00"), read, ZONE))
    assert last is not None
    assert (last.on, last.half) == (DAY - timedelta(days=1), Half.AFTERNOON)
    read[DAY, Half.MORNING] = [at("10:00")]
    assert missed_last(rounds_since(began, at("10:01"), read, ZONE)) is None
    assert missed(at("10:01")) == [(-2, Half.AFTERNOON), (-1, Half.AFTERNOON)]


@pytest.mark.parametrize(
    ("typed", "milli_celsius"),
    [
        ("4.6", 4_600),
        ("４．６", 4_600),
        ("4,6", 4_600),
        ("4。6", 4_600),
        ("４，６℃", 4_600),
        (" 4.6 °C ", 4_600),
        ("5", 5_000),
        ("5度", 5_000),
        ("+5", 5_000),
        ("-18.5", -18_500),
        ("−18.5", -18_500),
        ("－１８．５", -18_500),
        ("–0.1", -100),
        ("—2", -2_000),
        ("0", 0),
        ("-0.0", 0),
    ],
)
def test_a_temperature_is_read_as_people_type_it(typed: str, milli_celsius: int) -> None:
    assert typed_milli_celsius(typed) == milli_celsius


@pytest.mark.parametrize(
    "typed", ["", "4.65", "4.", ".5", "4-6", "--4", "F", "40F", "four", "4 6.1.1", "1e3", "999", "٤x"]
)
def test_what_is_no_temperature_is_refused(typed: str) -> None:
    with pytest.raises(TemperatureUnreadable):
        typed_milli_celsius(typed)


@given(st.integers(-950, 600), st.sampled_from("-－−–—﹣"), st.booleans())
def test_every_temperature_is_read_back(tenths: int, minus: str, full_width: bool) -> None:
    plain = f"{tenths / 10:.1f}"
    if full_width:
        plain = plain.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    assert typed_milli_celsius(plain.replace("-", minus)) == tenths * 100


@pytest.mark.parametrize(
    ("valid_until", "state"),
    [
        (None, CertificateState.NONE),
        (DAY - timedelta(days=1), CertificateState.OVERDUE),
        (DAY, CertificateState.DUE_SOON),
        (DAY + timedelta(days=30), CertificateState.DUE_SOON),
        (DAY + timedelta(days=31), CertificateState.VALID),
    ],
)
def test_a_certificate_counts_through_its_last_day_and_is_listed_a_month_before(
    valid_until: date | None, state: CertificateState
) -> None:
    assert certificate_state(valid_until, DAY) is state


def test_a_certificate_counts_a_year_unless_it_says_otherwise() -> None:
    assert valid_a_year(date(2026, 3, 2)) == date(2027, 3, 2)
    assert valid_a_year(date(2024, 2, 29)) == date(2025, 3, 1)


@pytest.mark.parametrize(("calibrated", "valid"), [(1, 300), (0, 0), (-3, -4)])
def test_a_certificate_of_tomorrow_or_of_no_day_is_refused(calibrated: int, valid: int) -> None:
    with pytest.raises(CertificateDatesWrong):
        refuse_dates(DAY + timedelta(days=calibrated), DAY + timedelta(days=valid), DAY)


@pytest.mark.parametrize(("deviation", "beyond"), [(500, False), (-500, False), (501, True), (-600, True)])
def test_a_deviation_beyond_half_a_degree_is_more_than_the_norm_bears(deviation: int, beyond: bool) -> None:
    """Automatic monitors are accurate to 0.5 °C — the same norm, Art. 7."""
    held = Certificate(uuid4(), "p1", "C-1", "Lab", DAY, DAY + timedelta(days=365), deviation)
    assert held.is_beyond_norm is beyond


def test_an_appliance_is_in_service_until_an_entry_says_otherwise() -> None:
    turns = [(at("08:00"), ServiceKind.OUT_OF_SERVICE), (at("09:00"), ServiceKind.REPAIRED)]
    turns.append((at("10:00"), ServiceKind.BACK_IN_SERVICE))
    seen = [was_in_service(turns, at(now)) for now in ("07:59", "08:00", "09:59", "10:00")]
    assert seen == [True, False, False, True]


@pytest.mark.parametrize(
    ("expires_on", "until"),
    [(None, None), (date(2027, 6, 30), date(2032, 6, 30)), (date(2028, 2, 29), date(2033, 3, 1))],
)
def test_readings_are_kept_five_years_beyond_the_last_expiry(expires_on: date | None, until: date | None) -> None:
    """Vaccine Administration Law, Art. 38 and 39: at least five years after the vaccine's expiry."""
    assert kept_until(expires_on) == until


def changed(base: Profile = CLINIC, **values: int) -> LimitChanges:
    return replace(unchanged(base), **values)


def rule_changed(place: int, base: Profile = CLINIC, **values: int) -> LimitChanges:
    rules = list(unchanged(base).rules)
    rules[place] = replace(rules[place], **values)
    return replace(unchanged(base), rules=tuple(rules))


def test_a_copy_has_a_name_of_its_own_and_tells_what_it_is_made_from() -> None:
    made = tailored(CLINIC, rule_changed(2, for_s=300), OWN)
    assert (made.profile, made.version, made.valid_from) == ("own-fridge-1", 1, DAY)
    assert made.source == "cn-clinic-2-8 1: narrow door"
    assert [rule.for_s for rule in made.rules][2] == 300
    assert made.rules[0] == CLINIC.rules[0]


def test_a_copy_may_be_stricter_or_wait_otherwise() -> None:
    rules = tuple(
        RuleChange(rule.beyond_milli_celsius - 500, rule.for_s)
        if rule.beyond_milli_celsius > 2_500
        else RuleChange(rule.beyond_milli_celsius, rule.for_s)
        for rule in CLINIC.rules
    )
    stricter = LimitChanges(2_000, 7_500, 1_200, rules)
    assert tailored(CLINIC, stricter, OWN).high_milli_celsius == 7_500
    assert tailored(CLINIC, rule_changed(2, for_s=LONGEST_DELAY_S), OWN).rules[2].for_s == LONGEST_DELAY_S


@pytest.mark.parametrize(
    "changes",
    [
        changed(high_milli_celsius=8_001),
        changed(low_milli_celsius=1_999),
        rule_changed(3, beyond_milli_celsius=12_001),
        rule_changed(5, beyond_milli_celsius=-501),
        rule_changed(0, beyond_milli_celsius=7_501),
        changed(no_data_after_s=3_601),
    ],
)
def test_a_copy_that_is_looser_is_refused(changes: LimitChanges) -> None:
    with pytest.raises(LimitsLooser):
        tailored(CLINIC, changes, OWN)


@pytest.mark.parametrize(
    "changes",
    [
        changed(low_milli_celsius=8_000),
        replace(unchanged(CLINIC), rules=unchanged(CLINIC).rules[:-1]),
        rule_changed(2, for_s=LONGEST_DELAY_S + 1),
        rule_changed(0, beyond_milli_celsius=1_500),
        rule_changed(2, beyond_milli_celsius=7_000),
    ],
)
def test_a_copy_that_cannot_be_meant_is_refused(changes: LimitChanges) -> None:
    with pytest.raises(LimitsContradict):
        tailored(CLINIC, changes, OWN)


def test_limits_outside_what_the_vaccine_says_are_refused_whoever_made_them() -> None:
    for profile in shipped():
        if profile.profile.endswith("2-8"):
            refuse_outside_labels(profile, [CLINIC])
        else:
            with pytest.raises(LimitsOutsideLabel) as refused:
                refuse_outside_labels(profile, [CLINIC])
            assert refused.value.facts == {"profile": "cn-clinic-2-8"}
    refuse_outside_labels(profile_of("ambient"), [])


@pytest.mark.parametrize("left", [BreachKind.TOO_WARM, BreachKind.TOO_COLD])
def test_limits_that_alarm_for_one_side_alone_are_refused(left: BreachKind) -> None:
    one_sided = msgspec.structs.replace(CLINIC, rules=tuple(rule for rule in CLINIC.rules if rule.kind is left))
    with pytest.raises(LimitsOutsideLabel):
        refuse_outside_labels(one_sided, [CLINIC])


def test_one_vaccine_of_several_is_enough_to_refuse() -> None:
    with pytest.raises(LimitsOutsideLabel):
        refuse_outside_labels(profile_of("freezer-20"), [profile_of("freezer-20"), CLINIC])


def test_no_signature_counts_twice() -> None:
    one, other = uuid4(), uuid4()
    refuse_same_person(one, other)
    limits.refuse_same_person(one, other)
    with pytest.raises(UpkeepNeedsSecond):
        refuse_same_person(one, one)
    with pytest.raises(LimitsNeedSecond):
        limits.refuse_same_person(one, one)


def test_a_date_of_today_is_no_future() -> None:
    refuse_dates(DAY, DAY + timedelta(days=1), DAY)


def test_what_is_said_already_is_not_raised_again_and_what_is_over_recovers() -> None:
    missed = AlertKind.MANUAL_READING_MISSED
    standing = [
        AlertFacts(
            uuid4(),
            1,
            missed,
            place,
            Severity.WARNING,
            AlertState.OPEN,
            "AM",
            at("08:00"),
            None,
            None,
            as_written("AM"),
        )
        for place in ("fridge-1", "fridge-2")
    ]
    same = Alarm(missed, Severity.WARNING, as_written("AM"), "fridge-1")
    worse = Alarm(missed, Severity.WARNING, as_written("PM"), "fridge-1")
    assert to_raise({"fridge-1": same}, standing) == []
    assert to_raise({"fridge-1": worse}, standing) == [worse]
    assert to_recover(missed, {"fridge-1": worse}, standing) == ["fridge-2"]
    assert to_recover(AlertKind.CALIBRATION_DUE, {}, standing) == []
