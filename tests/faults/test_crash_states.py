"""The power is cut at every moment of a recorded hour; SQLite alone, whose files the server itself keeps."""

import pytest

from tests.faults.disk.power_cuts import DATABASE, LOG, Hour, cut_power, record_hour

STATES = 200


@pytest.fixture(scope="module", name="hour")
def _hour() -> Hour:
    return record_hour(visits=2)


def test_no_power_cut_loses_what_was_acknowledged(hour: Hour) -> None:
    verdicts = cut_power(hour, STATES, seed=1)
    assert verdicts.first == []
    assert verdicts.states >= STATES
    assert (verdicts.lost, verdicts.damaged, verdicts.accused) == (0, 0, 0)


def test_a_disk_that_lies_loses_records_and_a_witness_elsewhere_tells_of_each_loss(hour: Hour) -> None:
    verdicts = cut_power(hour, STATES // 5, seed=1, lying=(DATABASE, LOG))
    assert verdicts.lost > 0
    assert verdicts.untold == 0
