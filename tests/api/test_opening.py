"""Opening the site over HTTP, every lapse seen by permit and dose, and the way back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from clinic_server.alerts.answering import acknowledge
from clinic_server.alerts.missing import PLACE, hear_witness
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.settling import AnsweredWatch
from clinic_server.injection.tables import permit
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.journal import head_of, journal, verify
from clinic_server.opening.actions import close_site, open_site, restore_safeguard, withdraw_safeguard
from clinic_server.opening.emergency_kit.actions import add_to_kit, remove_from_kit
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.opening.emergency_kit.rules import KitThing, NewKitItem
from clinic_server.opening.lookup import pauses
from clinic_server.opening.rules import GONE, NotReadyToOpen, Safeguard, SiteAlreadyOpen
from clinic_server.opening.tables import opening
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import add_qualification, certificates_of, end_staff, revoke_role
from clinic_server.staff.rules import Certificate, QualificationKind, Role
from clinic_server.staff.tables import staff_session
from clinic_server.visits.tables import dose
from tests.api.test_injection import CODE, a_consented_visit, count, findings_of, given, permitted
from tests.api.visitors import (
    LEAVES_EARLY,
    OPEN_ALL_DAY,
    OWNER,
    SYSTEM,
    TODAY,
    a_colleague,
    a_full_kit,
    a_lot,
    a_new_opening,
    a_physician,
    a_product,
    a_shift,
    an_open_site,
    rows_in,
    signed_in,
    somebody_for_emergencies,
)
from tests.conftest import ManualClock

Case = tuple[Callable[["Morning"], Any], str, Callable[["Morning"], Any]]
OTHER_CODE = "81000001000000000002"


class Morning:
    """An open site, and the people whose going pauses it."""

    def __init__(self, house: House) -> None:
        self.house, self.db = house, house.db
        self.physician = signed_in(self.db, a_physician(self.db))
        self.rescuer = signed_in(self.db, somebody_for_emergencies(self.db))
        self.lead = a_colleague(self.db, Role.SITE_LEAD)
        self.fill_kit()
        self.open()

    def do(self, act: Callable[..., Any], *words: Any) -> Any:
        return self.db.write_now(lambda tx: act(tx, *words), self.lead)

    def open(self) -> None:
        self.do(open_site, OPEN_ALL_DAY, a_new_opening(unclosed_reason="of the tests"))

    def fill_kit(self) -> None:
        self.do(add_to_kit, *a_full_kit())

    def keep(self, thing: KitThing, expires_on: date) -> None:
        self.do(add_to_kit, NewKitItem(thing, 1, expires_on))

    def empty_kit(self) -> None:
        for item in self.db.read_now(standing_kit):
            self.do(remove_from_kit, item.item_id)

    def sign_out(self, actor: Actor) -> None:
        ended = (
            update(staff_session).where(staff_session.c.staff_id == actor.staff_id).values(ended_at=self.db.clock.now())
        )
        self.db.write_now(lambda tx: tx.execute(ended), SYSTEM)

    def say(self, safeguard: Safeguard) -> None:
        self.do(restore_safeguard, safeguard, a_new_opening().named[safeguard])

    def void_certificate(self, actor: Actor, kind: QualificationKind) -> None:
        number = self.certificate_of(actor)
        ended = Certificate(kind, number, date(2025, 1, 1), TODAY - timedelta(days=1))
        self.db.write_now(lambda tx: add_qualification(tx, actor.staff_id, ended), OWNER)

    def certificate_of(self, actor: Actor) -> str:
        assert actor.staff_id
        staff_id = actor.staff_id
        return self.db.read_now(lambda connection: certificates_of(connection, staff_id))[0].certificate_number

    def pauses(self) -> tuple[str, ...]:
        zone = self.house.settings.site.zone
        return self.db.read_now(lambda connection: pauses(connection, self.db.clock.now(), zone))


@pytest.fixture(name="morning")
def _morning(house: House) -> Morning:
    return Morning(house)


@pytest.fixture(name="ready")
def _ready(morning: Morning) -> UUID:
    """Somebody waits for the needle at an open site."""
    a_product(morning.db)
    a_lot(morning.db, CODE, OTHER_CODE)
    return a_consented_visit(morning.db)


async def assert_paused_until(
    bench: Any, morning: Morning, lapse: str, mend: Callable[[], None], held: tuple[UUID, str]
) -> None:
    """Permit and dose are refused for this reason alone and nothing is written; once mended both go through."""
    ready, permit_id = held
    before = rows_in(morning.db)
    asked, gave = await permitted(bench, ready), await given(bench, permit_id)
    assert [(answer.status_code, findings_of(answer)) for answer in (asked, gave)] == [(422, [lapse])] * 2
    assert rows_in(morning.db) == before
    mend()
    assert morning.pauses() == ()
    assert (await permitted(bench, ready)).status_code == 201
    assert (await given(bench, permit_id)).status_code == 201
    assert count(morning.house, dose) == 1


@pytest.mark.parametrize("safeguard", Safeguard)
async def test_a_safeguard_that_is_gone_stops_permit_and_dose_until_it_is_back(
    as_role: Any, morning: Morning, ready: UUID, safeguard: Safeguard
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    morning.do(withdraw_safeguard, safeguard, "left at ten past two")
    await assert_paused_until(bench, morning, GONE[safeguard], lambda: morning.say(safeguard), (ready, permit_id))


def _physician_signs_out(morning: Morning) -> None:
    morning.sign_out(morning.physician)


def _physicians_certificate_ends(morning: Morning) -> None:
    morning.void_certificate(morning.physician, QualificationKind.PHYSICIAN)


def _physicians_role_is_revoked(morning: Morning) -> None:
    morning.db.write_now(lambda tx: revoke_role(tx, morning.physician.staff_id, Role.PHYSICIAN), OWNER)


def _physician_works_here_no_longer(morning: Morning) -> None:
    """By their own hand: the session it is done from outlives it."""
    own = select(staff_session.c.id).where(staff_session.c.staff_id == morning.physician.staff_id)
    session_id = morning.db.read_now(lambda connection: connection.execute(own).scalar_one())
    himself = replace(OWNER, session_id=session_id)
    morning.db.write_now(lambda tx: end_staff(tx, morning.physician.staff_id), himself)


def _rescuer_signs_out(morning: Morning) -> None:
    morning.sign_out(morning.rescuer)


def _rescuers_certificate_ends(morning: Morning) -> None:
    morning.void_certificate(morning.rescuer, QualificationKind.EMERGENCY)


def _another_shift(morning: Morning) -> None:
    a_shift(morning.db)


def _another_kit(morning: Morning) -> None:
    morning.fill_kit()


def _a_torch_is_lent(morning: Morning) -> None:
    (torch,) = [item for item in morning.db.read_now(standing_kit) if item.thing is KitThing.TORCH]
    morning.do(remove_from_kit, torch.item_id)


def _opened_again(morning: Morning) -> None:
    morning.open()


def _records_are_missing(morning: Morning) -> None:
    known = morning.db.read_now(head_of)
    morning.do(hear_witness, replace(known, hash=bytes(32)))


def _answered_what_is_done(morning: Morning) -> None:
    (alert,) = [one for one in morning.db.read_now(open_alerts) if one.place_code == PLACE]
    morning.do(acknowledge, alert.number, "compared with the paper of the day")
    with ThreadPoolExecutor() as aside:  # the watch has a loop of its own here
        aside.submit(asyncio.run, AnsweredWatch(morning.house).look()).result()


LAPSES: list[Case] = [
    (_physician_signs_out, "too_few_physicians", _another_shift),
    (_physicians_certificate_ends, "too_few_physicians", _another_shift),
    (_physicians_role_is_revoked, "too_few_physicians", _another_shift),
    (_physician_works_here_no_longer, "too_few_physicians", _another_shift),
    (_rescuer_signs_out, "nobody_for_emergencies", _another_shift),
    (_rescuers_certificate_ends, "nobody_for_emergencies", _another_shift),
    (Morning.empty_kit, "emergency_kit_empty", _another_kit),
    (_a_torch_is_lent, "emergency_kit_short", _another_kit),
    (_records_are_missing, "records_missing", _answered_what_is_done),
    (lambda morning: morning.do(close_site), "site_closed", _opened_again),
]


@pytest.mark.parametrize("case", LAPSES, ids=[f"{place}-{lapse}" for place, (_, lapse, _) in enumerate(LAPSES)])
async def test_whatever_lapses_stops_permit_and_dose_until_it_is_mended(
    as_role: Any, morning: Morning, ready: UUID, case: Case
) -> None:
    happens, lapse, mend = case
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    happens(morning)
    await assert_paused_until(bench, morning, lapse, lambda: mend(morning), (ready, permit_id))


async def test_what_runs_out_with_time_stops_permits_too(
    as_role: Any, morning: Morning, ready: UUID, clock: ManualClock
) -> None:
    """The kit at midnight, the shift after its hours, the opening with its clinic day: nobody does anything."""
    morning.keep(KitThing.OXYGEN, TODAY)
    clock.pass_time(hours=13)
    a_shift(morning.db)
    bench = await as_role(Role.VACCINATOR)
    assert (await permitted(bench, ready)).status_code == 201
    clock.pass_time(hours=2)
    assert findings_of(await permitted(bench, ready)) == ["emergency_kit_expired"]
    morning.empty_kit()
    morning.fill_kit()
    assert morning.pauses() == ()
    clock.pass_time(hours=4)
    assert morning.pauses() == ("site_opened_on_another_day",)
    morning.open()
    assert morning.pauses() == ()


async def test_physicians_who_do_nothing_for_long_are_not_here(morning: Morning, clock: ManualClock) -> None:
    clock.pass_time(hours=11, minutes=59)
    assert morning.pauses() == ()
    clock.pass_time(minutes=1)
    assert morning.pauses() == ("too_few_physicians", "nobody_for_emergencies")


async def test_every_physician_who_is_here_counts_and_the_site_pauses_below_its_minimum(morning: Morning) -> None:
    """R19: X is the site's, and an opening keeps the X it was opened under."""
    three = OPEN_ALL_DAY.model_copy(update={"site": SiteSettings(minimum_physicians=3)})
    morning.do(close_site)
    signed_in(morning.db, a_physician(morning.db))
    with pytest.raises(NotReadyToOpen):
        morning.do(open_site, three, a_new_opening())
    third = signed_in(morning.db, a_physician(morning.db))
    morning.do(open_site, three, a_new_opening())
    assert morning.pauses() == ()
    morning.sign_out(third)
    assert morning.pauses() == ("too_few_physicians",)


async def test_a_site_nobody_opened_permits_nothing(as_role: Any, house: House) -> None:
    a_product(house.db)
    a_lot(house.db, CODE)
    waits = a_consented_visit(house.db)
    bench = await as_role(Role.VACCINATOR)
    assert findings_of(await permitted(bench, waits)) == ["site_not_opened"]
    assert count(house, permit) == 0


async def test_everybody_else_goes_on_while_injections_pause(morning: Morning) -> None:
    """People are checked in, asked, decided and consented; only the needle waits."""
    a_product(morning.db)
    morning.do(withdraw_safeguard, Safeguard.AMBULANCE, "called away")
    assert a_consented_visit(morning.db)


async def test_the_site_opens_with_names_people_and_kit_or_says_what_is_missing(as_role: Any, house: House) -> None:
    lead = await as_role(Role.SITE_LEAD)
    body = {"variant": "adult", "named": a_new_opening().named}
    answer = await lead.post("/api/v1/openings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_ready_to_open")
    assert findings_of(answer) == ["too_few_physicians", "nobody_for_emergencies", "emergency_kit_empty"]
    a_shift(house.db)
    torch = await lead.post("/api/v1/kit-items", json={"thing": "torch", "quantity": 1})
    assert torch.status_code == 201
    assert [one["lapse"] for one in (await lead.get("/api/v1/opening")).json()["missing"]] == ["emergency_kit_short"]
    house.db.write_now(lambda tx: add_to_kit(tx, *a_full_kit()), OWNER)
    assert (await lead.get("/api/v1/opening")).json()["missing"] == []
    before = rows_in(house.db)
    nameless = await lead.post("/api/v1/openings", json={"variant": "adult", "named": {"ambulance": {"phone": " "}}})
    assert (nameless.status_code, nameless.json()["code"]) == (422, "checklist_incomplete")
    assert "ambulance-phone" in nameless.json()["fields"]
    assert rows_in(house.db) == before
    assert (await lead.post("/api/v1/openings", json=body)).status_code == 201
    told = (await lead.get("/api/v1/opening")).json()
    assert (told["is_open"], told["pauses"], told["opened"]["business_on"]) == (True, [], "2026-03-02")
    again = await lead.post("/api/v1/openings", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "site_already_open")


async def test_the_site_does_not_close_while_anyone_is_observed(as_role: Any, ready: UUID) -> None:
    """Invariant 34."""
    bench, lead = await as_role(Role.VACCINATOR), await as_role(Role.OWNER)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    answer = await lead.post("/api/v1/opening/closing")
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (409, "still_observing", {"count": 1})
    observer = await as_role(Role.OBSERVER)
    left = await observer.post(f"/api/v1/visits/{ready}/early-leave", json=LEAVES_EARLY)
    assert left.status_code == 201, left.text
    assert (await lead.post("/api/v1/opening/closing")).status_code == 201
    assert (await lead.post("/api/v1/opening/closing")).json()["code"] == "site_not_open"


async def test_a_withdrawal_is_said_once_and_restored_with_names(as_role: Any, morning: Morning) -> None:
    observer, lead = await as_role(Role.OBSERVER), await as_role(Role.SITE_LEAD)
    base = "/api/v1/opening/safeguards/ambulance"
    assert (await lead.post(f"{base}/restoration", json={"named": {}})).json()["code"] == "safeguard_stands"
    gone = {"reason": "the ambulance left"}
    assert (await observer.post(f"{base}/withdrawal", json=gone)).status_code == 201
    assert (await observer.post(f"{base}/withdrawal", json=gone)).json()["code"] == "safeguard_withdrawn"
    nameless = await lead.post(f"{base}/restoration", json={"named": {"phone": "120"}})
    assert nameless.json()["fields"] == ["ambulance-vehicle_plate", "ambulance-person"]
    names = dict.fromkeys(("vehicle_plate", "person", "phone"), "made up")
    assert (await lead.post(f"{base}/restoration", json={"named": names})).status_code == 201
    assert morning.pauses() == ()


async def test_names_and_reasons_are_sealed_and_nothing_but_identifiers_is_in_the_journal(
    as_role: Any, morning: Morning
) -> None:
    observer = await as_role(Role.OBSERVER)
    path = "/api/v1/opening/safeguards/ambulance/withdrawal"
    await observer.post(path, json={"reason": "driver Zhao left"})
    kinds = {"site_opened", "safeguard_withdrawn", "kit_item_added"}

    def rows(connection: Any) -> list[Any]:
        return list(connection.execute(journal.select().where(journal.c.kind.in_(kinds))))

    lines = morning.db.read_now(rows)
    assert {line.kind for line in lines} == kinds
    assert "Zhao" not in str(lines)
    assert "Zhao" not in (await observer.get("/api/v1/opening")).text
    assert "driver Zhao left" in (await observer.get("/opening")).text
    assert morning.db.read_now(lambda connection: verify(connection, morning.db.keyring.journal_key)).faults == []


async def test_the_opening_says_its_terms_and_a_second_one_of_a_day_has_the_next_number(morning: Morning) -> None:
    morning.do(close_site)
    morning.open()
    with pytest.raises(SiteAlreadyOpen):
        morning.open()
    rows = morning.db.read_now(lambda connection: connection.execute(opening.select()).all())
    assert [(row.business_on, row.number, row.checklist_version) for row in rows] == [(TODAY, 1, 1), (TODAY, 2, 1)]


async def test_asking_at_the_needle_takes_three_statements(morning: Morning) -> None:
    """It is asked at each permit and each dose."""
    said: list[str] = []

    def note(*words: Any) -> None:
        said.append(words[2])

    def ask(connection: Any) -> tuple[str, ...]:
        event.listen(connection, "before_cursor_execute", note)
        connection.execute(select(1))
        said.clear()  # of whatever begins a transaction
        try:
            return pauses(connection, morning.db.clock.now(), morning.house.settings.site.zone)
        finally:
            event.remove(connection, "before_cursor_execute", note)

    assert morning.db.read_now(ask) == ()
    assert len(said) == 3


async def test_the_bench_is_told_why_and_since_when(as_role: Any, morning: Morning, clock: ManualClock) -> None:
    bench = await as_role(Role.VACCINATOR)
    assert "Injections paused" not in (await bench.get("/opening/pauses")).text
    clock.pass_time(hours=5, minutes=10)
    morning.do(withdraw_safeguard, Safeguard.AMBULANCE, "left")
    shown = (await bench.get("/opening/pauses")).text
    assert "Injections paused" in shown
    assert "No ambulance stands by." in shown
    assert "14:10" in shown
    assert "left" not in shown


async def test_the_green_goes_when_injections_pause(as_role: Any, morning: Morning, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    address = f"/visits/{ready}/injection"
    assert "PERMITTED" in (await bench.get(f"{address}?permit={permit_id}")).text
    morning.do(withdraw_safeguard, Safeguard.GREEN_CHANNEL, "full")
    assert "PERMITTED" not in (await bench.get(f"{address}?permit={permit_id}")).text
    morning.say(Safeguard.GREEN_CHANNEL)
    assert "PERMITTED" in (await bench.get(f"{address}?permit={permit_id}")).text


async def test_the_page_opens_the_site_by_its_form(as_role: Any, house: House) -> None:
    lead = await as_role(Role.SITE_LEAD)
    a_shift(house.db)
    house.db.write_now(lambda tx: add_to_kit(tx, *a_full_kit()), OWNER)
    new = a_new_opening()
    form = {f"{safeguard}-{name}": said for safeguard, names in new.named.items() for name, said in names.items()}
    assert (await lead.post("/opening", data={"variant": "adult"})).status_code == 422
    assert (await lead.post("/opening", data={"variant": "adult"} | form)).status_code == 303
    assert "Injections may go on" in (await lead.get("/opening")).text
    gone = await lead.post("/opening/safeguards/ambulance/withdrawal", data={"reason": "left"})
    assert gone.status_code == 303
    names = {name: said for name, said in form.items() if name.startswith("ambulance")}
    assert (await lead.post("/opening/safeguards/ambulance/restoration", data=names)).status_code == 303
    assert (await lead.post("/opening/closing")).status_code == 303
    assert "The site is closed." in (await lead.get("/opening/now")).text
    assert 'name="emergency_staff-paediatric_person"' in (await lead.get("/opening?variant=paediatric")).text


async def test_a_site_opened_for_other_tests_pauses_nothing(house: House) -> None:
    an_open_site(house.db)
    zone = house.settings.site.zone
    assert house.db.read_now(lambda connection: pauses(connection, house.db.clock.now(), zone)) == ()
