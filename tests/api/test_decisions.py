"""Decisions over products, earlier visits and overrides, as recorded and as the day's report shows them."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.reports.overrides import overrides_of_day
from clinic_server.screening.actions import Decided, decide
from clinic_server.screening.decisions import AgeOutsideVaccine, OverrideKind
from clinic_server.screening.lookup import decision_sheet
from clinic_server.screening.rules import Answer, DecisionOutcome, ProductMissing, Proposal, ReasonMissing
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationMissing, Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import open_visit
from tests.api.callers import AsRole
from tests.api.visitors import (
    PRODUCT,
    SYSTEM,
    TODAY,
    a_physician,
    a_product,
    a_screening,
    a_visit,
    rows_in,
)
from tests.conftest import ManualClock

SITE = SiteSettings()
RECOMMENDED = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
WHY = "canary-reason"
NEXT_WEEK = TODAY + timedelta(days=7)


def decided(db: Database, visit_id: UUID, screening_id: UUID, proposal: Proposal, by: Actor) -> Decided:
    return db.write_now(lambda tx: decide(tx, SITE, visit_id, screening_id, proposal), by)


def judged(db: Database, visit_id: UUID, proposal: Proposal, by: Actor, **said: Answer) -> Decided:
    return decided(db, visit_id, a_screening(db, visit_id, **said), proposal, by)


def come_again(db: Database, visit_id: UUID) -> UUID:
    """The same person's next visit, a day of its own."""
    person_id = db.read_now(lambda connection: standing(connection, visit_id).person_id)

    def check_in(tx: object) -> UUID:
        opened = open_visit(tx, person_id, db.clock.now().date())  # type: ignore[arg-type]
        tx.journal("checked_in", opened.visit_id)  # type: ignore[attr-defined]
        return opened.visit_id

    return db.write_now(check_in, SYSTEM)


def kinds_in_report(db: Database) -> list[OverrideKind]:
    lines = db.read_now(lambda connection: overrides_of_day(connection, db.keyring, TODAY, with_reasons=False))
    return [line.kind for line in lines]


@pytest.mark.parametrize(("born_on", "fits"), [(date(2023, 3, 2), True), (date(2023, 3, 3), False)])
def test_a_product_is_ordered_only_for_the_ages_it_is_for(db: Database, born_on: date, fits: bool) -> None:
    """Emergency use from 3 years, June 2021 — the catalogue of vaccines."""
    a_product(db)
    visit_id, physician = a_visit(db, born_on), a_physician(db)
    screening_id = a_screening(db, visit_id)
    if fits:
        assert decided(db, visit_id, screening_id, RECOMMENDED, physician).stage is Stage.WAITING_FOR_CONSENT
        return
    before = rows_in(db)
    with pytest.raises(AgeOutsideVaccine):
        decided(db, visit_id, screening_id, RECOMMENDED, physician)
    assert rows_in(db) == before


def test_a_reason_does_not_make_a_product_fit(db: Database) -> None:
    a_product(db)
    visit_id = a_visit(db, date(2023, 3, 3))
    with pytest.raises(AgeOutsideVaccine):
        judged(db, visit_id, replace(RECOMMENDED, reason=WHY), a_physician(db), acute_illness=Answer.YES)


def test_a_deferral_of_an_earlier_visit_wants_a_reason_until_its_day(db: Database, clock: ManualClock) -> None:
    a_product(db)
    first, physician = a_visit(db), a_physician(db)
    judged(db, first, Proposal(DecisionOutcome.DEFERRED, None, WHY, NEXT_WEEK), physician)
    clock.pass_time(days=6)
    second = come_again(db, first)
    screening_id = a_screening(db, second)
    with pytest.raises(ReasonMissing):
        decided(db, second, screening_id, RECOMMENDED, physician)
    sheet = db.read_now(lambda connection: decision_sheet(connection, db.keyring, second, NEXT_WEEK - timedelta(1)))
    assert [(one.withheld.not_before, one.stands) for one in sheet.earlier] == [(NEXT_WEEK, True)]
    assert [one.code for one in sheet.findings] == ["deferred_earlier"]
    clock.pass_time(days=1)
    sheet = db.read_now(lambda connection: decision_sheet(connection, db.keyring, second, NEXT_WEEK))
    assert ([one.stands for one in sheet.earlier], sheet.findings) == ([False], ())
    assert decided(db, second, screening_id, RECOMMENDED, physician).stage is Stage.WAITING_FOR_CONSENT


def test_what_did_not_suit_an_earlier_time_is_given_only_for_a_reason(db: Database) -> None:
    a_product(db)
    first, physician = a_visit(db), a_physician(db)
    judged(db, first, Proposal(DecisionOutcome.UNSUITABLE, None, WHY, unsuitable_product_code=PRODUCT), physician)
    second = come_again(db, first)
    screening_id = a_screening(db, second)
    before = rows_in(db)
    with pytest.raises(ReasonMissing):
        decided(db, second, screening_id, RECOMMENDED, physician)
    assert rows_in(db) == before
    overridden = replace(RECOMMENDED, reason=WHY)
    assert decided(db, second, screening_id, overridden, physician).stage is Stage.WAITING_FOR_CONSENT
    assert kinds_in_report(db)[-1] is OverrideKind.AGAINST_CONTRAINDICATION


def test_somebody_elses_earlier_visit_says_nothing(db: Database) -> None:
    a_product(db)
    physician = a_physician(db)
    judged(db, a_visit(db), Proposal(DecisionOutcome.UNSUITABLE, None, WHY), physician)
    assert judged(db, a_visit(db), RECOMMENDED, physician).stage is Stage.WAITING_FOR_CONSENT


@pytest.mark.parametrize("outcome", [DecisionOutcome.RECOMMENDED, DecisionOutcome.DEFERRED])
def test_only_unsuitable_names_what_does_not_suit(db: Database, outcome: DecisionOutcome) -> None:
    a_product(db)
    product_code = PRODUCT if outcome is DecisionOutcome.RECOMMENDED else None
    until = NEXT_WEEK if outcome is DecisionOutcome.DEFERRED else None
    with pytest.raises(ProductMissing):
        judged(db, a_visit(db), Proposal(outcome, product_code, WHY, until, PRODUCT), a_physician(db))


def test_the_report_holds_overrides_and_nothing_else(db: Database) -> None:
    a_product(db)
    physician = a_physician(db)
    explained = replace(RECOMMENDED, reason=WHY)
    judged(db, a_visit(db), RECOMMENDED, physician)
    judged(db, a_visit(db), explained, physician, severe_chronic_disease=Answer.YES)  # a precaution is weighed
    judged(db, a_visit(db), explained, physician, acute_illness=Answer.YES)
    judged(db, a_visit(db), Proposal(DecisionOutcome.UNSUITABLE, None, WHY), physician)
    judged(db, a_visit(db), Proposal(DecisionOutcome.UNSUITABLE), physician, acute_illness=Answer.YES)
    lines = db.read_now(lambda connection: overrides_of_day(connection, db.keyring, TODAY, with_reasons=True))
    assert [(line.ticket_number, line.kind, line.reason, line.findings) for line in lines] == [
        (3, OverrideKind.AGAINST_CONTRAINDICATION, WHY, ("acute_illness",)),
        (4, OverrideKind.WITHOUT_FINDING, WHY, ()),
    ]
    assert {line.physician for line in lines} == {"Lin Tester"}


async def test_reasons_are_opened_for_physicians_alone(as_role: AsRole, house: House) -> None:
    def furnish() -> None:
        a_product(house.db)
        explained = replace(RECOMMENDED, reason=WHY)
        judged(house.db, a_visit(house.db, name="王小明"), explained, a_physician(house.db), acute_illness=Answer.YES)

    await asyncio.to_thread(furnish)
    lead, physician = await as_role(Role.SITE_LEAD), await as_role(Role.PHYSICIAN)
    address = f"/api/v1/days/{TODAY}/overrides"
    (seen,) = (await lead.get(address)).json()
    assert (seen["ticket_number"], seen["kind"], seen["outcome"]) == (1, "against_contraindication", "recommended")
    assert (seen["reason"], seen["findings"]) == (None, None)
    (seen,) = (await physician.get(address)).json()
    assert (seen["reason"], seen["findings"]) == (WHY, ["acute_illness"])
    leads_page, physicians_page = (await lead.get("/reports/day")).text, (await physician.get("/reports/day")).text
    for page in (leads_page, physicians_page):
        assert "Recommended in spite of a contraindication" in page
        assert "王小明" not in page
    assert (WHY in leads_page, "flare-up" in leads_page, WHY in physicians_page) == (False, False, True)
    assert WHY not in (await physician.get("/reports/day?on=2026-03-01")).text


async def test_the_decision_page_shows_set_sign_off_and_what_earlier_visits_decided(
    as_role: AsRole, house: House
) -> None:
    def furnish() -> UUID:
        a_product(house.db)
        first, physician = a_visit(house.db), a_physician(house.db)
        judged(house.db, first, Proposal(DecisionOutcome.UNSUITABLE, None, WHY, None, PRODUCT), physician)
        second = come_again(house.db, first)
        a_screening(house.db, second)
        return second

    visit_id = await asyncio.to_thread(furnish)
    physician = await as_role(Role.PHYSICIAN)
    page = (await physician.get(f"/visits/{visit_id}/decision")).text
    for words in ("Not signed off", "What earlier visits decided", "BBIBP-CorV", "Still stands", str(TODAY)):
        assert words in page, words
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert seen["earlier"] == [
        {
            "decided_on": str(TODAY),
            "not_before": None,
            "programme": "covid19",
            "vaccine_code": "covid19-bbibp-corv",
            "stands": True,
        }
    ]
    assert "sign-off" in seen["sign_off"]


def test_a_certificate_serves_to_the_end_of_its_last_day_at_the_site(db: Database, clock: ManualClock) -> None:
    """The physician must be qualified that moment; the certificate's last day is 31 December, in Shanghai."""
    a_product(db)
    visit_id, physician = a_visit(db), a_physician(db)
    screening_id = a_screening(db, visit_id)
    last_minute = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    clock.step(seconds=(last_minute - clock.now()).total_seconds())
    proposal = Proposal(DecisionOutcome.UNSUITABLE, None, WHY)
    clock.step(minutes=1)
    with pytest.raises(QualificationMissing):
        decided(db, visit_id, screening_id, proposal, physician)
    clock.step(minutes=-1)
    assert decided(db, visit_id, screening_id, proposal, physician).stage is Stage.UNSUITABLE


def test_a_visits_own_decision_is_not_an_earlier_one(db: Database) -> None:
    visit_id = a_visit(db)
    judged(db, visit_id, Proposal(DecisionOutcome.UNSUITABLE, None, WHY), a_physician(db))
    sheet = db.read_now(lambda connection: decision_sheet(connection, db.keyring, visit_id, TODAY))
    assert sheet.earlier == ()
