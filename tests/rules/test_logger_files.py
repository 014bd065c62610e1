"""Logger files read: limits, rows and days as written, minutes held against the rows, and what is refused."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain.logger_files.outline import Entry
from clinic_server.cold_chain.logger_files.rules import (
    AlarmType,
    LoggerFileUnreadable,
    latest_days,
    mean_milli_celsius,
    minutes_by_rows,
    mkt_milli_celsius,
    printed_decimals,
    read_report,
    wrongly_marked,
)

ROWS = ("01:00\t8.0\t", "01:10\t8.1\tx", "01:20\t9.5\tx", "01:30\t7.9\t", "01:40\t8.2\tx", "01:50\t2.0\t")


def qtag(
    rows: tuple[str, ...] = ROWS, episodes: str = "TS S: 2026-03-02 01:05, t A: 22, TS A: 2026-03-02 01:15"
) -> bytes:
    """A made-up logger: above 8.0 for 10 minutes at one go, or for 15 added up."""
    lines = [
        "Device: Q-tag CLm doc LR",
        "Conf:",
        " Serial: MADE0001",
        " MKT Energy: 83.0",
        " Logging Interval: 10",
        " New Key: kept, not refused",
        " Alarm:",
        "  1:",
        "   Type: 2, T AL: 8.0, t AL: 10",
        "  3:",
        "   Type: 0",
        "  4:",
        "   Type: 4, T AL: 8.0, t AL: 15",
        "Res:",
        " TS Start: 2026-03-02 01:00",
        " TS Stop: 2026-03-02 02:00",
        " Min T: 2.0, TS Min T: 2026-03-02 01:50",
        " Max T: 9.6, TS Max T: 2026-03-02 01:21",
        " MKT: 7.5",
        " Avrg T: 7.2",
        " Alarm:",
        "  1:",
        f"   {episodes}",
        "Data:",
        "\tyyyy-MM-dd hh:mm\tT\tOut of limits",
        *(f"\t2026-03-02 {row}" for row in rows),
        "Sig: 00",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def fridge_tag(made: str = "2026-03-04 15:00", *days: tuple[str, str, int]) -> bytes:
    """A made-up Fridge-tag switched on on the 2nd; days are (date, highest, minutes above 8.0)."""
    lines = ["Device: Q-tag Fridge-tag 2", "Conf:", " Serial: 1300", " Alarm:", "  0:", "   T AL: -0.5, t AL: 60"]
    lines += ["  1:", "   T AL: +8.0, t AL: 600", "Hist:", " TS Actv: 2026-03-02 16:00", f" TS Report Creation: {made}"]
    for number, (on, highest, minutes) in enumerate(days, 1):
        lines += [
            f" {number}:",
            f"  Date: {on}",
            "  Min T: +2.0, TS Min T: 13:30",
            f"  Max T: {highest}, TS Max T: 14:00",
        ]
        lines += ["  Avrg T: +4.6", "  Alarm:", "   0:", "    t Acc: 0", "   1:", f"    t Acc: {minutes}"]
        lines += ["  Ext Sensor timeout:", "   t AccST: 21, TS ST: 15:04"]
    return "\r\n".join(lines).encode()


def test_rows_limits_and_printed_figures_are_read_as_written() -> None:
    report = read_report(qtag())
    assert (report.serial, report.interval_minutes, report.mkt_energy_kj) == ("MADE0001", 10, 83.0)
    assert [(one.number, one.type, one.limit_milli_celsius, one.minutes) for one in report.settings] == [
        ("1", AlarmType.HIGH_SINGLE, 8_000, 10),
        ("4", AlarmType.HIGH_ADDED_UP, 8_000, 15),
    ]
    assert [row.milli_celsius for row in report.rows] == [8_000, 8_100, 9_500, 7_900, 8_200, 2_000]
    assert [row.is_marked for row in report.rows] == [False, True, True, False, True, False]
    assert (report.printed_min, report.printed_max, report.printed_mean, report.printed_mkt) == (
        2_000,
        9_600,
        7_200,
        7_500,
    )
    assert report.made_at.isoformat() == "2026-03-02T02:00:00"


def test_the_limit_itself_is_in_range_and_a_mark_that_says_otherwise_is_found() -> None:
    assert wrongly_marked(read_report(qtag())) == []
    marked = read_report(qtag(("01:00\t8.0\tx", "01:10\t8.1\t")))
    assert [row.milli_celsius for row in wrongly_marked(marked)] == [8_000, 8_100]


def test_the_rows_give_the_least_and_the_most_minutes_of_what_was_printed() -> None:
    report = read_report(qtag())
    at_one_go = report.printed_episodes[0]
    assert minutes_by_rows(report, at_one_go) == (10, 30)
    assert minutes_by_rows(report, replace(at_one_go, number="4")) == (10, 50)  # both runs, an interval at each end
    assert minutes_by_rows(report, replace(at_one_go, began_at=report.rows[4].at)) == (0, 20)


def test_a_reading_below_counts_for_a_low_limit_only() -> None:
    low = read_report(qtag().replace(b"Type: 2, T AL: 8.0", b"Type: 1, T AL: 8.0"))
    assert low.settings[0].type is AlarmType.LOW_SINGLE
    assert low.settings[0].is_beyond(7_999)
    assert not low.settings[0].is_beyond(8_000)


def test_the_mean_is_cut_as_the_logger_cuts_it() -> None:
    assert printed_decimals(mean_milli_celsius(read_report(qtag()).rows)) == 7_200  # 43.7 / 6 = 7.28
    assert printed_decimals(-150.0) == -100


def test_the_mean_kinetic_temperature_is_of_the_rows_by_the_energy_named() -> None:
    report = read_report(qtag())
    assert mkt_milli_celsius(report) == 7_586
    assert mkt_milli_celsius(replace(report, mkt_energy_kj=60.0)) == 7_508
    assert mkt_milli_celsius(read_report(fridge_tag("2026-03-04 15:00", ("2026-03-03", "+8.5", 2)))) is None


def test_days_are_read_and_those_begun_or_ended_within_are_parts() -> None:
    report = read_report(
        fridge_tag("2026-03-04 15:00", ("2026-03-04", "+8.0", 0), ("2026-03-03", "+8.5", 2), ("2026-03-02", "+20.8", 8))
    )
    assert [(day.on.day, day.max_milli_celsius, day.minutes_out, day.is_whole) for day in report.days] == [
        (2, 20_800, {"0": 0, "1": 8}, False),
        (3, 8_500, {"0": 0, "1": 2}, True),
        (4, 8_000, {"0": 0, "1": 0}, False),
    ]
    assert {day.no_sensor_minutes for day in report.days} == {21}


def test_of_a_day_in_two_exports_the_later_one_counts() -> None:
    noon = read_report(fridge_tag("2026-03-03 12:00", ("2026-03-03", "+7.0", 0), ("2026-03-02", "+6.0", 0)))
    later = read_report(fridge_tag("2026-03-04 12:00", ("2026-03-04", "+5.0", 0), ("2026-03-03", "+9.0", 5)))
    for reports in ([noon, later], [later, noon]):
        joined = latest_days(reports)
        assert [(day.on, day.max_milli_celsius) for day in joined] == [
            (date(2026, 3, 2), 6_000),
            (date(2026, 3, 3), 9_000),
            (date(2026, 3, 4), 5_000),
        ]


def test_an_outline_keeps_what_nobody_knows_and_every_repetition() -> None:
    outline = Entry.of("A:\n x: 1, y: 2,\n x: 3\n  deep: 4\nB: 5: 6\n")
    assert [one.value for one in outline.all("A", "x")] == ["1", "3"]
    assert outline.get("A", "y") == "2"
    assert outline.get("A", "x", "deep") == "4"
    assert outline.get("B") == "5: 6"
    assert outline.get("A", "nothing") == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00binary",
        b"Device: Another logger\n",
        qtag(()),
        qtag(("01:00\tnan\t",)),
        qtag(("01:00\t1e9999\t",)),
        qtag(("01:00",)),
        qtag(episodes="TS S: 2026-03-02 01:05, t A: 22"),
        qtag().replace(b"Type: 2", b"Type: 9"),
        qtag().replace(b" Serial: MADE0001", b" Serial:"),
        qtag().replace(b"Conf:", b"Cfg:"),
        fridge_tag("2026-03-04 15:00"),
        fridge_tag("2026-13-04 15:00", ("2026-03-04", "+8.0", 0)),
        fridge_tag("2026-03-04 15:00", ("2026-03-04", "warm", 0)),
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(LoggerFileUnreadable):
        read_report(content)


@given(st.binary(max_size=400), st.integers(0, 900))
def test_no_bytes_are_more_than_refused(noise: bytes, at: int) -> None:
    good = qtag()
    for content in (noise, good[:at], good[:at] + noise + good[at:]):
        try:
            read_report(content)
        except LoggerFileUnreadable:
            continue
