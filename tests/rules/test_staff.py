"""What the staff's rules say, without a server."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.staff.rules import (
    LOCKED_FOR,
    LONGEST_SESSION,
    MOST_FAILURES,
    Certificate,
    QualificationKind,
    Role,
    is_expired,
    is_good_pin,
    locked_until,
    minutes_left,
    roles_held,
    standing_certificates,
)

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def minutes_past_noon(*minutes: float) -> list[datetime]:
    return [NOON + timedelta(minutes=minute) for minute in minutes]


@pytest.mark.parametrize("pin", ["730218", "112233", "135791", "073021873021"])
def test_an_ordinary_pin_is_accepted(pin: str) -> None:
    assert is_good_pin(pin)


@pytest.mark.parametrize(
    "pin",
    [
        "",
        "12345",
        "7302187302187",
        "000000",
        "123456",
        "987654",
        "890123",
        "210987",
        "73021x",
        "730218\n",
        "７３０２１８",
    ],
)
def test_a_pin_that_is_short_long_equal_or_a_run_is_refused(pin: str) -> None:
    assert not is_good_pin(pin)


def test_four_failures_lock_nobody() -> None:
    assert locked_until(minutes_past_noon(0, 1, 2, 3), NOON) is None


def test_the_fifth_failure_within_a_quarter_of_an_hour_locks_for_a_quarter_from_then() -> None:
    assert locked_until(minutes_past_noon(0, 3, 6, 9, 15), NOON) == NOON + timedelta(minutes=30)


def test_five_failures_spread_wider_lock_nobody() -> None:
    assert locked_until(minutes_past_noon(0, 3, 6, 9, 15.1), NOON) is None


def test_a_lock_opens_to_the_second() -> None:
    failed_at = minutes_past_noon(0, 0, 0, 0, 0)
    opens_at = NOON + LOCKED_FOR
    assert locked_until(failed_at, opens_at - timedelta(seconds=1)) == opens_at
    assert locked_until(failed_at, opens_at) is None


@given(st.lists(st.integers(0, 3600), min_size=MOST_FAILURES, max_size=20), st.integers(0, 7200))
def test_no_lock_lasts_longer_than_a_quarter_of_an_hour_after_the_last_failure(seconds: list[int], later: int) -> None:
    failed_at = [NOON + timedelta(seconds=second) for second in sorted(seconds)]
    now = failed_at[-1] + timedelta(seconds=later)
    until = locked_until(failed_at, now)
    assert until is None or now < until == failed_at[-1] + LOCKED_FOR


def test_minutes_to_wait_are_rounded_up() -> None:
    assert minutes_left(NOON + timedelta(seconds=61), NOON) == 2


def test_a_session_ends_when_nobody_acted_for_the_idle_time() -> None:
    almost, over = NOON + HALF_HOUR - timedelta(seconds=1), NOON + HALF_HOUR
    assert not is_expired(NOON, NOON, almost, HALF_HOUR)
    assert is_expired(NOON, NOON, over, HALF_HOUR)


def test_a_session_ends_with_the_longest_shift_however_busy() -> None:
    end = NOON + LONGEST_SESSION
    assert not is_expired(NOON, end - timedelta(seconds=2), end - timedelta(seconds=1), HALF_HOUR)
    assert is_expired(NOON, end - timedelta(seconds=1), end, HALF_HOUR)


def test_the_last_decision_about_a_role_counts() -> None:
    decided = [(Role.OBSERVER, True), (Role.REGISTRAR, True), (Role.OBSERVER, False), (Role.VOLUNTEER, False)]
    assert roles_held(decided) == {Role.REGISTRAR}


def test_a_later_entry_corrects_the_same_certificate_and_leaves_others() -> None:
    first = Certificate(QualificationKind.PHYSICIAN, "A1", date(2026, 1, 1), date(2026, 12, 31))
    corrected = Certificate(QualificationKind.PHYSICIAN, "A1", date(2026, 1, 1), date(2026, 1, 31))
    other = Certificate(QualificationKind.PHYSICIAN, "B2", date(2025, 1, 1), date(2025, 12, 31))
    assert set(standing_certificates([first, other, corrected])) == {corrected, other}


def test_a_certificate_counts_on_its_first_and_last_day() -> None:
    held = Certificate(QualificationKind.VACCINATOR, "A1", date(2026, 3, 2), date(2026, 3, 4))
    days = [date(2026, 3, day) for day in range(1, 6)]
    assert [held.is_valid_on(day) for day in days] == [False, True, True, True, False]
