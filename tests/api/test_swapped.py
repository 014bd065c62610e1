"""Two probes that changed places are told of, also when they are home again, and no verdict changes by that."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.cold_chain.actions import assign_probe, store_readings
from clinic_server.cold_chain.excursions.doubts import say_doubts
from clinic_server.cold_chain.excursions.lookup import excursions
from clinic_server.cold_chain.rules import Sample
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from tests.api.test_excursions import stands
from tests.conftest import ManualClock

DEVICES = system_actor("devices")
COLD, MILD = 3_000, 6_500
SWAPPED = {
    ("fridge-1", Severity.ALARM, "WITH fridge-2"),
    ("fridge-2", Severity.ALARM, "WITH fridge-1"),
}


@pytest.fixture(name="fridges")
def _fridges(db: Database) -> Database:
    for number in (1, 2):
        stands(db, f"fridge-{number}", f"p{number}")
    return db


def hears(db: Database, clock: ManualClock, one: int, other: int, minutes: int = 90) -> None:
    """Both probes speak every two minutes, around a level each; then somebody looks."""
    said = list(samples(clock, one, other, minutes))
    clock.pass_time(minutes=minutes)
    db.write_now(lambda tx: store_readings(tx, said), DEVICES)
    db.write_now(say_doubts, DEVICES)


def samples(clock: ManualClock, one: int, other: int, minutes: int) -> Iterator[Sample]:
    for minute in range(0, minutes, 2):
        at = clock.now() + timedelta(minutes=minute)
        for probe_id, level in (("p1", one), ("p2", other)):
            yield Sample(probe_id, 1, int(at.timestamp()), at, level + 40 * (minute % 7))


def swapped(db: Database) -> set[tuple[str, Severity, str]]:
    return {
        (one.place_code, one.severity, one.summary)
        for one in db.read_now(open_alerts)
        if one.kind is AlertKind.PROBES_SWAPPED
    }


def test_probes_that_changed_places_are_told_of_until_they_are_carried_back(
    fridges: Database, clock: ManualClock
) -> None:
    hears(fridges, clock, COLD, MILD)
    assert swapped(fridges) == set()
    hears(fridges, clock, MILD, COLD)
    assert swapped(fridges) == SWAPPED
    hears(fridges, clock, MILD, COLD, minutes=26 * 60)
    assert swapped(fridges) == SWAPPED, "though the exchange itself is older than a day"
    hears(fridges, clock, COLD, MILD)
    assert swapped(fridges) == set()
    hears(fridges, clock, COLD, MILD, minutes=12 * 60)
    assert swapped(fridges) == set(), "the way home is no exchange once it is told of"
    hears(fridges, clock, MILD, COLD)
    assert swapped(fridges) == SWAPPED
    assert fridges.read_now(excursions) == []


def test_putting_the_books_right_ends_it(fridges: Database, clock: ManualClock) -> None:
    hears(fridges, clock, COLD, MILD)
    hears(fridges, clock, MILD, COLD)
    assert swapped(fridges) == SWAPPED
    for probe_id, place_code in (("p1", "fridge-2"), ("p2", "fridge-1")):
        fridges.write_now(lambda tx, p=probe_id, c=place_code: assign_probe(tx, p, c, "swapped"), DEVICES)  # type: ignore[misc]  # a loop's lambda
    hears(fridges, clock, MILD, COLD)
    assert swapped(fridges) == set()
