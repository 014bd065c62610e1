"""How long backups are kept, and when the last one is too old."""

from datetime import UTC, datetime, timedelta

from clinic_server.backup.rules import Kept, Lost, Manifest, is_too_old, lost_by, made_at_of, name_of, to_prune

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def kept(*made_at: datetime) -> list[Kept]:
    return [Kept(name_of("S1", at), at) for at in made_at]


def test_a_name_tells_site_and_moment_and_nothing_else_is_a_backup() -> None:
    assert name_of("S1", NOW) == "clinic-S1-20260302T093000Z.age"
    assert made_at_of(name_of("S1", NOW), "S1") == NOW
    for name in (name_of("S2", NOW), "clinic-S1-20260302T093000Z.age.part", "clinic-S1-20261399T093000Z.age", "x"):
        assert made_at_of(name, "S1") is None


def test_two_years_of_hourly_backups_leave_days_and_months() -> None:
    hourly = kept(*(NOW - HOUR * number for number in range(24 * 730)))
    gone = {one.name for one in to_prune(hourly, known_good=NOW)}
    left = sorted((one.made_at for one in hourly if one.name not in gone), reverse=True)
    assert left[:24] == [NOW - HOUR * number for number in range(24)]
    assert len({at.date() for at in left}) >= 14
    assert len({(at.year, at.month) for at in left}) == 12
    assert len(left) <= 24 + 14 + 12


def test_nothing_is_pruned_that_is_not_older_than_what_is_known_to_be_good() -> None:
    many = kept(*(NOW - timedelta(minutes=number) for number in range(200)))
    assert to_prune(many, known_good=NOW - DAY) == []
    assert kept(NOW)[0] not in to_prune(many, known_good=NOW)


def test_two_hours_without_a_backup_are_too_long() -> None:
    assert is_too_old(None, NOW)
    assert not is_too_old(NOW - 2 * HOUR, NOW)
    assert is_too_old(NOW - 2 * HOUR - timedelta(seconds=1), NOW)


def test_a_restore_loses_what_came_after_or_another_history() -> None:
    backup = Manifest("S1", NOW, "sqlite", "0006", 10, "aa", 1, {})
    assert lost_by(backup, 14, "aa") == Lost(4)
    assert lost_by(backup, 14, "bb") == Lost(14, is_another_history=True)
    assert lost_by(backup, 3, None) == Lost(3, is_another_history=True)
    assert lost_by(backup, 0, None) == Lost(0)
