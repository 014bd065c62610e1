"""Batteries and mains as probes tell of them: raised and ended in the transaction that hears it."""

import asyncio
from datetime import timedelta

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, Hush
from clinic_server.alerts.shown import alerts_now
from clinic_server.cold_chain.actions import assign_probe
from clinic_server.cold_chain.excursions.silence import note_silence
from clinic_server.cold_chain.supply.actions import store_supplies
from clinic_server.cold_chain.supply.rules import SupplyWord
from clinic_server.cold_chain.upkeep.watching import say_what_is_due
from clinic_server.device_hub.intake import Intake
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from devices.events import SupplyTold
from devices.receipts import Receipt
from tests.api.test_excursions import stands
from tests.api.visitors import SYSTEM
from tests.conftest import ManualClock

DEVICES = system_actor("devices")


def hears(db: Database, *words: SupplyWord) -> None:
    db.write_now(lambda tx: store_supplies(tx, words), DEVICES)


def says(
    db: Database, part: str = "p1", *, battery: int | None = None, mains: bool | None = None, ago_s: int = 0
) -> SupplyWord:
    return SupplyWord(part, db.clock.now() - timedelta(seconds=ago_s), battery, mains)


def standing(db: Database) -> dict[tuple[AlertKind, str], str]:
    return {(one.kind, one.place_code): one.summary for one in db.read_now(open_alerts)}


def test_a_low_battery_is_an_alert_of_its_own_until_it_is_well_again(db: Database, clock: ManualClock) -> None:
    stands(db)
    hears(db, says(db, battery=21))
    assert standing(db) == {}
    for percent, said in ((20, "BATTERY 20%"), (19, "BATTERY 19%"), (25, "BATTERY 25%")):
        clock.pass_time(seconds=60)
        hears(db, says(db, battery=percent))
        assert standing(db) == {(AlertKind.BATTERY_LOW, "fridge-1"): said}
    clock.pass_time(seconds=60)
    hears(db, says(db, battery=30))
    assert standing(db) == {}


def test_a_word_that_comes_late_or_again_changes_nothing_that_is_newer(db: Database, clock: ManualClock) -> None:
    stands(db)
    clock.pass_time(hours=1)
    lost, back = says(db, mains=False, ago_s=600), says(db, mains=True, ago_s=300)
    hears(db, back)
    hears(db, lost, lost)
    assert standing(db) == {}, "the power was back when its loss was heard of"
    hears(db, says(db, mains=False))
    hears(db, back)
    assert standing(db) == {(AlertKind.POWER_LOST, "fridge-1"): "NO MAINS"}


def test_the_mains_of_the_site_silence_its_fridges_and_are_what_calls(db: Database, clock: ManualClock) -> None:
    for number in (1, 2, 3):
        stands(db, f"fridge-{number}", f"p{number}")
    hears(db, says(db, "p1", mains=False), says(db, "p2", mains=True))
    assert set(standing(db)) == {(AlertKind.POWER_LOST, "fridge-1")}
    clock.pass_time(seconds=5)
    hears(db, says(db, "p2", mains=False))
    clock.pass_time(minutes=30)
    db.write_now(note_silence, SYSTEM)
    seen = db.read_now(lambda c: alerts_now(c, clock.now(), db.site.zone)).open
    hushes = {(one.facts.kind, one.facts.place_code): one.hush for one in seen}
    assert hushes == {
        (AlertKind.POWER_LOST, ""): None,
        **{(AlertKind.POWER_LOST, f"fridge-{one}"): Hush.INHIBITED for one in (1, 2)},
        **{(AlertKind.NO_DATA, f"fridge-{one}"): Hush.INHIBITED for one in (1, 2, 3)},
    }
    hears(db, says(db, "p1", mains=True))
    left = {key for key in standing(db) if key[0] is AlertKind.POWER_LOST}
    assert left == {(AlertKind.POWER_LOST, "fridge-2")}


def test_a_probe_takes_its_battery_along_to_another_place(db: Database) -> None:
    stands(db, "fridge-1", "shelly:a/temperature:100")
    stands(db, "fridge-2", "p2")
    hears(db, says(db, "shelly:a", battery=5), says(db, "nowhere", battery=5))
    assert set(standing(db)) == {(AlertKind.BATTERY_LOW, "fridge-1")}
    db.write_now(lambda tx: assign_probe(tx, "shelly:a/temperature:100", "fridge-2"), DEVICES)
    db.write_now(say_what_is_due, SYSTEM)
    kinds = {key for key in standing(db) if key[0] is AlertKind.BATTERY_LOW}
    assert kinds == {(AlertKind.BATTERY_LOW, "fridge-2")}


async def test_what_a_device_tells_is_acknowledged_once_it_is_stored(db: Database) -> None:
    stands(db)
    settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    async with Intake(db) as intake:
        intake.take(SupplyTold("fridges", "p1", db.clock.now(), 12, False, Receipt(settled.set_result)))
        assert await asyncio.wait_for(settled, 10)
        assert set(standing(db)) == {(AlertKind.BATTERY_LOW, "fridge-1"), (AlertKind.POWER_LOST, "fridge-1")}
