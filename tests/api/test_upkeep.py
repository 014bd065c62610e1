"""Readings by hand, certificates, probes, appliances and limits at a running site; and seals over what probes said."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from clinic_server.alerts.raising import open_alerts, raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, CloseReason, Severity
from clinic_server.alerts.tables import alert_closed, alert_now
from clinic_server.alerts.telling import as_written
from clinic_server.cold_chain.actions import assign_probe, store_readings
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.rules import ProbeEnd, ProbeIsRetired, ProbeState, ProbeUnknown, Sample
from clinic_server.cold_chain.tables import reading
from clinic_server.cold_chain.upkeep import appliances, certificates, hand_readings, probes, sealing, site_limits
from clinic_server.cold_chain.upkeep.in_force import profile_at
from clinic_server.cold_chain.upkeep.limits import (
    LimitsFromPast,
    LimitsNeedSecond,
    LimitsOutsideLabel,
    LimitsStand,
    LimitsUnknown,
    unchanged,
)
from clinic_server.cold_chain.upkeep.rules import (
    ActionNeeded,
    ApplianceUnknown,
    CertificateStands,
    CertificateState,
    CertificateUnknown,
    Half,
    NotReadByHand,
    PlaceHoldsVaccine,
    RoundState,
    ServiceKind,
    UpkeepNeedsSecond,
)
from clinic_server.cold_chain.upkeep.watching import ReadingSeals, UpkeepDue, say_what_is_due
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.journal import verify
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace, add_place, require_place
from clinic_server.stock.whereabouts import PlaceKind
from tests.api.callers import AsRole
from tests.api.visitors import SYSTEM, TODAY, a_colleague, a_lot, a_place, a_product, rows_in
from tests.conftest import ManualClock

ZONE = ZoneInfo("Asia/Shanghai")  # the clock of the tests begins at 09:00 here
CLINIC = profile_of("cn-clinic-2-8")
PLATE = appliances.NewAppliance("fridge-1", "海尔生物", "HYC-118", "SN-1", 118, date(2025, 1, 1))
CERTIFICATE = certificates.NewCertificate("p1", "JZ-001", "省计量院", date(2026, 1, 5), -200)


def a_keeper(db: Database) -> Actor:
    return a_colleague(db, Role.COLD_CHAIN_KEEPER)


def a_lead(db: Database) -> Actor:
    return a_colleague(db, Role.SITE_LEAD)


def refused(db: Database, kind: type[ClinicError], act: Callable[[Any], object], actor: Actor) -> None:
    before = rows_in(db)
    with pytest.raises(kind):
        db.write_now(act, actor)
    assert rows_in(db) == before


def read_by_hand(
    db: Database, actor: Actor, typed: str = "4.6", done: str | None = None
) -> hand_readings.HandReadingRef:
    new = hand_readings.NewHandReading("fridge-1", typed, done)
    return db.write_now(lambda tx: hand_readings.take_reading(tx, new), actor)


def rounds(db: Database) -> hand_readings.PlaceRounds:
    (found,) = db.read_now(lambda c: hand_readings.hand_rounds(c, db.clock.now(), ZONE))
    return found


def alerts(db: Database) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.summary) for one in db.read_now(open_alerts)]


def look(db: Database) -> None:
    db.write_now(say_what_is_due, SYSTEM)


def say(db: Database, *seqs: int, milli_celsius: int = 4_500, late_minutes: int = 0) -> None:
    at = db.clock.now() - timedelta(minutes=late_minutes)
    samples = [Sample("p1", 1, seq, at + timedelta(seconds=seq), milli_celsius) for seq in seqs]
    db.write_now(lambda tx: store_readings(tx, samples), SYSTEM)


def seal_now(db: Database) -> bool:
    found = db.read_now(lambda c: sealing.unsealed_hours(c, db.clock.now()))
    if found is None:
        return False
    db.write_now(lambda tx: sealing.seal(tx, found), SYSTEM)
    return True


def broken(db: Database) -> list[tuple[int, int]]:
    return [(one.sealed, one.found) for one in db.read_now(sealing.broken_seals)]


def test_a_reading_by_hand_counts_for_its_half_of_the_day_and_is_never_among_the_probes(db: Database) -> None:
    a_place(db)
    keeper = a_keeper(db)
    taken = read_by_hand(db, keeper, "４，６")
    assert (taken.on, taken.half) == (TODAY, Half.MORNING)
    (line,) = rounds(db).readings
    assert (line.milli_celsius, line.is_in_range, line.action_taken) == (4_600, True, None)
    assert [one.state for one in rounds(db).today] == [RoundState.DONE, RoundState.NOT_YET]
    assert db.read_now(lambda c: c.execute(select(reading)).first()) is None


def test_out_of_range_asks_what_was_done_and_the_limits_themselves_are_in_range(db: Database) -> None:
    a_place(db)
    keeper = a_keeper(db)
    new = hand_readings.NewHandReading("fridge-1", "8.1")
    refused(db, ActionNeeded, lambda tx: hand_readings.take_reading(tx, new), keeper)
    for typed, done in (("8.0", None), ("2", None), ("8.1", "门未关严，已关好"), ("1.9", "调高温控")):
        read_by_hand(db, keeper, typed, done)
    assert [one.is_in_range for one in rounds(db).readings] == [False, False, True, True]


def test_only_fridges_and_freezers_in_service_are_read_by_hand(db: Database) -> None:
    a_place(db)
    a_place(db, "bench-1-box", "bench-1")
    keeper = a_keeper(db)
    box = hand_readings.NewHandReading("bench-1-box", "4.6")
    refused(db, NotReadByHand, lambda tx: hand_readings.take_reading(tx, box), keeper)
    assert rounds(db).place.code == "fridge-1"


def test_a_missed_round_raises_one_warning_that_the_next_reading_ends(db: Database, clock: ManualClock) -> None:
    a_place(db)
    keeper = a_keeper(db)
    clock.pass_time(hours=2)
    look(db)
    assert alerts(db) == [], "the morning had begun before there was a fridge"
    clock.pass_time(hours=7)
    look(db)
    look(db)
    assert alerts(db) == [(AlertKind.MANUAL_READING_MISSED, "PM 2026-03-02 NOT READ")]
    clock.pass_time(hours=17)
    look(db)
    assert alerts(db) == [(AlertKind.MANUAL_READING_MISSED, "AM 2026-03-03 NOT READ")]
    clock.pass_time(hours=1)
    read_by_hand(db, keeper)
    look(db)
    assert alerts(db) == []
    assert [one.half for one in rounds(db).missed] == [Half.AFTERNOON, Half.MORNING]
    before = rows_in(db)
    look(db)
    assert rows_in(db) == before


def test_a_certificate_counts_once_a_second_person_signed_and_alters_no_reading(db: Database) -> None:
    say(db, 1, 2)
    said = db.read_now(lambda c: c.execute(select(reading)).all())
    keeper, lead = a_keeper(db), a_lead(db)
    entered = db.write_now(lambda tx: certificates.enter_certificate(tx, CERTIFICATE), keeper)
    confirm = lambda tx: certificates.confirm_certificate(tx, entered.certificate_id)  # noqa: E731  # called four times
    refused(db, UpkeepNeedsSecond, confirm, keeper)
    assert db.read_now(certificates.standing_certificates) == {}
    db.write_now(confirm, lead)
    refused(db, CertificateStands, confirm, lead)
    held = db.read_now(certificates.standing_certificates)["p1"]
    assert (held.valid_until, held.deviation_milli_celsius) == (date(2027, 1, 5), -200)
    assert db.read_now(lambda c: c.execute(select(reading)).all()) == said
    unknown = UUID(int=1)
    refused(db, CertificateUnknown, lambda tx: certificates.confirm_certificate(tx, unknown), lead)


def test_a_corrected_entry_replaces_the_one_that_waited(db: Database) -> None:
    keeper, lead = a_keeper(db), a_lead(db)
    wrong = replace(CERTIFICATE, deviation_milli_celsius=2_000)
    first = db.write_now(lambda tx: certificates.enter_certificate(tx, wrong), keeper)
    db.write_now(lambda tx: certificates.enter_certificate(tx, CERTIFICATE), keeper)
    (waiting,) = db.read_now(certificates.waiting_certificates)
    assert waiting.certificate.deviation_milli_celsius == -200
    refused(db, CertificateStands, lambda tx: certificates.confirm_certificate(tx, first.certificate_id), lead)


def test_a_calibration_that_ran_out_raises_a_warning_that_a_new_one_ends(db: Database) -> None:
    a_place(db)
    keeper, lead = a_keeper(db), a_lead(db)
    db.write_now(lambda tx: assign_probe(tx, "p1", "fridge-1", "first set-up"), keeper)

    def certify(new: certificates.NewCertificate) -> None:
        entered = db.write_now(lambda tx: certificates.enter_certificate(tx, new), keeper)
        db.write_now(lambda tx: certificates.confirm_certificate(tx, entered.certificate_id), lead)

    certify(replace(CERTIFICATE, calibrated_on=date(2025, 3, 1)))
    look(db)
    assert alerts(db) == [(AlertKind.CALIBRATION_DUE, "CALIBRATION ENDED 2026-03-01")]
    certify(replace(CERTIFICATE, certificate_number="JZ-002"))
    look(db)
    assert alerts(db) == []
    (seen,) = db.read_now(lambda c: probes.probes(c, TODAY))
    assert (seen.certificate_state, seen.state) == (CertificateState.VALID, ProbeState.PLACED)


def test_a_probes_life_tells_where_it_was_and_why_it_ended(db: Database) -> None:
    a_place(db)
    keeper = a_keeper(db)
    for code, why in (("fridge-1", "first set-up"), (None, "battery"), ("fridge-1", None)):
        db.write_now(lambda tx, code=code, why=why: assign_probe(tx, "p1", code, why), keeper)  # type: ignore[misc]
    db.write_now(lambda tx: probes.end_probe(tx, "p1", ProbeEnd.LOST, "fell behind the fridge"), keeper)
    db.write_now(lambda tx: assign_probe(tx, "p1", "fridge-1", "found again"), keeper)
    db.write_now(lambda tx: probes.end_probe(tx, "p1", ProbeEnd.RETIRED, "cable broken"), keeper)
    (seen,) = db.read_now(lambda c: probes.probes(c, TODAY))
    states = [ProbeState.RETIRED, ProbeState.PLACED, ProbeState.LOST, ProbeState.PLACED, ProbeState.SPARE]
    assert [one.state for one in seen.steps] == [*states, ProbeState.PLACED]
    assert [one.reason for one in seen.steps][:3] == ["cable broken", "found again", "fell behind the fridge"]
    refused(db, ProbeIsRetired, lambda tx: assign_probe(tx, "p1", "fridge-1"), keeper)
    refused(db, ProbeIsRetired, lambda tx: probes.end_probe(tx, "p1", ProbeEnd.LOST, "again"), keeper)
    refused(db, ProbeUnknown, lambda tx: probes.end_probe(tx, "p9", ProbeEnd.LOST, "which"), keeper)


def test_the_end_of_a_probe_ends_its_alerts_and_a_temperature_only_if_somebody_has_it_in_hand(db: Database) -> None:
    a_place(db)
    a_place(db, "fridge-2")
    keeper = a_keeper(db)

    def trouble(tx: Any) -> None:
        for probe_id, place in (("p1", "fridge-1"), ("p2", "fridge-2")):
            assign_probe(tx, probe_id, place)
            for kind in (AlertKind.NO_DATA, AlertKind.TOO_WARM, AlertKind.MANUAL_READING_MISSED):
                raise_alarm(tx, Alarm(kind, Severity.ALARM, as_written("SEEN"), place))
        tx.journal("furnished")

    def acknowledge(tx: Any) -> None:
        here = (alert_now.c.place_code == "fridge-2", alert_now.c.kind == AlertKind.TOO_WARM)
        tx.execute(alert_now.update().where(*here).values(acknowledged_at=tx.now))

    db.write_now(trouble, keeper)
    db.write_now(acknowledge, keeper)
    db.write_now(lambda tx: probes.end_probe(tx, "p1", ProbeEnd.LOST, "gone"), keeper)
    assert sum(one.place_code == "fridge-2" for one in db.read_now(open_alerts)) == 3, "another place's are its own"
    db.write_now(lambda tx: probes.end_probe(tx, "p2", ProbeEnd.LOST, "gone"), keeper)
    left = {(one.place_code, one.kind) for one in db.read_now(open_alerts)}
    missed = AlertKind.MANUAL_READING_MISSED
    assert left == {("fridge-1", missed), ("fridge-1", AlertKind.TOO_WARM), ("fridge-2", missed)}
    reasons = db.read_now(lambda c: c.execute(select(alert_closed.c.reason)).scalars().all())
    assert set(reasons) == {CloseReason.PROBE_RETIRED}


def test_a_temperature_in_hand_goes_on_while_another_probe_stands_there(db: Database) -> None:
    a_place(db)
    keeper = a_keeper(db)

    def trouble(tx: Any) -> None:
        assign_probe(tx, "p1", "fridge-1")
        assign_probe(tx, "p2", "fridge-1")
        raise_alarm(tx, Alarm(AlertKind.TOO_WARM, Severity.ALARM, as_written("SEEN"), "fridge-1"))
        tx.execute(alert_now.update().values(acknowledged_at=tx.now))
        tx.journal("furnished")

    db.write_now(trouble, keeper)
    db.write_now(lambda tx: probes.end_probe(tx, "p1", ProbeEnd.RETIRED, "old"), keeper)
    assert alerts(db) == [(AlertKind.TOO_WARM, "SEEN")]


def test_a_place_in_service_without_a_probe_says_so(db: Database) -> None:
    a_place(db)
    a_place(db, "bench-1-box", "bench-1")
    keeper = a_keeper(db)

    def unwatched() -> list[str]:
        return db.read_now(lambda c: [one.code for one in probes.places_without_probe(c, probes.probes(c, TODAY))])

    assert unwatched() == ["fridge-1"]
    db.write_now(lambda tx: assign_probe(tx, "p1", "fridge-1"), keeper)
    assert unwatched() == []
    db.write_now(lambda tx: probes.end_probe(tx, "p1", ProbeEnd.LOST, "gone"), keeper)
    assert unwatched() == ["fridge-1"]
    out_of_service(db, keeper)
    assert unwatched() == []


def out_of_service(db: Database, keeper: Actor, kind: ServiceKind = ServiceKind.OUT_OF_SERVICE) -> None:
    db.write_now(lambda tx: appliances.enter_appliance(tx, PLATE), keeper)
    entry = appliances.NewService("fridge-1", kind, TODAY, "维修站", "压缩机", date(2026, 9, 1))
    db.write_now(lambda tx: appliances.enter_service(tx, entry), keeper)


def test_the_register_keeps_the_plate_and_the_service_book(db: Database) -> None:
    a_place(db)
    keeper = a_keeper(db)
    entry = appliances.NewService("fridge-1", ServiceKind.SERVICED, TODAY, "维修站", None, date(2026, 9, 1))
    refused(db, ApplianceUnknown, lambda tx: appliances.enter_service(tx, entry), keeper)
    out_of_service(db, keeper, ServiceKind.SERVICED)
    (kept,) = db.read_now(appliances.register)
    assert kept.appliance is not None
    assert (kept.appliance.serial_number, kept.appliance.capacity_litres) == ("SN-1", 118)
    assert (kept.next_due_on, kept.is_in_service, [one.note for one in kept.book]) == (
        date(2026, 9, 1),
        True,
        ["压缩机"],
    )


def test_an_appliance_out_of_service_is_neither_read_nor_missed(db: Database, clock: ManualClock) -> None:
    a_place(db)
    keeper = a_keeper(db)
    out_of_service(db, keeper)
    reading_there = hand_readings.NewHandReading("fridge-1", "4.6")
    refused(db, NotReadByHand, lambda tx: hand_readings.take_reading(tx, reading_there), keeper)
    clock.pass_time(hours=12)
    look(db)
    assert alerts(db) == []
    back = appliances.NewService("fridge-1", ServiceKind.BACK_IN_SERVICE, TODAY, "维修站")
    db.write_now(lambda tx: appliances.enter_service(tx, back), keeper)
    assert rounds(db).missed == [], "the afternoon passed while nothing stood there"
    clock.pass_time(hours=14)
    assert [one.half for one in rounds(db).missed] == [Half.MORNING]


def test_a_place_that_vaccine_stands_in_stays_in_service(db: Database) -> None:
    a_product(db)
    a_lot(db, "UNIT-0001", bench=None)
    keeper = a_keeper(db)
    db.write_now(lambda tx: appliances.enter_appliance(tx, PLATE), keeper)
    out = appliances.NewService("fridge-1", ServiceKind.OUT_OF_SERVICE, TODAY, "维修站")
    refused(db, PlaceHoldsVaccine, lambda tx: appliances.enter_service(tx, out), keeper)


def test_a_places_readings_are_kept_by_the_latest_expiry_that_ever_stood_there(db: Database) -> None:
    a_product(db)
    a_place(db, "fridge-2")
    a_lot(db, "UNIT-0001", bench=None, expires_on=date(2027, 1, 1))
    a_lot(db, "UNIT-0002", bench=None, expires_on=date(2028, 6, 30))
    kept = {one.place.code: one.kept_until for one in db.read_now(appliances.register)}
    assert kept == {"fridge-1": date(2033, 6, 30), "fridge-2": None}


def propose(db: Database, lead: Actor, **told: Any) -> UUID:
    new = site_limits.NewLimits(
        **{"place_code": "fridge-1", "base": "cn-clinic-2-8", "from_on": TODAY, "reason": "r"} | told
    )
    return db.write_now(lambda tx: site_limits.propose_limits(tx, new), lead).proposal_id


def judged_by(db: Database, at: datetime) -> tuple[str, int]:
    place_id = db.read_now(lambda c: require_place(c, "fridge-1")).place_id
    found = db.read_now(lambda c: profile_at(c, place_id, at))
    return found.profile, found.version


def test_limits_hold_from_their_day_once_two_people_agreed_and_earlier_ones_stay(
    db: Database, clock: ManualClock
) -> None:
    a_place(db)
    lead, keeper = a_lead(db), a_keeper(db)
    started = clock.now()
    rules = unchanged(CLINIC).rules
    quick = replace(unchanged(CLINIC), rules=(*rules[:2], replace(rules[2], for_s=300), *rules[3:]))
    first = propose(db, lead, changes=quick)
    confirm = lambda tx: site_limits.confirm_limits(tx, first)  # noqa: E731  # called three times
    refused(db, LimitsNeedSecond, confirm, lead)
    assert judged_by(db, clock.now()) == ("cn-clinic-2-8", 1)
    clock.pass_time(hours=1)
    db.write_now(confirm, keeper)
    refused(db, LimitsStand, confirm, keeper)
    assert judged_by(db, clock.now()) == ("own-fridge-1", 1)
    assert judged_by(db, clock.now() - timedelta(seconds=1)) == ("cn-clinic-2-8", 1)
    second = propose(db, lead, changes=quick, from_on=TODAY + timedelta(days=2))
    db.write_now(lambda tx: site_limits.confirm_limits(tx, second), keeper)
    begins = datetime(2026, 3, 4, tzinfo=ZONE).astimezone(UTC)
    assert judged_by(db, begins - timedelta(seconds=1)) == ("own-fridge-1", 1)
    assert judged_by(db, begins) == ("own-fridge-1", 2)
    assert judged_by(db, started) == ("cn-clinic-2-8", 1)
    refused(db, LimitsUnknown, lambda tx: site_limits.confirm_limits(tx, UUID(int=1)), keeper)


def test_limits_outside_what_the_vaccine_there_says_are_refused_at_both_signatures(db: Database) -> None:
    a_place(db)
    lead, keeper = a_lead(db), a_keeper(db)
    empty = propose(db, lead, base="ambient")
    a_product(db)
    a_lot(db, "UNIT-0001", bench=None)
    refused(db, LimitsOutsideLabel, lambda tx: site_limits.confirm_limits(tx, empty), keeper)
    with pytest.raises(LimitsOutsideLabel):
        propose(db, lead, base="freezer-20")
    with pytest.raises(LimitsFromPast):
        propose(db, lead, from_on=TODAY - timedelta(days=1))


def test_an_hour_of_readings_is_sealed_once_under_one_line(db: Database, clock: ManualClock) -> None:
    say(db, 1, 2, 3)
    assert not seal_now(db)
    clock.pass_time(hours=1)
    assert not seal_now(db)
    clock.pass_time(minutes=6)
    assert seal_now(db)
    assert not seal_now(db)
    clock.pass_time(hours=5)
    assert not seal_now(db), "hours without a reading need no seal; the next one covers them"
    say(db, 4, late_minutes=200)
    clock.pass_time(hours=2)
    assert seal_now(db)
    assert broken(db) == []
    seals = db.read_now(lambda c: c.execute(text("SELECT readings FROM readings_sealed ORDER BY journal_seq")).all())
    assert [row.readings for row in seals] == [3, 1], "late ones are sealed in the hour they came"


TAMPERING = [
    ("UPDATE reading SET milli_celsius = 4501 WHERE seq = 2", (3, 3)),
    ("UPDATE reading SET at_unix_ms = at_unix_ms + 1 WHERE seq = 3", (3, 3)),
    ("UPDATE reading SET is_late = NOT is_late WHERE seq = 1", (3, 3)),
    ("UPDATE heard_probe SET probe_id = 'p2'", (3, 3)),
    ("DELETE FROM reading WHERE seq = 1", (3, 2)),
    (
        (
            "INSERT INTO reading (probe, boot, seq, at_unix_ms, received_unix_ms, milli_celsius, is_late)"
            " SELECT probe, boot, 9, at_unix_ms, received_unix_ms, milli_celsius, is_late FROM reading WHERE seq = 1"
        ),
        (3, 4),
    ),
    (
        (
            "INSERT INTO reading (probe, boot, seq, at_unix_ms, received_unix_ms, milli_celsius, is_late)"
            " SELECT probe, boot, 9, at_unix_ms, 5, milli_celsius, is_late FROM reading WHERE seq = 1"
        ),
        (3, 4),
    ),
]


def behind_its_back(db: Database, change: str) -> None:
    """Change bytes as somebody with the file or the superuser's password would: without the guards."""

    def tamper(tx: Any) -> None:
        if tx.connection.dialect.name == "postgresql":
            for table in ("reading", "heard_probe", "readings_sealed"):
                tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        else:
            names = tx.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                tx.execute(text(f'DROP TRIGGER "{name}"'))
        tx.execute(text(change))

    db.write_now(tamper, SYSTEM)


@pytest.mark.parametrize(("change", "sealed_and_found"), TAMPERING)
def test_a_reading_changed_removed_or_added_behind_the_servers_back_breaks_its_seal(
    db: Database, clock: ManualClock, change: str, sealed_and_found: tuple[int, int]
) -> None:
    say(db, 1, 2, 3)
    clock.pass_time(hours=2)
    assert seal_now(db)
    say(db, 4)
    clock.pass_time(hours=2)
    assert seal_now(db)
    assert broken(db) == []
    behind_its_back(db, change)
    assert sealed_and_found in broken(db)


@pytest.mark.each_engine
def test_a_seal_that_is_gone_breaks_the_next_and_the_journal(db: Database, clock: ManualClock) -> None:
    for seq in (1, 2):
        say(db, seq)
        clock.pass_time(hours=2)
        assert seal_now(db)
    behind_its_back(
        db, "DELETE FROM readings_sealed WHERE journal_seq = (SELECT min(journal_seq) FROM readings_sealed)"
    )
    assert broken(db) == [(1, 1)]
    assert db.read_now(lambda c: verify(c, db.keyring.journal_key)).faults


async def test_the_server_looks_after_both_by_itself(house: House, clock: ManualClock) -> None:
    def furnish(tx: Any) -> None:
        add_place(tx, NewPlace("fridge-1", "Fridge 1", PlaceKind.FRIDGE, "cn-clinic-2-8"))
        store_readings(tx, [Sample("p1", 1, 1, tx.now, 4_500)])

    await house.db.write(furnish, SYSTEM)
    clock.pass_time(hours=10)
    before = await house.db.read(open_alerts)
    await UpkeepDue(house).look()
    await ReadingSeals(house).look()
    assert before == []
    assert [one.kind for one in await house.db.read(open_alerts)] == [AlertKind.MANUAL_READING_MISSED]
    sealed = await house.db.read(lambda c: c.execute(text("SELECT count(*) FROM readings_sealed")).scalar())
    assert sealed == 1


async def test_every_call_of_upkeep_does_what_it_says(as_role: AsRole) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    place = {"code": "fridge-1", "name": "Fridge 1", "kind": "fridge"}
    api = "/api/v1/cold-chain"
    assert (await keeper.post(f"{api}/places", json=place)).status_code == 201
    probe = {"probe_id": "p1", "place_code": "fridge-1", "reason": "first set-up"}
    assert (await keeper.post(f"{api}/probes", json=probe)).status_code == 201
    warm = {"place_code": "fridge-1", "temperature": "9.1"}
    answer = await keeper.post(f"{api}/hand-readings", json=warm)
    assert (answer.status_code, answer.json()["code"]) == (422, "reading_needs_action")
    assert (await keeper.post(f"{api}/hand-readings", json=warm | {"action_taken": "door shut"})).status_code == 201
    (shown,) = (await keeper.get(f"{api}/hand-readings")).json()
    assert shown["readings"][0]["milli_celsius"] == 9_100
    paper = {
        "probe_id": "p1",
        "certificate_number": "JZ-1",
        "laboratory": "Lab",
        "calibrated_on": "2026-01-05",
        "deviation_milli_celsius": -200,
    }
    certificate_id = (await keeper.post(f"{api}/certificates", json=paper)).json()["certificate_id"]
    assert (await lead.post(f"{api}/certificates/{certificate_id}/confirmation")).status_code == 201
    plate = {"place_code": "fridge-1", "maker": "M", "type_name": "T", "serial_number": "S", "capacity_litres": 118}
    assert (await keeper.post(f"{api}/appliances", json=plate | {"in_use_since_on": "2025-01-01"})).status_code == 201
    service = {"place_code": "fridge-1", "kind": "serviced", "done_on": "2026-03-02", "done_by": "Firm"}
    assert (await keeper.post(f"{api}/appliances/services", json=service)).status_code == 201
    assert (await keeper.get(f"{api}/appliances")).json()[0]["book"][0]["kind"] == "serviced"
    limits = {"place_code": "fridge-1", "base": "us-cdc-2-8", "from_on": "2026-03-02", "reason": "r"}
    assert (await keeper.post(f"{api}/limits", json=limits)).status_code == 403
    proposal_id = (await lead.post(f"{api}/limits", json=limits)).json()["proposal_id"]
    assert (await keeper.post(f"{api}/limits/{proposal_id}/confirmation")).status_code == 201
    assert (await keeper.get(f"{api}/limits")).json()[0]["limits"]["profile"] == "us-cdc-2-8"
    changes = {"low_milli_celsius": 2_000, "high_milli_celsius": 9_000, "no_data_after_s": 3_600, "rules": []}
    looser = await lead.post(f"{api}/limits", json=limits | {"changes": changes})
    assert looser.json()["code"] == "limits_contradict"
    gone = {"probe_id": "p1", "ended_as": "lost", "reason": "fell"}
    assert (await keeper.post(f"{api}/probes/end", json=gone)).status_code == 201
    assert (await keeper.get(f"{api}/probes")).json()[0]["steps"][0]["ended_as"] == "lost"


async def test_the_pages_work_without_javascript(as_role: AsRole, house: House) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    place = {"code": "fridge-1", "name": "Fridge 1", "kind": "fridge", "profile": "cn-clinic-2-8"}
    await keeper.post("/cold-chain/places", data=place)
    await keeper.post("/cold-chain/probes", data={"probe_id": "p1", "place_code": "fridge-1", "reason": "set up"})
    done = [
        await keeper.post("/cold-chain/rounds", data={"place_code": "fridge-1", "temperature": "4,6"}),
        await keeper.post(
            "/cold-chain/certificates",
            data={
                "certified_probe": "p1",
                "certificate_number": "JZ-1",
                "laboratory": "Lab",
                "calibrated_on": "2026-01-05",
                "valid_until": "",
                "deviation": "−0.6",
            },
        ),
        await keeper.post(
            "/cold-chain/appliances",
            data={
                "place_code": "fridge-1",
                "maker": "M",
                "type_name": "T",
                "serial_number": "S-7",
                "capacity_litres": "118",
                "in_use_since_on": "2025-01-01",
            },
        ),
        await keeper.post(
            "/cold-chain/appliances/services",
            data={"serviced_place": "fridge-1", "kind": "defrosted", "done_on": "2026-03-01", "done_by": "Firm"},
        ),
        await lead.post("/cold-chain/limits/from/cn-clinic-2-8", data=typed_limits(minutes_2="5")),
    ]
    assert [answer.status_code for answer in done] == [303] * 5
    assert "4.6 °C" in (await keeper.get("/cold-chain/rounds")).text
    certificates_page = (await lead.get("/cold-chain/probes")).text
    for words in ("waits for a second person", "−0.60 °C", "set up", "No certificate"):
        assert words in certificates_page
    register = (await keeper.get("/cold-chain/appliances")).text
    for words in ("S-7", "Defrosted", "No vaccine has stood here yet"):
        assert words in register
    shown = (await lead.get("/cold-chain/limits?place=fridge-1&base=who-pqs-2-8")).text
    for words in ("wait for a second person", "own-fridge-1 1", "WHO PQS E006"):
        assert words in shown
    (proposal,) = await house.db.read(site_limits.limits_seen)
    assert proposal.limits.rules[2].for_s == 300
    agreed = await keeper.post(f"/cold-chain/limits/{proposal.proposal_id}/confirmation", data={})
    assert agreed.status_code == 303
    lost = {"probe_id": "p1", "ended_as": "lost", "end_reason": "fell"}
    assert (await keeper.post("/cold-chain/probes/end", data=lost)).status_code == 303
    assert "No probe watches these places" in (await keeper.get("/cold-chain/probes")).text


def typed_limits(**changed: str) -> dict[str, str]:
    """The form of a site's limits as the browser sends it: the profile's own numbers, but for what was changed."""
    typed = {"place_code": "fridge-1", "from_on": "2026-03-02", "reason": "r"}
    typed |= {"low": "2.0", "high": "8.0", "no_data_minutes": "10"}
    for number, rule in enumerate(CLINIC.rules):
        typed[f"beyond_{number}"] = f"{rule.beyond_milli_celsius / 1000:.1f}"
        typed[f"minutes_{number}"] = str(rule.for_s // 60)
    return typed | changed
