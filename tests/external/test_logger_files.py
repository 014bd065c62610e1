"""Two public logger exports: what this program makes of them beside what the devices printed."""

from pathlib import Path

import pytest

from clinic_server.cold_chain.logger_files.rules import (
    LoggerReport,
    mean_milli_celsius,
    minutes_by_rows,
    mkt_milli_celsius,
    printed_decimals,
    read_report,
    wrongly_marked,
)


def read(samples: Path, pattern: str) -> LoggerReport:
    (file,) = (samples / "fridgetag").glob(pattern)
    return read_report(file.read_bytes())


def test_every_mark_minute_and_mean_of_the_transport_logger_is_borne_out(external_samples: Path) -> None:
    report = read(external_samples, "QTAG*.txt")
    assert len(report.rows) == 124
    assert wrongly_marked(report) == []
    printed = [(one.number, one.minutes, minutes_by_rows(report, one)) for one in report.printed_episodes]
    assert printed == [
        ("1", 219, (200, 220)),
        ("2", 219, (200, 220)),
        ("4", 598, (410, 750)),
        ("5", 145, (140, 160)),
        ("5", 32, (20, 40)),
        ("5", 31, (30, 50)),
    ]
    assert printed_decimals(mean_milli_celsius(report.rows)) == report.printed_mean == 5_400


def test_the_mean_kinetic_temperature_is_what_the_transport_logger_printed(external_samples: Path) -> None:
    """By the energy it names, 83.0 kJ/mol; it cuts off after one decimal, as it does the mean."""
    report = read(external_samples, "QTAG*.txt")
    computed = mkt_milli_celsius(report)
    assert computed == pytest.approx(10_580, abs=5)
    assert printed_decimals(computed) == report.printed_mkt == 10_500


def test_the_fridge_loggers_days_are_those_it_printed(external_samples: Path) -> None:
    report = read(external_samples, "FT2*.txt")
    assert [(day.on.day, day.minutes_out["1"], day.no_sensor_minutes, day.is_whole) for day in report.days] == [
        (17, 8, 178, False),
        (18, 2, 0, True),
        (19, 0, 0, True),
        (20, 0, 21, False),
    ]
    assert [day.max_milli_celsius for day in report.days] == [20_800, 8_500, 7_100, 8_000]
