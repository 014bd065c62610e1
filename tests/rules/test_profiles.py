"""The files of profiles: the six that are shipped, and what no file may say."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.judging import BreachKind, LimitRule, ProfileUnknown
from clinic_server.cold_chain.profiles import ProfileFaulty, faults_in, newest, parse, profile_of, read_from, shipped
from clinic_server.cold_chain.rules import PROFILES
from clinic_server.stock import vaccines

CLINIC = (Path(profiles.__file__).parent / "cn-clinic-2-8-1.toml").read_text(encoding="utf-8")
SHIPPED = [  # name; range, gap, no data; what alarms: kind, beyond, seconds, window
    (
        "ambient",
        (10_000, 30_000, 1_800, 3_600),
        {("too_warm", 30_000, 3_600, None), ("too_cold", 10_000, 3_600, None)},
    ),
    (
        "cn-clinic-2-8",
        (2_000, 8_000, 180, 600),
        {
            *(("too_warm", 8_000, 600, None), ("too_warm", 12_000, 180, None), ("too_cold", 2_000, 600, None)),
            *(("frozen", -500, 3_600, None), ("frozen", 0, 600, None)),
        },
    ),
    (
        "freezer-20",
        (-50_000, -15_000, 180, 600),
        {("too_warm", -15_000, 3_600, None), ("too_cold", -50_000, 3_600, None)},
    ),
    (
        "ult",
        (-90_000, -60_000, 180, 600),
        {("too_warm", -60_000, 3_600, None), ("too_cold", -90_000, 3_600, None)},
    ),
    (
        "us-cdc-2-8",
        (2_000, 8_000, 900, 3_600),
        {("too_warm", 8_000, 900, None), ("too_cold", 2_000, 900, None)},
    ),
    (
        "who-pqs-2-8",
        (2_000, 8_000, 1_800, 3_600),
        {("too_warm", 8_000, 36_000, 86_400), ("frozen", -500, 3_600, None)},
    ),
]
FAULTS = [  # what is written, instead of it, words of the message
    ("version = 1", "version = 0", r"Expected `int` >= 1 - at `\$.version`"),
    ("version = 1", "edition = 1", "unknown field `edition`"),
    ("version = 1", "version = ", "line 2"),
    ('profile = "cn-clinic-2-8"', 'profile = "CN"', "matching regex"),
    ("high_milli_celsius = 8000", "high_milli_celsius = 8.0", "Expected `int`, got `float`"),
    ("high_milli_celsius = 8000", "high_milli_celsius = 2600", "the range is empty, or the deadbands"),
    ("interval_s = 60", "interval_s = 0", "gap_after_s: every reading"),
    ("gap_after_s = 180", "gap_after_s = 59", "gap_after_s: every reading"),
    ("no_data_after_s = 600", "no_data_after_s = 179", "no_data_after_s: a probe would be silent"),
    ("beyond_milli_celsius = 7500", "beyond_milli_celsius = 8000", r"rules\[0\]: a warning lies inside the range"),
    ("beyond_milli_celsius = 8000", "beyond_milli_celsius = 7999", r"rules\[2\]: a warning lies inside the range"),
    ("beyond_milli_celsius = 8000", "beyond_milli_celsius = 2000", r"rules\[2\]: too warm, though below the range"),
    ("beyond_milli_celsius = -500", "beyond_milli_celsius = 8000", r"rules\[5\]: too cold, though above the range"),
    ("beyond_milli_celsius = 8000", "beyond_milli_celsius = 8000\nat_limit = true", r"rules\[2\]: at_limit"),
    ("for_s = 180", "for_s = 180\nwithin_s = 179", r"rules\[3\]: within_s: the window is shorter"),
    ('severity = "critical"', 'severity = "bad"', "Invalid enum value 'bad'"),
]


@pytest.mark.parametrize(("name", "numbers", "alarms"), SHIPPED, ids=[row[0] for row in SHIPPED])
def test_what_is_shipped_is_what_its_sources_say(
    name: str, numbers: tuple[int, ...], alarms: set[tuple[str, int, int, int | None]]
) -> None:
    profile = profile_of(name)
    assert numbers == (
        *(profile.low_milli_celsius, profile.high_milli_celsius),
        *(profile.gap_after_s, profile.no_data_after_s),
    )
    found = {(r.kind.value, r.beyond_milli_celsius, r.for_s, r.within_s) for r in profile.rules if not r.is_warning}
    assert found == alarms
    assert {rule.beyond_milli_celsius for rule in profile.rules if rule.at_limit} <= {-500}


def test_these_are_all_and_every_vaccine_is_kept_by_one() -> None:
    assert [profile.profile for profile in shipped()] == [row[0] for row in SHIPPED] == list(PROFILES)
    kept_by = {handling.profile for vaccine in vaccines.shipped().values() for handling in vaccine.handling}
    assert kept_by <= set(PROFILES)


def test_a_page_judges_a_single_reading_by_the_same_limits() -> None:
    limits, profile = PROFILES["freezer-20"], profile_of("freezer-20")
    assert (limits.profile, limits.version, limits.source) == ("freezer-20", 1, profile.source)
    assert (limits.low_milli_celsius, limits.high_milli_celsius) == (-50_000, -15_000)
    assert limits.no_data_after == timedelta(minutes=10)


@pytest.mark.parametrize(("written", "instead", "words"), FAULTS)
def test_a_fault_stops_the_start_and_is_named(written: str, instead: str, words: str) -> None:
    assert written in CLINIC
    with pytest.raises(ProfileFaulty, match=f"^clinic.toml: .*{words}"):
        parse(CLINIC.replace(written, instead, 1), "clinic.toml")


@pytest.mark.parametrize(
    "numbers",
    [{"high_milli_celsius": 2_601}, {"gap_after_s": 60}, {"no_data_after_s": 180}],
    ids=lambda numbers: next(iter(numbers)),
)
def test_what_is_just_possible_is_no_fault(numbers: dict[str, int]) -> None:
    outside = tuple(rule for rule in profile_of("cn-clinic-2-8").rules if not rule.is_warning)
    assert faults_in(msgspec.structs.replace(profile_of("cn-clinic-2-8"), rules=outside, **numbers)) == ()


@pytest.mark.parametrize(
    ("kinds", "faults"),
    [
        ({BreachKind.TOO_WARM, BreachKind.FROZEN}, ()),
        ({BreachKind.TOO_WARM, BreachKind.TOO_COLD}, ()),
        ({BreachKind.TOO_WARM}, ("rules: no cold alarms",)),
        ({BreachKind.TOO_COLD}, ("rules: no warmth alarms",)),
        (set(), ("rules: no warmth alarms", "rules: no cold alarms")),
    ],
)
def test_a_place_without_an_alarm_at_either_end_is_not_looked_after(
    kinds: set[BreachKind], faults: tuple[str, ...]
) -> None:
    """Warnings alone hold no vaccine back."""
    clinic = profile_of("cn-clinic-2-8")
    rules = tuple(rule for rule in clinic.rules if rule.is_warning or rule.kind in kinds)
    assert faults_in(msgspec.structs.replace(clinic, rules=rules)) == faults


def test_a_window_may_be_as_short_as_what_it_adds_up() -> None:
    assert parse(CLINIC.replace("for_s = 180", "for_s = 180\nwithin_s = 180"), "clinic.toml").rules[3].within_s == 180


def test_every_fault_is_named_at_once() -> None:
    text = CLINIC.replace("interval_s = 60", "interval_s = 0").replace("for_s = 180", "for_s = 180\nwithin_s = 1")
    with pytest.raises(ProfileFaulty) as fault:
        parse(text, "clinic.toml")
    assert [line.partition(": ")[0] for line in str(fault.value).splitlines()] == ["clinic.toml", "clinic.toml"]


def test_one_version_comes_from_one_file_only(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(CLINIC, encoding="utf-8")
    assert [profile.edition for profile in read_from(tmp_path)] == ["cn-clinic-2-8/1"]
    (tmp_path / "b.toml").write_text(CLINIC, encoding="utf-8")
    with pytest.raises(ProfileFaulty, match="Two files hold cn-clinic-2-8 version 1"):
        read_from(tmp_path)


def test_the_newest_version_is_meant_unless_one_is_named() -> None:
    first = parse(CLINIC, "clinic.toml")
    second = parse(CLINIC.replace("version = 1", "version = 2"), "clinic.toml")
    assert newest([second, first]) == newest([first, second]) == (second,)
    assert profile_of("cn-clinic-2-8", 1) == profile_of("cn-clinic-2-8")
    for name, version in (("none-such", None), ("cn-clinic-2-8", 9), ("none-such", 1)):
        with pytest.raises(ProfileUnknown):
            profile_of(name, version)


def test_alarms_begin_at_the_range_and_warnings_at_the_mildest_of_them() -> None:
    bounds = [(one.kind, one.is_warning, one.milli_celsius, one.at_limit) for one in profile_of("cn-clinic-2-8").bounds]
    assert bounds == [
        (BreachKind.TOO_WARM, False, 8_000, False),
        (BreachKind.TOO_COLD, False, 2_000, False),
        (BreachKind.FROZEN, False, 0, False),
        (BreachKind.TOO_WARM, True, 7_500, False),
        (BreachKind.TOO_COLD, True, 2_500, False),
    ]
    (_, frozen) = profile_of("who-pqs-2-8").bounds
    assert (frozen.milli_celsius, frozen.at_limit) == (-500, True)


def test_of_two_rules_with_one_limit_the_touching_one_is_the_milder() -> None:
    text = CLINIC.replace("beyond_milli_celsius = 0", "beyond_milli_celsius = -500")
    frozen = next(one for one in parse(text, "clinic.toml").bounds if one.kind is BreachKind.FROZEN)
    assert (frozen.milli_celsius, frozen.at_limit) == (-500, True)


def test_a_rule_is_broken_beyond_its_limit_and_only_where_it_says_so_at_it() -> None:
    warm = LimitRule(BreachKind.TOO_WARM, Severity.ALARM, 8_000, 600)
    frost = LimitRule(BreachKind.FROZEN, Severity.ALARM, -500, 600, at_limit=True)
    assert [warm.is_beyond(value) for value in (8_001, 8_000, 7_999)] == [True, False, False]
    assert [frost.is_beyond(value) for value in (-501, -500, -499)] == [True, True, False]
