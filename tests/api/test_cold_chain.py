"""Readings are stored once, in whatever order they come; the cold chain's calls tell how every place stands."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from clinic_server.cold_chain import actions
from clinic_server.cold_chain.actions import Letter, Stored
from clinic_server.cold_chain.judging import ProfileUnknown
from clinic_server.cold_chain.rules import (
    Condition,
    Fault,
    ProbeUnknown,
    Sample,
)
from clinic_server.cold_chain.tables import dead_letter, from_unix_ms, latest_reading, reading, to_unix_ms
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.journal import journal
from clinic_server.kit.tx import Tx
from clinic_server.settings import DeviceSettings, Settings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from clinic_server.staff.sessions import open_session
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceCodeTaken, PlaceKind, PlaceUnknown
from tests.api.callers import AsRole, Client, add_member, running
from tests.conftest import ManualClock

DEVICES = system_actor("devices")
START = ManualClock().now()


def sample(seq: int, milli_celsius: int | None = 4_500, *, boot: int = 1, minutes: float | None = None) -> Sample:
    """A sample of probe p1, measured a minute after the one before it."""
    return Sample("p1", boot, seq, START + timedelta(minutes=seq if minutes is None else minutes), milli_celsius)


def store(db: Database, *samples: Sample) -> Stored:
    return db.write_now(lambda tx: actions.store_readings(tx, samples), DEVICES)


def stored_seqs(db: Database) -> list[int]:
    return list(db.read_now(lambda c: c.execute(select(reading.c.seq).order_by(reading.c.seq)).scalars().all()))


def letters(db: Database) -> Sequence[tuple[str, str, str, bytes]]:
    columns = (dead_letter.c.device_id, dead_letter.c.origin, dead_letter.c.reason, dead_letter.c.payload)
    rows = db.read_now(lambda c: c.execute(select(*columns).order_by(dead_letter.c.id)).all())
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def overview(db: Database) -> actions.Overview:
    now = db.clock.now()
    return db.read_now(lambda connection: actions.overview(connection, now))


def add_fridge(db: Database, *probe_ids: str) -> None:
    def add(tx: Tx) -> None:
        actions.add_place(tx, NewPlace("fridge-1", "Fridge 1", PlaceKind.FRIDGE, "cn-clinic-2-8"))
        for probe_id in probe_ids:
            actions.assign_probe(tx, probe_id, "fridge-1")

    db.write_now(add, DEVICES)


def refold(db: Database) -> dict[tuple[int, bool], tuple[int, int, int]]:
    """Fold every stored reading into the latest of each probe, the slow way."""
    rows = db.read_now(lambda connection: connection.execute(select(reading)).all())

    def slot(row: object) -> tuple[int, bool]:
        return row.probe, row.milli_celsius is not None and row.fault in (None, Fault.CLOCK_WRONG)  # type: ignore[attr-defined]  # a row

    return {
        key: max((row.at_unix_ms, row.boot, row.seq) for row in group)
        for key, group in groupby(sorted(rows, key=slot), key=slot)
    }


def cached(db: Database) -> dict[tuple[int, bool], tuple[int, int, int]]:
    rows = db.read_now(lambda connection: connection.execute(select(latest_reading)).all())
    return {(row.probe, row.is_judged): (row.at_unix_ms, row.boot, row.seq) for row in rows}


def test_a_sample_that_comes_again_is_stored_once(db: Database) -> None:
    assert store(db, sample(1), sample(2)) == Stored(new=2, repeated=0, contradicting=0)
    assert store(db, sample(2), sample(3), sample(3)) == Stored(new=1, repeated=2, contradicting=0)
    assert stored_seqs(db) == [1, 2, 3]
    assert letters(db) == []


def test_another_boot_is_another_sample(db: Database) -> None:
    assert store(db, sample(1), sample(1, boot=2), replace(sample(1), probe_id="p2")).new == 3


def test_a_contradicting_repetition_is_kept_as_a_dead_letter_and_the_first_word_stands(db: Database) -> None:
    first = replace(sample(1, 4_500), device_id="broker")
    assert store(db, first) == Stored(1, 0, 0)
    assert store(db, replace(first, milli_celsius=9_000), first) == Stored(0, 1, 1)
    assert store(db, sample(2), replace(sample(2), fault=Fault.SENSOR_ERROR)) == Stored(1, 0, 1)
    (device_id, origin, reason, payload), _ = letters(db)
    assert (device_id, origin, reason) == ("broker", "p1", "reading_contradicts")
    assert msgspec.json.decode(payload)["milli_celsius"] == 9_000
    values = db.read_now(lambda c: c.execute(select(reading.c.milli_celsius).order_by(reading.c.seq)).scalars().all())
    assert values == [4_500, 4_500]


def test_the_widest_numbers_a_probe_may_send_are_stored(db: Database) -> None:
    widest = Sample("p" * 128, 0xFFFF_FFFF, 0xFFFF_FFFF, START, -0x7FFF_FFFF, Fault.OUT_OF_GATE, 60 * 0xFFFF_FFFF)
    assert store(db, widest, sample(0x7FFF_FFFF, 0x7FFF_FFFF, minutes=0)).new == 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 7))
def test_order_repetition_and_lateness_change_neither_the_readings_nor_the_latest(
    db: Database, came: list[int], batch: int
) -> None:
    """Each example writes under probes of its own, because readings are for ever."""
    probe_id = db.ids.new().hex
    faults = {0: Fault.SENSOR_ERROR, 1: None, 2: Fault.CLOCK_WRONG}
    said = [replace(sample(seq, minutes=seq - 13), probe_id=probe_id, fault=faults[seq % 3]) for seq in came]
    for start in range(0, len(said), batch):
        store(db, *said[start : start + batch])
    assert cached(db) == refold(db)
    if said:
        lines = db.read_now(lambda c: actions.readings_since(c, probe_id, START - timedelta(minutes=13)))
        assert [line.seq for line in lines] == sorted({one.seq for one in said})


def test_a_late_reading_does_not_replace_a_newer_one(db: Database, clock: ManualClock) -> None:
    add_fridge(db, "p1")
    clock.pass_time(minutes=30)
    store(db, sample(29, 5_000))
    store(db, sample(3, 20_000), sample(28, 6_000))
    (place,) = overview(db).places
    (probe,) = place.probes
    assert (place.condition, probe.reading.milli_celsius if probe.reading else None) == (Condition.IN_RANGE, 5_000)
    lines = db.read_now(lambda c: actions.readings_since(c, "p1", START))
    assert [(line.seq, line.is_late) for line in lines] == [(3, True), (28, False), (29, False)]


def test_a_reading_without_a_clock_counts_from_its_arrival(db: Database, clock: ManualClock) -> None:
    store(db, replace(sample(1), measured_at=None))
    clock.pass_time(minutes=1)
    store(db, replace(sample(2), measured_at=None))
    lines = db.read_now(lambda c: actions.readings_since(c, "p1", START))
    assert [line.at for line in lines] == [START, START + timedelta(minutes=1)]
    assert cached(db) == refold(db)


def test_a_clock_that_runs_ahead_cannot_silence_what_comes_after_it(db: Database, clock: ManualClock) -> None:
    store(db, sample(1, 5_000, minutes=60 * 24 * 365))
    clock.pass_time(minutes=2)
    store(db, sample(2, 9_000))
    (probe,) = overview(db).unplaced
    assert probe.reading is not None
    assert probe.reading.milli_celsius == 9_000


def test_a_retained_value_is_shown_as_last_known_and_is_no_reading(db: Database) -> None:
    add_fridge(db, "p1")
    remembered = replace(sample(7, 5_000), is_retained=True)
    assert store(db, remembered) == Stored(0, 0, 0)
    (place,) = overview(db).places
    assert place.condition is Condition.NEVER_SEEN
    assert place.probes[0].reading is not None
    assert place.probes[0].reading.is_last_known
    assert stored_seqs(db) == []

    store(db, sample(1, 9_000), remembered)
    (place,) = overview(db).places
    assert place.condition is Condition.TOO_WARM
    assert cached(db) == refold(db)


def test_a_faulty_retained_value_makes_room_for_a_good_reading(db: Database) -> None:
    store(db, replace(sample(4, None), fault=Fault.SENSOR_ERROR, is_retained=True))
    store(db, sample(2))
    (probe,) = overview(db).unplaced
    assert (probe.reading is not None, probe.trouble) == (True, None)


def test_a_probe_nobody_assigned_is_stored_and_shown(db: Database) -> None:
    add_fridge(db)
    store(db, sample(1))
    seen = overview(db)
    assert [(place.condition, list(place.probes)) for place in seen.places] == [(Condition.NEVER_SEEN, [])]
    assert [(probe.probe_id, probe.condition) for probe in seen.unplaced] == [("p1", None)]


def test_a_probe_stands_where_its_latest_record_says(db: Database) -> None:
    add_fridge(db, "p1")
    store(db, sample(1))
    db.write_now(lambda tx: actions.assign_probe(tx, "p1", None), DEVICES)
    assert [probe.probe_id for probe in overview(db).unplaced] == ["p1"]
    db.write_now(lambda tx: actions.assign_probe(tx, "p1", "fridge-1"), DEVICES)
    assert [probe.probe_id for probe in overview(db).places[0].probes] == ["p1"]


def test_silence_shows_without_any_message(db: Database, clock: ManualClock) -> None:
    add_fridge(db, "p1", "p2")
    clock.pass_time(minutes=1)
    store(db, sample(1), replace(sample(1, 9_000), probe_id="p2"))
    assert overview(db).places[0].condition is Condition.TOO_WARM
    clock.pass_time(minutes=11)
    store(db, replace(sample(12), probe_id="p2"))
    place = overview(db).places[0]
    assert place.condition is Condition.SILENT
    assert [probe.condition for probe in place.probes] == [Condition.SILENT, Condition.IN_RANGE]


@pytest.mark.each_engine
def test_two_places_cannot_have_one_code(db: Database) -> None:
    add_fridge(db)
    with pytest.raises(PlaceCodeTaken):
        add_fridge(db)


def test_a_place_needs_known_limits_and_a_probe_a_known_place(db: Database) -> None:
    with pytest.raises(ProfileUnknown):
        db.write_now(lambda tx: actions.add_place(tx, NewPlace("f", "F", PlaceKind.COLD_BOX, "of-my-own")), DEVICES)
    with pytest.raises(PlaceUnknown):
        db.write_now(lambda tx: actions.assign_probe(tx, "p1", "nowhere"), DEVICES)
    with pytest.raises(ProbeUnknown):
        db.read_now(lambda connection: actions.readings_since(connection, "p1", START))


def test_readings_add_no_journal_line_and_places_do(db: Database) -> None:
    add_fridge(db, "p1")
    store(db, sample(1))
    kinds = db.read_now(lambda c: c.execute(select(journal.c.kind).order_by(journal.c.seq)).scalars().all())
    assert kinds == ["place_added", "probe_assigned"]


@pytest.mark.each_engine
def test_the_database_itself_refuses_to_change_a_reading_or_a_dead_letter(db: Database) -> None:
    store(db, sample(1))
    db.write_now(lambda tx: actions.keep_dead_letter(tx, Letter("d", "o", "r", b"p")), DEVICES)
    changes = ("UPDATE reading SET milli_celsius = 5000", "DELETE FROM reading", "DELETE FROM dead_letter")
    for change in map(text, changes):
        with pytest.raises(DBAPIError, match="append-only"):
            db.write_now(lambda tx, change=change: tx.execute(change), DEVICES)  # type: ignore[misc]  # the default binds the loop's value


def test_a_dead_letter_is_capped_and_any_origin_can_be_kept(db: Database) -> None:
    letter = Letter("d" * 99, "tele/a\0b/" + "x" * 300, "r" * 99, b"\xff\0" * 5_000)
    db.write_now(lambda tx: actions.keep_dead_letter(tx, letter), DEVICES)
    ((device_id, origin, reason, payload),) = letters(db)
    assert (len(device_id), len(origin), len(reason), len(payload)) == (40, 200, 64, 4096)
    assert overview(db).dead_letters_of_a_day == 1


def test_a_device_that_babbles_is_counted_and_cannot_fill_the_disk(db: Database, clock: ManualClock) -> None:
    def keep(count: int, device_id: str = "d", reason: str = "r") -> None:
        def keep_all(tx: Tx) -> None:
            for _ in range(count):
                actions.keep_dead_letter(tx, Letter(device_id, "o", reason, b"p"))

        db.write_now(keep_all, DEVICES)

    clock.pass_time(minutes=59)
    keep(actions.MOST_LETTERS_AN_HOUR + 5)
    assert len(letters(db)) == actions.MOST_LETTERS_AN_HOUR
    keep(2)
    keep(1, device_id="another")
    keep(1, reason="another")
    assert len(letters(db)) == actions.MOST_LETTERS_AN_HOUR + 2
    clock.pass_time(minutes=1)
    keep(1)
    assert len(letters(db)) == actions.MOST_LETTERS_AN_HOUR + 3
    assert overview(db).dead_letters_of_a_day == actions.MOST_LETTERS_AN_HOUR + 10
    clock.pass_time(hours=26)
    assert overview(db).dead_letters_of_a_day == 0


def test_the_database_refuses_an_oversized_dead_letter(db: Database) -> None:
    row = {"id": db.ids.new(), "device_id": "d", "origin": "o", "reason": "r", "payload": b"x" * 4097}
    with pytest.raises(DBAPIError):
        db.write_now(lambda tx: tx.execute(insert(dead_letter), {**row, "received_at": tx.now}), DEVICES)


def test_readings_are_shown_in_bounded_number(db: Database, clock: ManualClock) -> None:
    clock.pass_time(hours=40)
    store(db, *(sample(seq) for seq in range(actions.MOST_READINGS_SHOWN + 5)))
    lines = db.read_now(lambda c: actions.readings_since(c, "p1", START + timedelta(minutes=2)))
    assert len(lines) == actions.MOST_READINGS_SHOWN
    assert lines[0].seq == 2
    assert db.read_now(lambda c: c.execute(select(func.count()).select_from(reading)).scalar_one()) == 2005


@given(st.timedeltas(timedelta(0), timedelta(days=36_500)))
def test_an_instant_survives_its_milliseconds(passed: timedelta) -> None:
    at = START + passed
    assert timedelta(0) <= at - from_unix_ms(to_unix_ms(at)) < timedelta(milliseconds=1)


async def test_a_keeper_sets_up_a_fridge_and_everyone_sees_it(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    body = {"code": "fridge-1", "name": "Fridge 1", "kind": "fridge"}
    assert (await keeper.post("/api/v1/cold-chain/places", json=body)).status_code == 201
    assigned = await keeper.post("/api/v1/cold-chain/probes", json={"probe_id": "p1", "place_code": "fridge-1"})
    assert assigned.status_code == 201
    clock.pass_time(minutes=3)
    await house.db.write(lambda tx: actions.store_readings(tx, [sample(1, 8_000), sample(2, 8_001)]), DEVICES)

    registrar = await as_role(Role.REGISTRAR)
    (place,) = (await registrar.get("/api/v1/cold-chain")).json()["places"]
    assert (place["condition"], place["limits"]["high_milli_celsius"]) == ("too_warm", 8_000)
    assert place["probes"][0]["reading"]["milli_celsius"] == 8_001
    since = {"probe": "p1", "since": (START + timedelta(minutes=2)).isoformat()}
    lines = (await registrar.get("/api/v1/cold-chain/readings", params=since)).json()
    assert [(line["seq"], line["milli_celsius"]) for line in lines] == [(2, 8_001)]


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("places", {"code": "fridge-1", "name": "Again", "kind": "fridge"}, (409, "place_code_taken")),
        ("places", {"code": "f", "name": "F", "kind": "fridge", "profile": "mine"}, (422, "profile_unknown")),
        ("places", {"code": "F 1", "name": "F", "kind": "fridge"}, (400, "malformed")),
        ("places", {"code": "f", "name": "F", "kind": "sofa"}, (400, "malformed")),
        ("probes", {"probe_id": "p1", "place_code": "nowhere"}, (404, "place_unknown")),
        ("probes", {"probe_id": "", "place_code": None}, (400, "malformed")),
    ],
)
async def test_what_cannot_be_set_up_is_refused_with_its_code(
    as_role: AsRole, house: House, path: str, body: dict[str, object], refusal: tuple[int, str]
) -> None:
    await asyncio.to_thread(add_fridge, house.db)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    answer = await keeper.post(f"/api/v1/cold-chain/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == refusal


async def test_only_keepers_and_owners_set_up_the_cold_chain(as_role: AsRole, client: Client) -> None:
    body = {"probe_id": "p1", "place_code": None}
    refused = await (await as_role(Role.REGISTRAR)).post("/api/v1/cold-chain/probes", json=body)
    assert refused.status_code == 403
    assert (await (await as_role(Role.OWNER)).post("/api/v1/cold-chain/probes", json=body)).status_code == 201
    assert (await client.get("/api/v1/cold-chain")).status_code == 401


async def test_readings_of_an_unknown_probe_or_a_naive_instant_are_refused(as_role: AsRole) -> None:
    anyone = await as_role(Role.REGISTRAR)
    unknown = await anyone.get("/api/v1/cold-chain/readings", params={"probe": "p9", "since": START.isoformat()})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "probe_unknown")
    naive = await anyone.get("/api/v1/cold-chain/readings", params={"probe": "p9", "since": "2026-03-02T01:00:00"})
    assert naive.status_code == 400


async def test_the_page_shows_every_fridge_with_limits_age_and_a_word(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    await asyncio.to_thread(add_fridge, house.db, "p1")
    clock.pass_time(minutes=5)
    faulty = replace(sample(4, -127_000), fault=Fault.DISCONNECTED)
    remembered = replace(sample(1, 4_000), probe_id="p3", is_retained=True)
    said = [sample(2, 8_040), faulty, replace(sample(3, 3_500), probe_id="p2"), remembered]
    await house.db.write(lambda tx: actions.store_readings(tx, said), DEVICES)
    await house.db.write(lambda tx: actions.keep_dead_letter(tx, Letter("d", "o", "r", b"")), DEVICES)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    page = " ".join((await keeper.get("/cold-chain")).text.split())
    shown = (
        "TOO WARM",
        "2.0 °C",
        "8.0 °C",
        "8.040 °C",
        "3 min ago",
        "The sensor is unplugged",
        "\N{MINUS SIGN}127.0 °C",
    )
    for words in (*shown, "3.5 °C", "Not assigned to a place", "Last known, not a reading", "1 message of the last 24"):
        assert words in page
    clock.pass_time(hours=3)
    refreshed = (await keeper.get("/cold-chain/now")).text
    assert "SILENT" in refreshed
    assert "<html" not in refreshed


async def test_the_start_page_of_a_keeper_tells_how_every_fridge_stands_and_what_is_to_be_read(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    await asyncio.to_thread(add_fridge, house.db, "p1")
    second = NewPlace("fridge-2", "Fridge 2", PlaceKind.FRIDGE, "cn-clinic-2-8")
    await house.db.write(lambda tx: actions.add_place(tx, second), DEVICES)
    await house.db.write(lambda tx: actions.assign_probe(tx, "p2", "fridge-2"), DEVICES)
    clock.pass_time(minutes=5)
    said = [sample(4, 5_000), replace(sample(4, 9_100), probe_id="p2")]
    await house.db.write(lambda tx: actions.store_readings(tx, said), DEVICES)
    keeper, registrar = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.REGISTRAR)
    assert "/cold-chain/standing" in (await keeper.get("/")).text
    assert "/cold-chain/standing" not in (await registrar.get("/")).text
    assert (await registrar.get("/cold-chain/standing")).status_code == 403
    shown = (await keeper.get("/cold-chain/standing")).text
    assert shown.index("Fridge 2") < shown.index("Fridge 1"), "what fails stands first"
    for words in ("TOO WARM", "9.1 °C", "In range", "5.0 °C", "Morning", "To be read now", "Read the thermometers"):
        assert words in shown
    for code in ("fridge-1", "fridge-2"):
        read = {"place_code": code, "temperature": "5.1" if code == "fridge-1" else "5.2"}
        assert (await keeper.post("/cold-chain/rounds", data=read)).status_code == 303
    assert "To be read now" not in (await keeper.get("/cold-chain/standing")).text


async def test_the_page_sets_up_places_and_probes_without_javascript(as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    empty = await keeper.get("/cold-chain")
    assert "No fridge or cold box is set up." in empty.text
    place = {"code": "box-1", "name": "Box 1", "kind": "cold_box", "profile": "cn-clinic-2-8"}
    added = await keeper.post("/cold-chain/places", data=place)
    assert (added.status_code, added.headers["location"]) == (303, "/cold-chain")
    for place_code in ("box-1", ""):
        assigned = await keeper.post("/cold-chain/probes", data={"probe_id": "p1", "place_code": place_code})
        assert assigned.status_code == 303
    assert "Never heard of" in (await keeper.get("/cold-chain")).text
    assert "Assign a probe" not in (await (await as_role(Role.REGISTRAR)).get("/cold-chain")).text


async def test_readings_tell_the_open_pages_to_look_again(house: House) -> None:
    with house.db.broadcaster.open(frozenset({actions.COLD_CHAIN})) as page:
        await house.db.write(lambda tx: actions.store_readings(tx, [sample(1)]), DEVICES)
        change = await page.next(5.0)
    assert change is not None
    assert change.topic == actions.COLD_CHAIN


async def test_the_devices_are_listed(settings: Settings, clock: ManualClock) -> None:
    device = {"device_id": "r1", "kind": "id_card_reader", "url": "memory://none", "simulated": True}
    fax = {"device_id": "x1", "kind": "fax", "url": "tcp://user:secret@127.0.0.1:1"}
    devices = tuple(DeviceSettings.model_validate(one) for one in (device, fax))
    async with running(settings.model_copy(update={"devices": devices}), clock) as app:
        house: House = app.state.house

        def join(tx: Tx) -> str:
            add_station(tx, "office", StationKind.OFFICE)
            return open_session(tx, add_member(tx, [Role.AUDITOR]), "office")

        token = await house.db.write(join, DEVICES)
        async with Client(app, authorization=f"Bearer {token}") as auditor:
            listed = (await auditor.get("/api/v1/devices")).json()
            page = (await auditor.get("/devices")).text
            assert (await auditor.get("/devices/now")).status_code == 200
    assert [(one["device_id"], one["is_simulated"], one["address"]) for one in listed] == [
        ("r1", True, "memory://none"),
        ("x1", False, "tcp://127.0.0.1:1"),
    ]
    for words in ("r1", "ID card reader", "Simulated", "fax"):
        assert words in page
    assert "secret" not in page
