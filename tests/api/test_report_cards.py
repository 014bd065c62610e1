"""The record of an event: opened later, its card in versions, steps, conclusion, copies."""

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec import to_builtins
from sqlalchemy import select

from clinic_server.adverse_events.report.lookup import card_versions
from clinic_server.adverse_events.report.tables import (
    card_exported,
    event_outcome_tried,
    report_card,
    report_card_number,
)
from clinic_server.immunisations.lookup import reactions_of
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.idempotency import first_answer
from clinic_server.kit.journal import journal, verify
from clinic_server.settings import ReportingSettings, Settings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.visits.doses import doses_given
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole, SignedIn
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE
from tests.api.test_reaction import measured_visit, pressed, written
from tests.api.visitors import a_colleague, a_lot, a_product, an_open_site, rows_in
from tests.conftest import ManualClock
from tests.rules.test_report_cards import CARD

COUNTY = "110105"


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"reporting": ReportingSettings(county_code=COUNTY, first_report_serial=7)})


@pytest.fixture(name="vaccinator")
def _vaccinator(house: House) -> Actor:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, f"{CODE}2", bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


@pytest.fixture(name="visit_id")
def _visit_id(house: House, vaccinator: Actor) -> UUID:
    """Somebody under observation two minutes after the dose."""
    visit_id = measured_visit(house)
    a_dose(house.db, visit_id, vaccinator)
    house.db.clock.pass_time(minutes=2)  # type: ignore[attr-defined]
    return visit_id


@pytest_asyncio.fixture(name="physician")
async def _physician(as_role: AsRole, visit_id: UUID) -> SignedIn:  # noqa: ARG001  # the site is open first
    return await as_role(Role.PHYSICIAN)


def person_of(house: House, visit_id: UUID) -> UUID:
    return house.db.read_now(lambda connection: standing(connection, visit_id)).person_id


def dose_of(house: House, visit_id: UUID) -> UUID:
    return house.db.read_now(lambda connection: doses_given(connection, person_of(house, visit_id)))[0].dose_id


async def post(who: SignedIn, path: str, **body: Any) -> Any:
    answer = await who.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refusal(who: SignedIn, path: str, **body: Any) -> tuple[str, list[str]]:
    answer = await who.post(f"/api/v1{path}", json=body)
    told = answer.json()
    return told["code"], [*(one["code"] for one in told["findings"]), *told["fields"]]


async def opened(house: House, who: SignedIn, visit_id: UUID, **more: Any) -> int:
    """Open the file of an event that somebody tells by telephone."""
    told = {
        "found_how": "telephone",
        "onset_at": house.db.clock.now().isoformat(),
        "dose_ids": [str(dose_of(house, visit_id))],
    }
    number: int = (await post(who, f"/people/{person_of(house, visit_id)}/adverse-events", **(told | more)))["number"]
    return number


def as_told(**changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = to_builtins(replace(CARD, **changes))
    return card


async def record(who: SignedIn, number: int) -> Any:
    answer = await who.get(f"/api/v1/adverse-events/{number}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def due_of(told: Any) -> dict[str, str]:
    """By when each step is awaited."""
    return {one["step"]: one["due_at"] for one in told["awaited"]}


async def test_an_event_told_later_is_of_a_dose_here_or_elsewhere_and_never_merged(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    at = house.db.clock.now()
    first = await opened(house, physician, visit_id, classed={"kind": "fever", "grounds": ["major_concern"]})
    elsewhere = {"product": "made-up vaccine", "given_on": "2026-02-20"}
    second = await opened(house, physician, visit_id, dose_ids=[], elsewhere=[elsewhere], found_how="reported")
    again = await opened(house, physician, visit_id)
    assert len({first, second, again}) == 3
    told = await record(physician, first)
    assert (told["event"]["found_how"], told["event"]["visit_id"]) == ("telephone", None)
    assert datetime.fromisoformat(due_of(told)["reported"]) == at + timedelta(hours=2)
    assert (await record(physician, second))["health"]["elsewhere"][0]["product"] == "made-up vaccine"
    path = f"/people/{person_of(house, visit_id)}/adverse-events"
    before = rows_in(house.db)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"onset_at": (at - timedelta(hours=1)).isoformat()}, "onset_before_dose"),
        ({"onset_at": (at + timedelta(hours=1)).isoformat()}, "onset_in_future"),
        ({"discovered_at": (at + timedelta(hours=1)).isoformat()}, "discovery_impossible"),
        ({"discovered_at": (at - timedelta(minutes=1)).isoformat()}, "discovery_impossible"),
        ({"dose_ids": []}, "suspect_dose_needed"),
        ({"found_how": "seat"}, "malformed"),
        ({"classed": {"kind": "made_up"}}, "event_kind_unknown"),
    ]
    base = {"found_how": "returned", "onset_at": at.isoformat(), "dose_ids": [str(dose_of(house, visit_id))]}
    for change, code in wrong:
        assert (await refusal(physician, path, **(base | change)))[0] == code
    assert rows_in(house.db) == before


async def test_a_person_is_found_by_name_or_number_and_two_of_one_name_are_two(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    measured_visit(house)
    answer = await physician.post("/api/v1/adverse-events/people", json={"name": "王 小明"})
    found = answer.json()
    assert len(found) == 2
    (ours,) = [one for one in found if one["doses"]]
    assert ours["person_id"] == str(person_of(house, visit_id))
    assert ours["doses"][0]["lot_number"] == "L-2027-01-01"
    answer = await physician.post("/api/v1/adverse-events/people", json={"name": "王小明", "born_on": "1999-01-01"})
    assert answer.json() == []
    newcomer = {"document_kind": "passport", "number": "E7654321", "issuing_country": "CHN", "name": "王小明"}
    assert (await refusal(physician, "/adverse-events/newcomers", **newcomer))[0] == "identity_incomplete"
    person_id = (await post(physician, "/adverse-events/newcomers", **newcomer, born_on="1980-05-01"))["person_id"]
    answer = await physician.post("/api/v1/adverse-events/people", json={"name": "王小明"})
    assert person_id in {one["person_id"] for one in answer.json()}
    assert len(answer.json()) == 3


async def test_a_card_is_begun_with_what_the_site_knows(visit_id: UUID, as_role: AsRole) -> None:
    observer = await as_role(Role.OBSERVER)
    number = await pressed(observer, visit_id)
    assert number is not None
    await written(observer, number, "symptoms", {"codes": ["generalised_urticaria", "sudden_onset", "rapid_progress"]})
    await written(observer, number, "vitals", {"systolic_mmhg": 80, "diastolic_mmhg": 50, "milli_celsius": 38_700})
    await post(observer, f"/adverse-events/{number}/class", kind="anaphylactic_shock", seriousness=["hospital"])
    card = (await observer.get(f"/api/v1/adverse-events/{number}/card")).json()
    vaccine = card["vaccines"][0]
    assert (card["name"], card["born_on"], card["in_hospital"], card["fever"]) == (
        "王小明",
        "1980-05-01",
        True,
        "from_38_6",
    )
    assert (vaccine["name"], vaccine["lot_number"], vaccine["amount"]) == ("Vaccine A", "L-2027-01-01", "0.5 ml")
    assert (vaccine["programme"], card["outcome"], card["first_class"]) == (None, None, "pending")
    assert card["diagnosis"] == "anaphylactic shock (Brighton level 1)"
    assert [line.split(" ", 2)[2] for line in card["course"].splitlines()] == [
        "hives all over the body, sudden onset, getting worse fast",
        "BP 80/50 mmHg, T 38.7 °C",
    ]


async def test_a_card_is_filed_whole_once_and_stops_the_clock(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    path = f"/adverse-events/{number}/card"
    lacking = as_told(outcome=None, vaccines=(replace(CARD.vaccines[0], maker=""),))
    before = rows_in(house.db)
    code, named = await refusal(physician, path, card=lacking)
    assert code == "card_incomplete"
    assert named == ["card_vaccine_maker", "card_outcome", "vaccine_1_maker", "outcome"]
    assert await refusal(physician, path, card={"nmae": "x"}) == ("malformed", ["nmae"])
    assert await refusal(physician, path, card={"born_on": "soon"}) == ("malformed", ["born_on"])
    assert (await refusal(physician, f"/adverse-events/{number}/steps/reported"))[0] == "reported_by_card"
    assert rows_in(house.db) == before
    filed = await post(physician, path, card=as_told())
    assert filed == {"number": number, "version": 1, "card_number": f"{COUNTY}20260007"}
    assert (await refusal(physician, path, card=as_told()))[0] == "card_filed"
    told = await record(physician, number)
    assert list(told["steps"]) == ["reported"]
    assert set(due_of(told)) == {"investigation_begun"}


async def test_every_card_has_a_number_of_its_own_and_a_later_version_keeps_it(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    numbers = [await opened(house, physician, visit_id) for _ in range(3)]
    given = [(await post(physician, f"/adverse-events/{one}/card", card=as_told()))["card_number"] for one in numbers]
    assert given == [f"{COUNTY}2026000{serial}" for serial in (7, 8, 9)]
    amended = await post(
        physician,
        f"/adverse-events/{numbers[0]}/card/amendments",
        card=as_told(outcome="sequelae"),
        base_version=1,
        reason="seen again",
    )
    assert amended == {"number": numbers[0], "version": 2, "card_number": given[0]}
    assert house.db.read_now(lambda c: c.execute(select(report_card_number.c.number)).scalars().all()) == given


async def test_an_amendment_rests_on_the_version_that_stands_and_says_why(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    path = f"/adverse-events/{number}/card/amendments"
    better = as_told(outcome="better")
    assert (await refusal(physician, path, card=better, base_version=1, reason="x"))[0] == "card_not_filed"
    await post(physician, f"/adverse-events/{number}/card", card=as_told())
    for change, code in (({"reason": " "}, "report_reason_needed"), ({"card": as_told()}, "card_unchanged")):
        assert (await refusal(physician, path, **({"card": better, "base_version": 1, "reason": "x"} | change)))[
            0
        ] == code
    await post(physician, path, card=better, base_version=1, reason="telephoned")
    assert (await refusal(physician, path, card=as_told(), base_version=1, reason="x"))[0] == "card_overtaken"
    event_id = UUID((await record(physician, number))["event"]["event_id"])
    versions = house.db.read_now(lambda c: card_versions(c, house.db.keyring, event_id))
    assert [(one.version, one.card.outcome, one.reason) for one in versions] == [
        (1, CARD.outcome, ""),
        (2, "better", "telephoned"),
    ]
    stored = house.db.read_now(lambda c: c.execute(select(report_card.c.content_sealed)).scalars().all())
    assert not any(b"urticaria" in one or "王小明".encode() in one for one in stored)
    assert not house.db.read_now(lambda c: verify(c, house.db.keyring.journal_key)).faults


async def test_steps_follow_the_report_and_a_conclusion_is_the_diagnosis(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    await post(physician, f"/adverse-events/{number}/card", card=as_told())
    for step in ("investigation_begun", "field_left"):
        await post(physician, f"/adverse-events/{number}/steps/{step}")
    assert set(due_of(await record(physician, number))) == {"preliminary_card_sent", "field_report_sent", "diagnosed"}
    path, today = f"/adverse-events/{number}/conclusion", date(2026, 3, 2).isoformat()
    said = {"final_class": "error", "diagnosis": "abscess", "body": "expert_panel", "level": "county", "harm": "3e"}
    assert (await refusal(physician, path, final_class="error", concluded_on=today))[0] == "conclusion_incomplete"
    assert (await refusal(physician, path, **said, concluded_on="2026-03-03"))[0] == "discovery_impossible"
    await post(physician, path, final_class="pending", concluded_on=today)
    assert "diagnosed" not in (await record(physician, number))["steps"]
    await post(physician, path, **said, concluded_on=today)
    told = await record(physician, number)
    assert "diagnosed" in told["steps"]
    assert [one["conclusion"]["final_class"] for one in told["health"]["conclusions"]] == ["pending", "error"]


async def test_a_reclassification_never_gives_more_time(house: House, visit_id: UUID, physician: SignedIn) -> None:
    number = await opened(house, physician, visit_id, classed={"kind": "other_serious", "grounds": ["death"]})
    due = due_of(await record(physician, number))
    await post(physician, f"/adverse-events/{number}/class", kind="fever")
    told = await record(physician, number)
    assert due_of(told) == due
    assert [one["classed"]["kind"] for one in told["health"]["classes"]] == ["other_serious", "fever"]


async def test_an_unexpected_onset_is_a_finding_and_no_refusal(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id, classed={"kind": "bcg_lymphadenitis"})
    (suspected,) = (await record(physician, number))["health"]["suspected"]
    assert suspected["findings"] == ["onset_too_soon", "not_after_this_vaccine"]


async def test_a_severe_reaction_bars_once_a_physician_confirms_it(
    house: House, visit_id: UUID, physician: SignedIn, as_role: AsRole
) -> None:
    number = await opened(house, physician, visit_id, classed={"kind": "fever"})
    path, dose_id = f"/adverse-events/{number}/severe-reaction", str(dose_of(house, visit_id))
    assert (await refusal(physician, path, dose_id=dose_id, note="x"))[0] == "bars_nothing"
    await post(physician, f"/adverse-events/{number}/class", kind="anaphylactic_shock")
    assert (await refusal(physician, path, dose_id=str(UUID(int=7)), note="x"))[0] == "suspect_unknown"
    observer = await as_role(Role.OBSERVER)
    assert (await refusal(observer, path, dose_id=dose_id, note="x"))[0] == "not_permitted"
    unqualified = await as_role(Role.PHYSICIAN, certified=False)
    assert (await refusal(unqualified, path, dose_id=dose_id, note="x"))[0] == "qualification_missing"
    await post(physician, path, dose_id=dose_id, note="shock two minutes after")
    assert (await refusal(physician, path, dose_id=dose_id, note="x"))[0] == "barred_already"
    person_id = person_of(house, visit_id)
    (reaction,) = house.db.read_now(lambda c: reactions_of(c, house.db.keyring, person_id))
    assert (reaction.told.vaccine_code, reaction.is_cleared) == ("covid19-bbibp-corv", False)


async def test_a_file_is_closed_after_report_and_outcome_and_reopened_with_a_reason(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    path = f"/adverse-events/{number}"
    assert (await refusal(physician, f"{path}/closing"))[0] == "report_open"
    await post(physician, f"{path}/card", card=as_told(outcome="unknown"))
    assert (await refusal(physician, f"{path}/closing"))[0] == "outcome_open"
    await post(physician, f"{path}/card/amendments", card=as_told(), base_version=1, reason="telephoned")
    assert (await refusal(physician, f"{path}/reopening", reason="x"))[0] == "event_not_closed"
    for reason in ("he came back", "once more"):
        await post(physician, f"{path}/closing")
        assert (await refusal(physician, f"{path}/closing"))[0] == "event_closed"
        assert (await refusal(physician, f"{path}/class", kind="fever"))[0] == "event_closed"
        amendment = {"card": as_told(outcome="better"), "base_version": 2, "reason": "x"}
        assert (await refusal(physician, f"{path}/card/amendments", **amendment))[0] == "event_closed"
        assert (await refusal(physician, f"{path}/reopening", reason=" "))[0] == "report_reason_needed"
        await post(physician, f"{path}/reopening", reason=reason)
    told = await record(physician, number)
    assert [one["reason"] for one in told["health"]["reopenings"]] == ["he came back", "once more"]
    assert told["event"]["closed_at"] is None


async def test_whoever_is_unwell_at_the_telephone_has_a_file_begun_with_the_doses_of_the_visit(
    house: House, visit_id: UUID, as_role: AsRole
) -> None:
    nurse, clock = await as_role(Role.OBSERVER), house.db.clock
    assert isinstance(clock, ManualClock)
    given_at = clock.now() - timedelta(minutes=2)
    await post(nurse, f"/visits/{visit_id}/left-unseen")
    clock.pass_time(minutes=50)
    path, unwell = f"/visits/{visit_id}/follow-ups", {"outcome": "reached_unwell"}
    assert (await post(nurse, path, outcome="not_reached"))["number"] is None
    too_early = (given_at - timedelta(minutes=1)).isoformat()
    assert (await refusal(nurse, path, **unwell, onset_at=too_early))[0] == "onset_before_dose"
    since = given_at + timedelta(minutes=20)
    number = (await post(nurse, path, **unwell, onset_at=since.isoformat()))["number"]
    told = await record(nurse, number)
    assert (told["event"]["found_how"], told["event"]["care_ended"]) == ("telephone", None)
    assert datetime.fromisoformat(told["event"]["onset_at"]) == since
    assert [one["dose_id"] for one in told["health"]["suspected"]] == [str(dose_of(house, visit_id))]
    assert (await refusal(nurse, path, outcome="reached_well"))[0] == "reached_before"


async def test_the_page_of_a_follow_up_goes_on_to_the_file_it_opened(visit_id: UUID, as_role: AsRole) -> None:
    nurse = await as_role(Role.OBSERVER)
    await post(nurse, f"/visits/{visit_id}/left-unseen")
    unwell = {"outcome": "reached_unwell", "began_on": "", "began_at": ""}
    told = await nurse.post(f"/visits/{visit_id}/follow-ups", data=unwell)
    assert (told.status_code, told.headers["location"]) == (303, "/adverse-events/1")
    assert (await nurse.get("/adverse-events/1")).status_code == 200


async def test_a_file_whose_outcome_nobody_can_learn_is_closed_after_three_tries_that_are_on_record(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    path, tries = f"/adverse-events/{number}", ["no answer", "number withdrawn", "CANARY moved away"]
    await post(physician, f"{path}/card", card=as_told(outcome="unknown"))
    assert (await refusal(physician, f"{path}/outcome-tries", words=" "))[0] == "report_reason_needed"
    for said in tries:
        assert (await refusal(physician, f"{path}/closing"))[0] == "outcome_open"
        await post(physician, f"{path}/outcome-tries", words=said)
    told = await record(physician, number)
    assert [one["words"] for one in told["health"]["outcome_tries"]] == tries
    stored = house.db.read_now(lambda c: c.execute(select(event_outcome_tried.c.words_sealed)).scalars().all())
    assert not any(b"CANARY" in words for words in stored)
    await post(physician, f"{path}/closing")
    assert (await record(physician, number))["event"]["closed_at"] is not None


async def test_nobody_is_asked_about_an_outcome_that_the_card_tells(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    await post(physician, f"/adverse-events/{number}/card", card=as_told())
    assert (await refusal(physician, f"/adverse-events/{number}/outcome-tries", words="x"))[0] == "outcome_known"


async def test_a_claim_is_made_after_the_onset_and_settled_once(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id)
    path, today = f"/adverse-events/{number}/claims", "2026-03-02"
    for on in ("2026-03-01", "2026-03-03"):
        assert (await refusal(physician, path, kind="maker", claimed_on=on))[0] == "claim_date_impossible"
    claim_id = (await post(physician, path, kind="maker", claimed_on=today, words="hospital bill"))["claim_id"]
    settled = f"{path}/{claim_id}/settlement"
    assert (await refusal(physician, settled, settled_on="2026-03-01"))[0] == "claim_date_impossible"
    await post(physician, settled, settled_on=today, words="paid")
    assert (await refusal(physician, settled, settled_on=today))[0] == "claim_settled"
    assert (await refusal(physician, f"{path}/{UUID(int=7)}/settlement", settled_on=today))[0] == "claim_unknown"
    (claim,) = (await record(physician, number))["health"]["claims"]
    assert (claim["words"], claim["settled_on"], claim["settled_words"]) == ("hospital bill", today, "paid")


async def test_the_site_lead_reads_everything_but_health(
    house: House, visit_id: UUID, physician: SignedIn, as_role: AsRole
) -> None:
    number = await opened(house, physician, visit_id, classed={"kind": "fever"})
    for role in (Role.SITE_LEAD, Role.VACCINATOR):
        reader = await as_role(role)
        assert (await record(reader, number))["health"] is None
        (line,) = (await reader.get("/api/v1/adverse-events")).json()
        assert (line["number"], line["kind"], line["report_awaited"]["urgency"]) == (number, None, "ample")
        assert (await reader.get(f"/api/v1/adverse-events/{number}/card")).status_code == 403
    (line,) = (await physician.get("/api/v1/adverse-events")).json()
    assert line["kind"] == "fever"


async def test_a_copy_has_a_reason_is_frozen_and_is_its_takers_alone(
    house: House, visit_id: UUID, physician: SignedIn, as_role: AsRole
) -> None:
    number = await opened(house, physician, visit_id)
    copies, county = "/report-card-copies", {"copied_for": "county_cdc", "reason": "report"}
    assert (await refusal(physician, copies, form="json", number=number, **county))[0] == "card_not_filed"
    await post(physician, f"/adverse-events/{number}/card", card=as_told(course="=HYPERLINK(1)"))
    unexplained = await refusal(physician, copies, form="json", number=number, **(county | {"reason": " "}))
    assert unexplained[0] == "report_reason_needed"
    assert (await refusal(physician, copies, form="json", **county))[0] == "malformed"
    day = {"since": "2026-03-02", "until": "2026-03-02"}
    of_json = (await post(physician, copies, form="json", number=number, **county))["export_id"]
    of_csv = (await post(physician, copies, form="csv", **county, **day))["export_id"]
    later = {"since": "2026-03-03", "until": "2026-03-04"}
    assert (await refusal(physician, copies, form="csv", **county, **later))[0] == "copy_of_nothing"
    amended = {"card": as_told(outcome="better"), "base_version": 1, "reason": "x"}
    await post(physician, f"/adverse-events/{number}/card/amendments", **amended)
    copy = (await physician.get(f"/api/v1{copies}/{of_json}")).json()
    (case,) = copy["cards"]
    assert (copy["reason"], case["version"], case["card"]["outcome"]) == ("report", 1, "recovered")
    text = (await physician.get(f"/api/v1{copies}/{of_csv}")).content.decode("utf-8-sig")
    headings, line = csv.reader(io.StringIO(text))
    assert line[headings.index("Main clinical course")] == "'=HYPERLINK(1)"
    assert line[headings.index("Card number")] == f"{COUNTY}20260007"
    other = await as_role(Role.PHYSICIAN)
    assert (await other.get(f"/api/v1{copies}/{of_json}")).json()["code"] == "card_export_of_another"
    assert (await other.get(f"/api/v1{copies}/{UUID(int=7)}")).json()["code"] == "card_export_unknown"
    house.db.clock.pass_time(hours=20)  # type: ignore[attr-defined]
    assert (await physician.get(f"/api/v1{copies}/{of_json}")).status_code in {401, 403}
    taken = house.db.read_now(lambda c: c.execute(select(card_exported.c.id)).scalars().all())
    noted = house.db.read_now(
        lambda c: c.execute(select(journal.c.ref).where(journal.c.kind == "report_card_exported")).scalars().all()
    )
    assert sorted(noted) == sorted(map(str, taken))


async def test_whoever_is_asked_to_bear_costs_has_only_those_cases_and_what_they_are_judged_by(
    house: House, visit_id: UUID, physician: SignedIn, as_role: AsRole
) -> None:
    """Founding documents, 114 to 116: cases go out for compensation and insurance; an address is not part of either."""
    number = await opened(house, physician, visit_id, classed={"kind": "urticaria"})
    told = as_told(address="Canary Road 7", phone="13912345678", guardian="Canary Guardian", seen_at="County hospital")
    await post(physician, f"/adverse-events/{number}/card", card=told)
    for kind, words in (("commercial_insurance", "told to the insurer"), ("maker", "canary: asked the maker")):
        claim = {"kind": kind, "claimed_on": "2026-03-02", "words": words}
        await post(physician, f"/adverse-events/{number}/claims", **claim)
    copies, asked = "/report-card-copies", {"number": number, "reason": "their form 7"}
    nothing = await refusal(physician, copies, form="json", copied_for="province", **asked)
    assert nothing[0] == "copy_of_nothing"
    taken = [
        (await post(physician, copies, form=form, copied_for="commercial_insurance", **asked))["export_id"]
        for form in ("json", "csv")
    ]
    texts = [(await physician.get(f"/api/v1{copies}/{one}")).content.decode("utf-8-sig") for one in taken]
    for text in texts:
        assert "County hospital" in text
        assert not [word for word in ("Canary", "canary", "13912345678", "Maker of", "Guardian") if word in text]
    (case,) = json.loads(texts[0])["cards"]
    assert ([one["kind"] for one in case["claims"]], case["card"]["name"]) == (["commercial_insurance"], told["name"])
    auditor = await as_role(Role.AUDITOR)
    looks = (await auditor.get("/audit/looks", params={"ref": str(person_of(house, visit_id))})).text
    assert looks.count("Copy taken out") == 2
    assert "Commercial insurance" in looks


async def test_no_name_and_no_health_is_in_the_journal_or_in_kept_answers(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    number = await opened(house, physician, visit_id, classed={"kind": "urticaria"})
    await post(physician, f"/adverse-events/{number}/card", card=as_told())
    lines = house.db.read_now(lambda c: c.execute(select(journal)).all())
    kept = house.db.read_now(lambda c: c.execute(select(first_answer)).all())
    for word in ("王小明", "urticaria", "covid"):
        assert word not in str(lines)
        assert word not in str(kept)
