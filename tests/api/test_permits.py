"""A permit rests on everything under it: what changes there kills it at once, and leaves nothing written."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.immunisations.actions import keep_foreseen
from clinic_server.immunisations.lookup import foreseen_of
from clinic_server.injection.actions import PermitAsked, grant_permit
from clinic_server.injection.rules import PermitRefused
from clinic_server.injection.tables import Permit, bench_check
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.people.documents import Sex
from clinic_server.people.rules import Source
from clinic_server.people.tables import Demographics, person
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import (
    add_qualification,
)
from clinic_server.staff.rules import Certificate, QualificationKind, Role
from clinic_server.stock.tables import draw
from clinic_server.stock.units import unit_by_code
from clinic_server.visits.against import given_against_rule
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import NewOrder, attach_consent, place_order, standing_order
from clinic_server.visits.tables import dose, visit, visit_order
from tests.api.callers import CONSOLE
from tests.api.test_injection import (
    CODE,
    LEFT_ARM,
    a_consented_visit,
    a_lot,
    count,
    findings_of,
    given,
    permitted,
)
from tests.api.under_permit import (
    Change,
    another_order_takes_its_place,
    answers_change,
    bench_is_changed,
    certificate_lapses,
    consent_is_disputed,
    consent_is_withdrawn,
    minutes_pass,
    nurse_leaves,
    nurse_signs_out,
    role_is_taken_back,
)
from tests.api.visitors import (
    CHECKED,
    OWNER,
    PRODUCT,
    a_colleague,
    a_product,
    a_screening,
    a_shift,
    an_open_site,
    rows_in,
)
from tests.conftest import ManualClock

PAIRS = 24


@pytest.fixture(name="ready")
def _ready(house: House) -> UUID:
    """A product and one unit in stock, and a person ready for the needle."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    return a_consented_visit(house.db)


async def stopped(keeper: Any, scope: str, target: str = "", reason: str = "county recall") -> Any:
    return await keeper.post("/api/v1/stops", json={"scope": scope, "target": target, "reason": reason})


@pytest.mark.parametrize("code", CHECKED["confirmed"])
async def test_a_confirmation_not_made_is_named_and_no_permit_is_written(
    as_role: Any, house: House, ready: UUID, code: str
) -> None:
    """Invariant 14: all 11 checks true before the scan commits."""
    bench = await as_role(Role.VACCINATOR)
    before = rows_in(house.db)
    confirmed = [one for one in CHECKED["confirmed"] if one != code]
    body = {"trace_code": CODE, "check_list": CHECKED["check_list"], "confirmed": confirmed}
    answer = await bench.post(f"/api/v1/visits/{ready}/permits", json=body)
    assert (answer.status_code, findings_of(answer)) == (422, [f"unconfirmed_{code}"])
    assert rows_in(house.db) == before


async def test_what_was_confirmed_is_recorded_with_the_permit(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    row = house.db.read_now(lambda connection: connection.execute(select(bench_check)).one())
    assert (str(row.permit_id), row.check_list, row.confirmed_by) == (permit_id, "cn-national/1", bench.staff_id)
    assert row.confirmed.split(",") == CHECKED["confirmed"]


async def test_confirmations_by_another_list_count_for_nothing(as_role: Any, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    body = {"trace_code": CODE, "confirmed": CHECKED["confirmed"], "check_list": "cn-national/2"}
    answer = await bench.post(f"/api/v1/visits/{ready}/permits", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "check_list_changed")


async def test_the_bench_is_told_what_to_confirm(as_role: Any) -> None:
    bench = await as_role(Role.VACCINATOR)
    told = (await bench.get("/api/v1/check-list")).json()
    assert told == {"edition": CHECKED["check_list"], "confirmations": CHECKED["confirmed"]}


async def test_a_permit_without_its_confirmations_gives_no_dose(as_role: Any, house: House, ready: UUID) -> None:
    """A permit row alone, as a fault of the program might leave it, is worth nothing."""
    bench = await as_role(Role.VACCINATOR)

    def bare(tx: Tx) -> UUID:
        order = standing_order(tx.connection, ready)
        unit = unit_by_code(tx.connection, CODE)
        assert order is not None
        assert unit is not None
        permit_id = tx.append(
            Permit,
            visit_id=ready,
            order_id=order.order_id,
            consent_id=order.consent_id,
            unit_id=unit.unit_id,
            station=bench.station,
            vaccinator_id=bench.staff_id,
            granted_at=tx.now,
            expires_at=tx.now + timedelta(minutes=5),
        )
        tx.journal("permit_granted", ready)
        return permit_id

    answer = await given(bench, str(house.db.write_now(bare, CONSOLE)))
    assert findings_of(answer) == [f"unconfirmed_{code}" for code in CHECKED["confirmed"]]
    assert count(house, dose) == 0


@pytest.mark.parametrize(
    ("change", "status", "code", "findings"),
    [
        (nurse_signs_out, 401, "not_signed_in", []),
        (certificate_lapses, 403, "qualification_missing", []),
        (role_is_taken_back, 403, "not_permitted", []),
        (nurse_leaves, 401, "not_signed_in", []),
        (bench_is_changed, 422, "permit_of_another", []),
        (answers_change, 409, "step_out_of_order", []),
        (consent_is_withdrawn, 409, "step_out_of_order", []),
        (consent_is_disputed, 409, "step_out_of_order", []),
        (another_order_takes_its_place, 422, "permit_refused", ["no_standing_decision"]),
        (minutes_pass, 422, "permit_expired", []),
    ],
)
async def test_what_changes_under_a_permit_kills_it(  # noqa: PLR0913, PLR0917  # the parts and the case
    as_role: Any,
    house: House,
    ready: UUID,
    clock: ManualClock,
    change: Change,
    status: int,
    code: str,
    findings: list[str],
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    await change(house, bench, ready, clock)
    before = rows_in(house.db)
    answer = await given(bench, permit_id)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [finding["code"] for finding in answer.json().get("findings", [])] == findings
    assert (rows_in(house.db), count(house, dose), count(house, draw)) == (before, 0, 0)


@pytest.mark.parametrize(
    ("scope", "target"),
    [("unit", CODE), ("lot", f"{PRODUCT}/L-2027-01-01"), ("product", PRODUCT), ("bench", "bench-1"), ("site", "")],
)
async def test_a_stop_order_ends_every_permit_in_its_scope_at_every_bench_until_two_people_lift_it(
    as_role: Any, house: House, ready: UUID, scope: str, target: str
) -> None:
    """Invariant 22: effect on every station at once; release needs two persons."""
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    chair = f"/visits/{ready}/injection?permit={permit_id}"
    assert "PERMITTED" in (await bench.get(chair)).text
    stop_id = (await stopped(keeper, scope, target)).json()["stop_id"]

    before = rows_in(house.db)
    for answer in (await given(bench, permit_id), await permitted(other, ready)):
        assert (answer.status_code, findings_of(answer)) == (422, [f"{scope}_stopped"])
    assert rows_in(house.db) == before
    page = (await bench.get(chair)).text
    assert ("PERMITTED" in page, "DO NOT INJECT." in page, "county recall" in page) == (False, True, True)
    assert "county recall" in (await bench.get("/bench")).text

    lift = f"/api/v1/stops/{stop_id}/lift"
    assert (await lead.post(f"{lift}/confirmation")).json()["code"] == "stop_lift_not_proposed"
    assert (await keeper.post(lift, json={"reason": "county withdrew it"})).status_code == 201
    assert (await keeper.post(f"{lift}/confirmation")).json()["code"] == "second_person_needed"
    assert findings_of(await permitted(bench, ready)) == [f"{scope}_stopped"]
    assert (await lead.post(f"{lift}/confirmation")).status_code == 201
    assert (await lead.post(f"{lift}/confirmation")).json()["code"] == "stop_is_lifted"
    assert (await lead.get("/api/v1/stops")).json() == []
    assert (await given(bench, permit_id)).status_code == 201


async def test_a_bench_that_is_stopped_leaves_the_others_alone(as_role: Any, ready: UUID) -> None:
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    lead = await as_role(Role.SITE_LEAD)
    assert (await stopped(lead, "bench", "office")).json()["code"] == "stop_target_unknown", "no bench"
    await stopped(lead, "bench", "bench-1", "three fainted here")
    assert findings_of(await permitted(bench, ready)) == ["bench_stopped"]
    assert "three fainted here" in (await bench.get("/bench")).text
    assert "three fainted here" not in (await other.get("/bench")).text
    assert "bench_stopped" not in findings_of(await permitted(other, ready))


async def test_a_stop_order_leaves_other_products_alone(as_role: Any, house: House, ready: UUID) -> None:
    a_product(house.db, "vaccine-b")
    a_lot(house.db, "82000000000000000002", product="vaccine-b")
    bench = await as_role(Role.VACCINATOR)
    await stopped(bench, "product", "vaccine-b")
    await stopped(bench, "lot", "vaccine-b/L-2027-01-01")
    await stopped(bench, "unit", "82000000000000000002")
    assert (await permitted(bench, ready)).status_code == 201


@pytest.mark.parametrize(
    ("scope", "target"),
    [("unit", "89999999999999999999"), ("lot", "L-2027-01-01"), ("product", "x"), ("bench", "bench-9"), ("site", "x")],
)
async def test_what_is_not_here_cannot_be_stopped(
    as_role: Any, house: House, ready: UUID, scope: str, target: str
) -> None:
    bench = await as_role(Role.VACCINATOR)
    before = rows_in(house.db)
    answer = await stopped(bench, scope, target)
    assert (answer.status_code, answer.json()["code"]) == (404, "stop_target_unknown")
    assert (rows_in(house.db), bool(ready)) == (before, True)


@pytest.mark.parametrize(
    ("granted_at", "used_at"),
    [
        (datetime(2026, 3, 2, 15, 58, tzinfo=UTC), datetime(2026, 3, 2, 16, 0, 1, tzinfo=UTC)),
        (datetime(2026, 3, 2, 19, 58, tzinfo=UTC), datetime(2026, 3, 2, 20, 0, 1, tzinfo=UTC)),
    ],
    ids=["the lot's day ends at midnight at the site", "the order's clinic day ends at four"],
)
async def test_a_permit_does_not_outlive_the_day_it_rests_on(
    as_role: Any, house: House, clock: ManualClock, granted_at: datetime, used_at: datetime
) -> None:
    """Invariant 17: now is not past the lot's expiry, the end of the printed day in the site's zone."""
    an_open_site(house.db)
    a_product(house.db)
    lasts_to = date(2026, 3, 2) if granted_at.hour < 16 else date(2026, 3, 3)
    a_lot(house.db, CODE, expires_on=lasts_to)
    ready = a_consented_visit(house.db)
    clock.pass_time(seconds=(granted_at - clock.now()).total_seconds())
    a_shift(house.db)
    bench = await as_role(Role.VACCINATOR)
    permit = (await permitted(bench, ready)).json()
    assert permit["expires_at"] == used_at.replace(second=0).isoformat().replace("+00:00", "Z")
    clock.pass_time(seconds=(used_at - clock.now()).total_seconds())
    answer = await given(bench, permit["permit_id"])
    assert (answer.status_code, answer.json()["code"], count(house, dose)) == (422, "permit_expired", 0)


async def test_a_recipient_outside_the_vaccines_ages_is_refused_at_the_bench(as_role: Any, house: House) -> None:
    """Invariant 7, asked again at the needle whatever was decided before."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    house.db.write_now(lambda tx: born_later(tx, visit_id, date(2024, 1, 1)), CONSOLE)
    bench = await as_role(Role.VACCINATOR)
    assert "age_outside_vaccine" in findings_of(await permitted(bench, visit_id))


@pytest.mark.parametrize("body_site", ["left_thigh", "mouth"])
async def test_a_body_site_that_the_vaccine_does_not_allow_is_recorded_with_a_reason_alone(
    as_role: Any, house: House, ready: UUID, body_site: str
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    said = {"permit_id": permit_id, "body_site": body_site}
    answer = await bench.post("/api/v1/doses", json=said)
    assert (answer.status_code, answer.json()["code"]) == (422, "body_site_doubted")
    assert (findings_of(answer), count(house, dose)) == (["body_site_outside_vaccine"], 0)
    assert (await bench.post("/api/v1/doses", json=said | {"reason": "both arms burnt"})).status_code == 201
    marked = house.db.read_now(lambda c: given_against_rule(c, house.db.keyring, with_reasons=True))
    assert [(one.body_site, one.findings, one.reason) for one in marked] == [
        (body_site, ("body_site_outside_vaccine",), "both arms burnt")
    ]


async def test_the_bench_proposes_the_vaccines_places_and_folds_the_others_away(as_role: Any, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    page = (await bench.get(f"/visits/{ready}/injection?permit={permit_id}")).text
    proposed, folded = page.split("It went in somewhere else", 1)
    assert ('value="left_upper_arm"' in proposed, 'value="left_thigh"' in proposed) == (True, False)
    assert ('value="left_thigh"' in folded, 'value="mouth"' in page) == (True, False)


async def test_the_dose_says_what_was_given_of_what_by_whom_where_and_when(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench = await as_role(Role.VACCINATOR)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    row = house.db.read_now(lambda connection: connection.execute(select(dose)).one())
    unit = house.db.read_now(lambda connection: unit_by_code(connection, CODE))
    assert unit is not None
    assert (row.product_code, row.lot_id, row.unit_id) == (PRODUCT, unit.lot_id, unit.unit_id)
    assert (row.volume_ul, row.route, row.body_site) == (500, "intramuscular", LEFT_ARM)
    assert (row.vaccinator_id, row.given_at, row.visit_id) == (bench.staff_id, clock.now(), ready)


def test_nobody_gives_the_dose_they_decided_about_unless_the_site_allows_it(db: Database) -> None:
    """Invariant 13."""
    an_open_site(db)
    a_product(db)
    a_lot(db, CODE, bench="desk-1")
    both = a_colleague(db, Role.PHYSICIAN, QualificationKind.PHYSICIAN)
    assert both.staff_id is not None
    staff_id = both.staff_id
    certificate = Certificate(QualificationKind.VACCINATOR, "V1", date(2025, 1, 1), date(2026, 12, 31))
    db.write_now(lambda tx: add_qualification(tx, staff_id, certificate), OWNER)
    visit_id = a_consented_visit(db, physician=both)

    def ask(site: SiteSettings, actor: Actor) -> Any:
        asked = PermitAsked(CODE, CHECKED["check_list"], frozenset(CHECKED["confirmed"]))
        return db.write_now(lambda tx: grant_permit(tx, site, visit_id, asked), actor)

    with pytest.raises(PermitRefused) as refused:
        ask(SiteSettings(), both)
    assert refused.value.findings == ("physician_is_vaccinator",)
    assert ask(SiteSettings(separate_physician=False), both).product_code == PRODUCT
    nurse = a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)
    assert ask(SiteSettings(), nurse).product_code == PRODUCT


def test_an_order_carries_the_minutes_of_the_visits_rule_set(db: Database) -> None:
    an_open_site(db)
    a_product(db)
    a_consented_visit(db)
    minutes = db.read_now(lambda connection: connection.execute(select(visit_order.c.observation_minutes)).scalar())
    assert minutes == 30


async def test_who_stays_longer_by_the_order_stays_longer(as_role: Any, house: House, ready: UUID) -> None:
    """Invariant 29: due at the injection plus the minutes of the rule set and the risk."""

    def order_longer(tx: Tx) -> None:
        order = standing_order(tx.connection, ready)
        assert order is not None
        decision_id = tx.new_id()
        new = NewOrder(decision_id, order.product_code, order.decided_by, order.valid_until, observation_minutes=60)
        order_id = place_order(tx, ready, new)
        keep_foreseen(tx, decision_id, foreseen_of(tx.connection, tx.keyring, order.decision_id))
        tx.journal("furnished", ready)
        attach_consent(tx, order_id, tx.new_id())
        tx.journal("furnished", ready)

    house.db.write_now(order_longer, CONSOLE)
    bench = await as_role(Role.VACCINATOR)
    answer = await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    assert answer.json()["observe_until"] == "2026-03-02T02:00:00Z"


async def test_the_page_goes_from_the_vial_to_the_confirmations_to_the_dose(
    as_role: Any, house: House, ready: UUID
) -> None:
    bench = await as_role(Role.VACCINATOR)
    taken = await bench.post(f"/visits/{ready}/unit", data={"trace_code": CODE})
    confirmations = (await bench.get(taken.headers["location"])).text
    assert [f'name="confirmed-{code}"' in confirmations for code in CHECKED["confirmed"]] == [True] * 11
    unit_id = taken.headers["location"].partition("?unit=")[2]
    confirmed = {f"confirmed-{code}": "on" for code in CHECKED["confirmed"]}
    form = {"unit_id": unit_id, "check_list": CHECKED["check_list"], **confirmed}
    missing = {name: said for name, said in form.items() if name != "confirmed-dose"}
    refused = await bench.post(f"/visits/{ready}/permits", data=missing)
    assert (refused.status_code, "Not confirmed: dose." in refused.text) == (422, True)
    permit = await bench.post(f"/visits/{ready}/permits", data=form)
    assert (permit.status_code, "?permit=" in permit.headers["location"]) == (303, True)
    assert count(house, bench_check) == 1


@pytest.mark.parametrize("what_is_wrong", ["a code nobody received", "a stopped site", "a stage that is over"])
async def test_a_vial_that_is_not_to_be_given_is_said_so_before_anything_is_confirmed(
    as_role: Any, house: House, ready: UUID, what_is_wrong: str
) -> None:
    bench = await as_role(Role.VACCINATOR)
    if what_is_wrong == "a stopped site":
        await stopped(bench, "site")
    elif what_is_wrong == "a stage that is over":
        a_screening(house.db, ready)
    before = rows_in(house.db)
    code = "89999999999999999999" if what_is_wrong == "a code nobody received" else CODE
    answer = await bench.post(f"/visits/{ready}/unit", data={"trace_code": code})
    assert answer.status_code == (409 if what_is_wrong == "a stage that is over" else 422)
    assert rows_in(house.db) == before


@pytest.mark.each_engine
async def test_two_vaccinators_one_vial_at_the_same_instant(as_role: Any, house: House) -> None:
    """Invariant 16: a unit of one dose is used once, whatever happens at once."""
    an_open_site(house.db)
    a_product(house.db)
    codes = [f"8{place:019d}" for place in range(PAIRS)]
    a_lot(house.db, *codes)
    one, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    for code in codes:
        people = [a_consented_visit(house.db), a_consented_visit(house.db)]
        permits = await asyncio.gather(permitted(one, people[0], code), permitted(other, people[1], code))
        ids = [answer.json()["permit_id"] for answer in permits]
        answers = await asyncio.gather(given(one, ids[0]), given(other, ids[1]))
        assert sorted(answer.status_code for answer in answers) == [201, 422]
        refused = max(answers, key=lambda answer: answer.status_code)
        assert findings_of(refused) == ["unit_used_up"]
    assert (count(house, dose), count(house, draw)) == (PAIRS, PAIRS)


@pytest.mark.each_engine
async def test_two_benches_one_person_at_the_same_instant(as_role: Any, house: House) -> None:
    an_open_site(house.db)
    a_product(house.db)
    codes = [f"8{place:019d}" for place in range(2 * PAIRS)]
    a_lot(house.db, *codes[::2])
    a_lot(house.db, *codes[1::2], bench="bench-2")
    one, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    for first, second in zip(codes[::2], codes[1::2], strict=True):
        ready = a_consented_visit(house.db)
        permits = await asyncio.gather(permitted(one, ready, first), permitted(other, ready, second))
        ids = [answer.json()["permit_id"] for answer in permits]
        answers = await asyncio.gather(given(one, ids[0]), given(other, ids[1]))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert (count(house, dose), count(house, draw)) == (PAIRS, PAIRS)


@pytest.mark.each_engine
async def test_two_desks_one_person_at_the_same_instant(as_role: Any, house: House) -> None:
    """Invariant 27: a person has at most one open visit."""
    one, other = await as_role(Role.REGISTRAR), await as_role(Role.REGISTRAR, station="desk-2")
    typed = {"typed_reason": "foreign_document", "document_kind": "passport", "issuing_country": "UTO"}
    stated = {"name": "Anna Lind", "sex": "female", "born_on": "1990-01-09"}
    for place in range(PAIRS):
        body = {**typed, **stated, "number": f"E{place:08d}"}
        answers = await asyncio.gather(one.post("/api/v1/visits", json=body), other.post("/api/v1/visits", json=body))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "visit_already_open"}
    assert (count(house, visit), count(house, person)) == (PAIRS, PAIRS)


def born_later(tx: Tx, visit_id: UUID, born_on: date) -> None:
    """State another birth date after the decision."""
    row_id, person_id = tx.new_id(), standing(tx.connection, visit_id).person_id
    tx.append(
        Demographics,
        id=row_id,
        person_id=person_id,
        name_sealed=tx.keyring.seal("王小明", f"demographics:name:{row_id}"),
        name_index=bytes(16),
        latin_name_sealed=tx.keyring.seal("", f"demographics:latin_name:{row_id}"),
        sex=Sex.MALE,
        born_on=born_on,
        nationality="CHN",
        source=Source.TYPED,
        stated_at=tx.now,
    )
    tx.journal("furnished", person_id)
