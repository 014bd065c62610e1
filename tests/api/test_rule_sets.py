"""Rule sets signed off, adopted and used: over HTTP and as recorded."""

import asyncio
from dataclasses import replace
from uuid import UUID

import httpx2
import msgspec
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from clinic_server.app import open_house
from clinic_server.doctor import records
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.people.documents import Sex
from clinic_server.screening import adoption, rule_sets
from clinic_server.screening.actions import (
    Further,
    Replay,
    findings_about,
    latest_screening,
    questions_of_visit,
    record_screening,
    replay_all,
    replayed,
    rule_set_of,
)
from clinic_server.screening.rule_sets import Weight
from clinic_server.screening.rule_sets.standing import (
    ProgrammeUnknown,
    RuleSetChanged,
    RuleSetNotSignedOff,
    RuleSetStands,
    RuleSetUnknown,
)
from clinic_server.screening.rules import Answer, Measurements
from clinic_server.screening.tables import RuleSetAdopted, Screening
from clinic_server.settings import Settings
from clinic_server.staff.rules import QualificationKind, QualificationMissing, Role
from clinic_server.stock import vaccines
from tests.api.callers import AsRole
from tests.api.visitors import SYSTEM, TODAY, a_colleague, a_physician, a_screening, a_visit, answers, rows_in
from tests.conftest import ManualClock

FOUNDING = ("founding-documents", 1)
INFLUENZA = ("influenza-2021", 1)


def adopted(db: Database, code: str, version: int) -> None:
    """Let a physician sign a set off and the site's lead adopt it."""
    db.write_now(lambda tx: adoption.sign_off(tx, code, version), a_physician(db))
    db.write_now(lambda tx: adoption.adopt(tx, code, version), a_colleague(db, Role.SITE_LEAD))


def in_use(db: Database, programme: str | None = None) -> tuple[str, int]:
    found = db.read_now(lambda connection: adoption.rule_set_in_use(connection, programme, TODAY))
    return found.code, found.version


def relied_on_other_words(
    db: Database, code: str = "national-2021", version: int = 1, programme: str = "covid19"
) -> None:
    """Leave the record of a site that adopted a file before somebody edited it."""
    lead = a_colleague(db, Role.SITE_LEAD)

    def append(tx: Tx) -> None:
        tx.append(
            RuleSetAdopted,
            programme=programme,
            rule_set_code=code,
            rule_set_version=version,
            digest="0" * 64,
            adopted_at=tx.now,
            adopted_by=lead.staff_id,
        )
        tx.journal("rule_set_adopted")

    db.write_now(append, lead)


def test_before_any_adoption_the_latest_valid_set_is_used_and_nobody_signed_it(db: Database) -> None:
    visit_id = a_visit(db)
    asked = db.read_now(lambda connection: questions_of_visit(connection, db.keyring, visit_id, TODAY))
    assert (asked.rule_set.code, asked.sign_offs) == ("national-2021", ())
    assert asked.programmes == ("covid19", "influenza", "routine")


def test_a_set_nobody_answers_for_is_not_adopted(db: Database) -> None:
    lead, before = a_colleague(db, Role.SITE_LEAD), rows_in(db)
    with pytest.raises(RuleSetNotSignedOff):
        db.write_now(lambda tx: adoption.adopt(tx, *FOUNDING), lead)
    assert rows_in(db) == before


def test_the_adopted_set_asks_the_next_person_and_those_before_keep_their_own(db: Database) -> None:
    earlier, later = a_visit(db), a_visit(db)
    db.write_now(lambda tx: record_screening(tx, earlier, answers(db, earlier), Measurements()), SYSTEM)
    adopted(db, *FOUNDING)
    assert in_use(db) == FOUNDING
    given = answers(db, later)
    assert "levothyroxine" in given
    db.write_now(lambda tx: record_screening(tx, later, given, Measurements()), SYSTEM)
    seen = [
        db.read_now(lambda connection, visit_id=visit_id: latest_screening(connection, db.keyring, visit_id))
        for visit_id in (earlier, later)
    ]
    assert [one.rule_set_code for one in seen] == ["national-2021", "founding-documents"]
    for one in seen:
        assert db.read_now(lambda connection, one=one: replayed(connection, db.keyring, one.screening_id))


def test_one_set_of_a_programme_is_used_and_another_programme_has_its_own(db: Database) -> None:
    adopted(db, *FOUNDING)
    adopted(db, *INFLUENZA)
    assert (in_use(db), in_use(db, "influenza")) == (FOUNDING, INFLUENZA)
    adopted(db, "national-2021", 1)
    assert in_use(db, "covid19") == ("national-2021", 1)
    seen = db.read_now(lambda connection: adoption.sets_seen(connection, db.keyring, TODAY))
    assert {one.rule_set.code for one in seen if one.is_used} == {"national-2021", "influenza-2021"}
    with pytest.raises(ProgrammeUnknown):
        in_use(db, "routine")


def test_a_programme_is_asked_with_its_own_questions_and_recorded_with_its_own_set(db: Database) -> None:
    visit_id = a_visit(db)
    asked = db.read_now(lambda connection: questions_of_visit(connection, db.keyring, visit_id, TODAY, "influenza"))
    given = {question.code: Answer.NO for question in asked.questions}
    further = Further(programme="influenza")
    db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements(), further), SYSTEM)
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))
    assert (seen.rule_set_code, seen.findings) == ("influenza-2021", ())


def test_what_is_asked_further_is_kept_and_speaks_of_the_one_vaccine(db: Database) -> None:
    visit_id = a_visit(db, sex=Sex.FEMALE)
    given = answers(db, visit_id, component_allergy=Answer.YES)
    details = {"component_allergy.which_component": "aluminium_hydroxide", "covid_infection.infected_on": "2020-01-01"}
    db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements(), Further(details)), SYSTEM)
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))
    assert seen.given.details == {"component_allergy.which_component": "aluminium_hydroxide"}
    assert [one.weight for one in seen.findings] == [Weight.PRECAUTION]
    containing = vaccines.shipped()["covid19-bbibp-corv"]
    assert [one.weight for one in findings_about(seen, containing)] == [Weight.CONTRAINDICATION]


@pytest.mark.parametrize("qualification", [None, QualificationKind.VACCINATOR])
def test_only_a_qualified_physician_answers_for_a_set(db: Database, qualification: QualificationKind | None) -> None:
    somebody = a_colleague(db, Role.PHYSICIAN, qualification)
    with pytest.raises(QualificationMissing):
        db.write_now(lambda tx: adoption.sign_off(tx, *FOUNDING), somebody)


def test_nothing_is_signed_or_adopted_twice(db: Database) -> None:
    physician, lead = a_physician(db), a_colleague(db, Role.SITE_LEAD)
    db.write_now(lambda tx: adoption.sign_off(tx, *FOUNDING), physician)
    with pytest.raises(RuleSetStands):
        db.write_now(lambda tx: adoption.sign_off(tx, *FOUNDING), physician)
    db.write_now(lambda tx: adoption.sign_off(tx, *FOUNDING), a_physician(db))
    db.write_now(lambda tx: adoption.adopt(tx, *FOUNDING), lead)
    with pytest.raises(RuleSetStands):
        db.write_now(lambda tx: adoption.adopt(tx, *FOUNDING), lead)
    founding = rule_sets.of_version(rule_sets.shipped(), *FOUNDING)
    signed = db.read_now(lambda connection: adoption.sign_offs_of(connection, db.keyring, founding))
    assert len(signed) == 2
    assert all(one.holds for one in signed)


@pytest.mark.parametrize("act", [adoption.sign_off, adoption.adopt])
def test_a_set_that_is_not_there_is_not_found(db: Database, act: object) -> None:
    with pytest.raises(RuleSetUnknown):
        db.write_now(lambda tx: act(tx, "founding-documents", 9), a_physician(db))  # type: ignore[operator]


@pytest.mark.parametrize(("code", "version"), [("national-2021", 1), ("national-2021", 7), ("gone", 1)])
def test_an_adopted_file_that_says_something_else_by_now_asks_nobody(db: Database, code: str, version: int) -> None:
    visit_id = a_visit(db)
    given = answers(db, visit_id)
    relied_on_other_words(db, code, version)
    before = rows_in(db)
    with pytest.raises(RuleSetChanged) as refused:
        db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements()), SYSTEM)
    assert refused.value.facts == {"name": code, "version": version}
    assert rows_in(db) == before
    assert db.read_now(adoption.changed_sets) == (adoption.RuleSetRef(code, version),)
    seen = db.read_now(lambda connection: adoption.sets_seen(connection, db.keyring, TODAY))
    assert not any(one.is_used for one in seen)


def test_a_sign_off_is_void_once_the_words_change(db: Database) -> None:
    physician = a_physician(db)
    db.write_now(lambda tx: adoption.sign_off(tx, *FOUNDING), physician)
    founding = rule_sets.of_version(rule_sets.shipped(), *FOUNDING)
    changed = msgspec.structs.replace(founding, digest="0" * 64)
    signed = db.read_now(lambda connection: adoption.sign_offs_of(connection, db.keyring, changed))
    assert [one.holds for one in signed] == [False]


async def all_no(client: httpx2.AsyncClient, visit_id: UUID, programme: str = "covid19") -> dict[str, str]:
    asked = (await client.get(f"/api/v1/visits/{visit_id}/questions?programme={programme}")).json()
    return {question["code"]: "no" for question in asked["questions"]}


async def test_over_http_a_physician_signs_off_and_the_lead_adopts(as_role: AsRole) -> None:
    physician, lead = await as_role(Role.PHYSICIAN), await as_role(Role.SITE_LEAD)
    address = "/api/v1/rule-sets/founding-documents/versions/1"
    refused = await lead.post(f"{address}/adoption")
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_set_not_signed_off")
    assert (await physician.post(f"{address}/sign-off")).status_code == 201
    assert (await lead.post(f"{address}/adoption")).status_code == 201
    listed = {one["code"]: one for one in (await lead.get("/api/v1/rule-sets")).json()}
    founding = listed["founding-documents"]
    assert (founding["is_used"], founding["is_signed_off"], len(founding["sign_offs"])) == (True, True, 1)
    assert founding["sign_offs"][0]["physician"].startswith("Staff ")
    assert not listed["national-2021"]["is_used"]
    seen = (await physician.get("/api/v1/questions")).json()
    assert (seen["rule_set_code"], seen["signed_off_by"]) == (
        "founding-documents",
        [founding["sign_offs"][0]["physician"]],
    )


async def test_the_page_shows_who_answers_for_what_and_offers_what_each_may_do(as_role: AsRole) -> None:
    physician, lead = await as_role(Role.PHYSICIAN), await as_role(Role.SITE_LEAD)
    page = (await physician.get("/rule-sets")).text
    for words in ("founding-documents", "Not signed off by a physician", "R36: taking levothyroxine", "In use"):
        assert words in page, words
    assert "Adopt founding-documents" not in page
    assert "Adopt founding-documents" not in (await lead.get("/rule-sets")).text
    signed = await physician.post("/rule-sets/founding-documents/versions/1/sign-off")
    assert signed.headers["location"] == "/rule-sets"
    page = (await lead.get("/rule-sets")).text
    assert "Adopt founding-documents" in page
    assert "signed it off on" in page
    assert (await lead.post("/rule-sets/founding-documents/versions/1/adoption")).headers["location"] == "/rule-sets"
    assert "Adopt founding-documents" not in (await lead.get("/rule-sets")).text


async def test_a_changed_file_is_told_on_the_page_and_stops_the_questions(as_role: AsRole, house: House) -> None:
    visit_id = await asyncio.to_thread(a_visit, house.db)
    await asyncio.to_thread(relied_on_other_words, house.db)
    lead, registrar = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    assert "says something else than when this site adopted it" in (await lead.get("/rule-sets")).text
    refused = await registrar.get(f"/api/v1/visits/{visit_id}/questions")
    assert (refused.status_code, refused.json()["code"]) == (409, "rule_set_changed")
    assert "Version 1 of the rule set national-2021" in refused.json()["message"]


async def test_details_over_http_come_back_and_wrong_ones_are_named(as_role: AsRole, house: House) -> None:
    visit_id = await asyncio.to_thread(a_visit, house.db)
    physician = await as_role(Role.PHYSICIAN)
    body = {"answers": await all_no(physician, visit_id) | {"covid_infection": "yes"}}
    address = f"/api/v1/visits/{visit_id}/screening"
    wrong = await physician.post(address, json=body | {"details": {"covid_infection.infected_on": "2027-01-01"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "detail_wrong")
    assert wrong.json()["fields"] == ["covid_infection.infected_on"]
    assert "2027" not in wrong.text
    said = {"covid_infection.infected_on": "2026-02-20"}
    assert (await physician.post(address, json=body | {"details": said})).status_code == 201
    seen = (await physician.get(address)).json()
    assert seen["details"] == said
    assert [(one["code"], one["weight"], one["defer_days"]) for one in seen["findings"]] == [
        ("covid_infection", "deferral", 170)
    ]
    page = (await physician.get(f"/visits/{visit_id}/decision")).text
    assert "On which day was the infection found?" in page
    assert 'value="2026-08-19"' in page  # 170 days on


async def test_the_form_asks_further_and_leaves_out_what_was_left_empty(as_role: AsRole, house: House) -> None:
    visit_id = await asyncio.to_thread(a_visit, house.db)
    physician = await as_role(Role.PHYSICIAN)
    page = (await physician.get(f"/visits/{visit_id}/screening?programme=covid19")).text
    assert "Which of these?" in page
    assert "Not signed off by a physician" in page
    assert "?programme=influenza" in page
    form = {f"answer-{code}": said for code, said in (await all_no(physician, visit_id)).items()}
    form |= {"answer-component_allergy": "yes", "programme": "covid19", "detail-covid_infection.infected_on": ""}
    for word in ("polysorbate_80", "aluminium_hydroxide"):
        form[f"part-component_allergy.which_component.{word}"] = "on"
    assert (await physician.post(f"/visits/{visit_id}/screening", data=form)).status_code == 303
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert seen["details"] == {"component_allergy.which_component": "aluminium_hydroxide polysorbate_80"}
    assert "Aluminium hydroxide, Polysorbate 80" in " ".join(
        (await physician.get(f"/visits/{visit_id}/decision")).text.split()
    )


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VACCINATOR, Role.OBSERVER, Role.VOLUNTEER])
async def test_nobody_else_reads_or_decides_about_sets(as_role: AsRole, role: Role) -> None:
    somebody = await as_role(role)
    assert (await somebody.get("/rule-sets")).status_code == 403
    assert (await somebody.post("/rule-sets/founding-documents/versions/1/adoption")).status_code == 403
    assert (await somebody.post("/rule-sets/founding-documents/versions/1/sign-off")).status_code == 403


async def test_a_changed_file_is_told_at_the_start_and_by_the_doctor(
    app: FastAPI, settings: Settings, clock: ManualClock
) -> None:
    def told() -> set[str]:
        return {one.code for one in records.examine(settings).answers if one.code.startswith("rule_sets")}

    assert await asyncio.to_thread(told) == {"rule_sets_good"}
    await asyncio.to_thread(relied_on_other_words, app.state.house.db)
    assert await asyncio.to_thread(told) == {"rule_sets_changed"}
    await asyncio.to_thread(app.state.house.db.close)
    with capture_logs() as logged:
        again = await asyncio.to_thread(open_house, settings, clock)
    await asyncio.to_thread(again.db.close)
    assert [one["reason"] for one in logged if one["event"] == "rule_set_changed"] == ["national-2021 version 1"]


@pytest.mark.parametrize(("version", "is_empty"), [(1, True), (9, False)])
def test_a_round_that_does_not_find_what_it_found_is_named(db: Database, version: int, is_empty: bool) -> None:
    """Invariant 55: findings that were altered, and a set that is gone, are both seen."""
    visit_id = a_visit(db)
    given = answers(db, visit_id, acute_illness=Answer.YES)
    db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements()), SYSTEM)
    assert db.read_now(lambda connection: replay_all(connection, db.keyring)) == Replay(1, ())
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))

    def append(tx: Tx) -> UUID:
        own_id = tx.new_id()
        sealed = {
            f"{column}_sealed": tx.keyring.seal(msgspec.json.encode(content).decode(), f"screening:{column}:{own_id}")
            for column, content in (("answers", seen.given), ("findings", () if is_empty else seen.findings))
        }
        kept = {"visit_id": visit_id, "rule_set_code": "national-2021", "rule_set_version": version}
        tx.append(Screening, id=own_id, **kept, **sealed, answered_at=tx.now, asked_by=None)
        tx.journal("questions_answered", own_id)
        return own_id

    altered = db.write_now(append, SYSTEM)
    assert db.read_now(lambda connection: replay_all(connection, db.keyring)) == Replay(2, (altered,))


def test_a_round_whose_file_is_gone_says_which(db: Database) -> None:
    visit_id = a_visit(db)
    a_screening(db, visit_id)
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))
    with pytest.raises(RuleSetChanged) as refused:
        rule_set_of(replace(seen, rule_set_version=9))
    assert refused.value.facts == {"name": seen.rule_set_code, "version": 9}
