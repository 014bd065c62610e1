"""A person's past over HTTP: what is noted of it, what it is worth, and how it stops a needle."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from clinic_server.consent.actions import NewConsent, sheet_of_visit, sign_consent
from clinic_server.consent.rules import InformedItem
from clinic_server.immunisations.tables import dose_foreseen, severe_reaction
from clinic_server.kit.call import House
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Tx
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import open_visit
from clinic_server.visits.tables import dose
from tests.api.test_injection import count, findings_of, given, permitted
from tests.api.visitors import PRODUCT, SYSTEM, TODAY, a_lot, a_product, a_screening, a_visit, an_open_site, rows_in

VACCINE = "covid19-bbibp-corv"
DESKS = (Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR, Role.OBSERVER)
CODES = tuple(f"8100000100000000{number:04d}" for number in range(1, 7))


@dataclass
class Site:
    """One person's way, taken by the desks of one site."""

    house: House
    person_id: UUID
    visit_id: UUID
    registrar: Any
    physician: Any
    bench: Any
    observer: Any
    as_role: Any

    async def note(self, given_on: str, **more: Any) -> Any:
        body = {"given": given_on, "proof": "vaccination_book", "vaccine_code": VACCINE, **more}
        return await self.registrar.post(f"/api/v1/people/{self.person_id}/doses-elsewhere", json=body)

    async def seen(self, caller: Any = None) -> Any:
        answer = await (caller or self.registrar).get(f"/api/v1/people/{self.person_id}/immunisations")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def decide(self, reason: str | None = None) -> Any:
        """Answer the questions with "no" and recommend the product."""
        screening_id = a_screening(self.house.db, self.visit_id)
        body = {"screening_id": str(screening_id), "outcome": "recommended", "product_code": PRODUCT, "reason": reason}
        return await self.physician.post(f"/api/v1/visits/{self.visit_id}/decision", json=body)

    def consent(self) -> None:
        sheet = self.house.db.read_now(
            lambda connection: sheet_of_visit(connection, self.house.db.keyring, self.visit_id, "en", TODAY)
        )
        signature = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad broken")
        note = "told why it is early" if sheet.is_against_advice else ""
        told = frozenset(InformedItem)
        signed = NewConsent(sheet.decision_id, "en", sheet.text.version, told, [signature], advice_note=note)
        self.house.db.write_now(lambda tx: sign_consent(tx, self.visit_id, signed), SYSTEM)

    async def ready(self, reason: str | None = None) -> None:
        """Bring the visit to the bench."""
        answer = await self.decide(reason)
        assert answer.status_code == 201, answer.text
        self.consent()

    async def vaccinated(self, code: str, reason: str | None = None) -> None:
        """Give a dose, and let the person go after their time."""
        await self.ready(reason)
        permit = await permitted(self.bench, self.visit_id, code)
        assert permit.status_code == 201, permit.text
        assert (await given(self.bench, permit.json()["permit_id"])).status_code == 201
        self.house.db.clock.pass_time(minutes=31)  # type: ignore[attr-defined]  # the tests' clock
        assert (await self.observer.post(f"/api/v1/visits/{self.visit_id}/leave")).status_code == 201

    async def wait(self, **spans: float) -> None:
        """Let so much time pass that other staff are signed in."""
        self.house.db.clock.pass_time(**spans)  # type: ignore[attr-defined]  # the tests' clock
        an_open_site(self.house.db)
        self.registrar, self.physician, self.bench, self.observer = [await self.as_role(role) for role in DESKS]

    async def come_again(self, days: int = 0) -> None:
        """Open the person's next visit; another day, other staff are signed in."""
        if days:
            await self.wait(days=days)

        def check_in(tx: Tx) -> UUID:
            visit_id = open_visit(tx, self.person_id, tx.local_date).visit_id
            tx.journal("checked_in", visit_id)
            return visit_id

        self.visit_id = self.house.db.write_now(check_in, SYSTEM)


@pytest.fixture(name="site")
async def _site(as_role: Any, house: House) -> Site:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *CODES)
    visit_id = a_visit(house.db)
    person_id = house.db.read_now(lambda connection: standing(connection, visit_id).person_id)
    desks = [await as_role(role) for role in DESKS]
    return Site(house, person_id, visit_id, *desks, as_role)


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


async def test_a_dose_from_elsewhere_counts_and_is_shown_with_what_proves_it(site: Site) -> None:
    answer = await site.note(ago(60), place="县医院")
    assert answer.status_code == 201, answer.text
    seen = await site.seen()
    (noted,) = seen["doses"]
    assert (noted["given"], noted["certainty"], noted["proof"]) == (ago(60), "documented", "vaccination_book")
    assert (noted["vaccine_code"], noted["place"]) == (VACCINE, "县医院")
    (worth,) = noted["worth"]
    assert (worth["antigen"], worth["dose_number"], worth["status"]) == ("covid19", 1, "valid")
    (due,) = [one for one in seen["due"] if one["antigen"] == "covid19"]
    assert due["dose_number"] == 2
    assert site.house.db.read_now(lambda connection: verify(connection, site.house.db.keyring.journal_key)).faults == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"given_on": "2021-13"}, "past_date_unreadable"),
        ({"given_on": "spring"}, "past_date_unreadable"),
        ({"given_on": "2026-03-03"}, "past_date_impossible"),
        ({"given_on": "1979"}, "past_date_impossible"),
        ({"vaccine_code": None}, "dose_elsewhere_not_named"),
        ({"antigen": "covid19"}, "dose_elsewhere_not_named"),
        ({"vaccine_code": "no-such-vaccine"}, "vaccine_unknown"),
        ({"vaccine_code": None, "antigen": "no_such_thing"}, "vaccine_unknown"),
        ({"place": "x" * 201}, "place_too_long"),
    ],
)
async def test_what_cannot_have_been_is_not_noted(site: Site, body: dict[str, Any], code: str) -> None:
    before = rows_in(site.house.db)
    answer = await site.note(**({"given_on": ago(60)} | body))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert rows_in(site.house.db) == before


async def test_the_same_dose_is_noted_once(site: Site) -> None:
    assert (await site.note(ago(60))).status_code == 201
    again = await site.note(ago(60))
    assert (again.status_code, again.json()["code"]) == (409, "dose_elsewhere_known")
    by_antigen = await site.note(ago(60), vaccine_code=None, antigen="covid19")
    assert by_antigen.json()["code"] == "dose_elsewhere_known"


async def test_a_dose_entered_in_error_counts_no_more_and_is_kept(site: Site) -> None:
    record_id = (await site.note(ago(60))).json()["record_id"]
    path = f"/api/v1/doses-elsewhere/{record_id}/struck"
    assert (await site.registrar.post(path, json={"reason": " "})).json()["code"] == "note_missing"
    assert (await site.registrar.post(path, json={"reason": "of the sister"})).status_code == 201
    assert (await site.seen())["doses"] == []
    again = await site.registrar.post(path, json={"reason": "of the sister"})
    assert (again.status_code, again.json()["code"]) == (409, "struck_before")
    unknown = await site.registrar.post(f"/api/v1/doses-elsewhere/{uuid4()}/struck", json={"reason": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dose_elsewhere_unknown")


async def test_a_dose_only_told_of_needs_the_physicians_reason(site: Site) -> None:
    await site.note(ago(60), proof="told")
    refused = await site.decide()
    assert (refused.status_code, refused.json()["code"]) == (422, "reason_missing")
    assert (await site.decide("Told with day and place; the book is lost")).status_code == 201


async def test_a_vague_day_counts_as_the_last_it_can_be(site: Site) -> None:
    """February's dose may have been of the 28th: two days before the visit."""
    await site.note("2026-02")
    refused = await site.decide()
    assert refused.json()["code"] == "reason_missing"
    page = (await site.physician.get(f"/visits/{site.visit_id}/decision")).text
    assert "The day of an earlier dose is not known exactly" in page
    assert "Too early after what was before it." in page


async def test_too_early_needs_a_reason_and_the_bench_takes_the_physicians_word(site: Site) -> None:
    await site.note(ago(15))
    assert (await site.decide()).json()["code"] == "reason_missing"
    await site.ready("Leaves for Xinjiang tomorrow")
    assert (await permitted(site.bench, site.visit_id, CODES[0])).status_code == 201


async def test_a_dose_against_the_schedule_is_an_override_of_the_days_report(site: Site, as_role: Any) -> None:
    """Invariant 8: overrides of the interval are listed in the daily report."""
    await site.note(ago(15))
    assert (await site.decide("Leaves for Xinjiang tomorrow")).status_code == 201
    lead = await as_role(Role.SITE_LEAD)
    (line,) = (await lead.get(f"/api/v1/days/{TODAY}/overrides")).json()
    assert line["kind"] == "against_deferral"


async def test_a_dose_carries_its_number_and_schedule(site: Site) -> None:
    await site.note(ago(60))
    await site.vaccinated(CODES[0])
    row = site.house.db.read_now(
        lambda connection: connection.execute(
            select(dose.c.dose_number, dose.c.schedule_code, dose.c.schedule_version)
        ).one()
    )
    assert (row.dose_number, row.schedule_code, row.schedule_version >= 1) == (2, "cn-covid19", True)


async def test_a_dose_noted_after_the_decision_stops_the_needle(site: Site) -> None:
    await site.ready()
    await site.note(ago(3))
    answer = await permitted(site.bench, site.visit_id, CODES[0])
    assert (answer.status_code, answer.json()["code"]) == (422, "permit_refused")
    assert {"outlook_changed", "too_early"} <= set(findings_of(answer))


async def test_a_dose_noted_under_a_permit_kills_it(site: Site) -> None:
    await site.ready()
    permit_id = (await permitted(site.bench, site.visit_id, CODES[0])).json()["permit_id"]
    still = f"/visits/{site.visit_id}/injection/permit?permit={permit_id}"
    assert (await site.bench.get(still)).status_code == 204
    await site.note(ago(60))
    assert (await site.bench.get(still, headers={"hx-request": "true"})).headers.get("hx-redirect")
    before = rows_in(site.house.db)
    answer = await given(site.bench, permit_id)
    assert (answer.json()["code"], findings_of(answer)) == ("permit_refused", ["outlook_changed"])
    assert (count(site.house, dose), rows_in(site.house.db)) == (0, before)


async def test_nobody_gets_two_doses_against_the_same_on_one_day(site: Site) -> None:
    await site.vaccinated(CODES[0])
    await site.come_again()
    barred = await site.decide("The physician insists")
    assert (barred.status_code, barred.json()["code"]) == (422, "dose_barred")
    assert "same_day_dose" in findings_of(barred)
    assert count(site.house, dose) == 1


async def test_the_same_day_is_the_sites_day(site: Site) -> None:
    """Half past midnight at the site is still the day before in UTC."""
    await site.wait(hours=15.5)
    await site.vaccinated(CODES[0])
    await site.wait(hours=9)
    await site.come_again()
    assert "same_day_dose" in findings_of(await site.decide("The physician insists"))


async def test_a_second_visit_decided_before_a_dose_was_noted_gets_no_dose_that_day(site: Site) -> None:
    await site.ready()
    await site.note(TODAY.isoformat(), proof="certificate")
    assert "same_day_dose" in findings_of(await permitted(site.bench, site.visit_id, CODES[0]))


async def test_a_complete_series_is_never_gone_beyond(site: Site) -> None:
    await site.note(ago(1500))
    await site.note(ago(1460))
    await site.note(ago(1200))
    await site.note(ago(900))
    await site.note(ago(600))
    barred = await site.decide("The person wants it")
    assert (barred.json()["code"], findings_of(barred)) == ("dose_barred", ["series_complete"])


async def test_two_doses_in_time_are_numbered_one_and_two(site: Site) -> None:
    await site.vaccinated(CODES[0])
    await site.come_again(days=28)
    await site.vaccinated(CODES[1])
    numbers = [[worth["dose_number"] for worth in seen["worth"]] for seen in (await site.seen())["doses"]]
    assert numbers == [[1], [2]]


async def reaction(site: Site, **more: Any) -> Any:
    body = {"occurred_on": ago(100), "note": "Anaphylaxis, hospital letter", "vaccine_code": VACCINE, **more}
    return await site.physician.post(f"/api/v1/people/{site.person_id}/reactions", json=body)


@pytest.mark.parametrize("cause", [{}, {"vaccine_code": None, "platform": "inactivated"}])
async def test_a_severe_reaction_bars_until_a_physician_clears_it(site: Site, cause: dict[str, Any]) -> None:
    """Invariant 11: blocked unless cleared by a physician's note dated after the reaction."""
    record_id = (await reaction(site, **cause)).json()["record_id"]
    barred = await site.decide("Will watch closely")
    assert barred.json()["code"] == "dose_barred"
    assert "prior_severe_reaction" in findings_of(barred)
    path = f"/api/v1/reactions/{record_id}/clearance"
    assert (await site.physician.post(path, json={"note": "Tested by the allergist"})).status_code == 201
    assert (await site.decide()).status_code == 201
    again = await site.physician.post(path, json={"note": "Tested by the allergist"})
    assert again.json()["code"] == "reaction_cleared"


async def test_a_reaction_to_another_platform_does_not_bar(site: Site) -> None:
    await reaction(site, vaccine_code=None, platform="live")
    assert (await site.decide()).status_code == 201


async def test_a_reaction_noted_under_a_permit_kills_it(site: Site) -> None:
    await site.ready()
    permit_id = (await permitted(site.bench, site.visit_id, CODES[0])).json()["permit_id"]
    await reaction(site)
    assert "prior_severe_reaction" in findings_of(await given(site.bench, permit_id))


async def test_a_reaction_is_not_cleared_on_its_own_day_nor_by_the_unqualified(site: Site, as_role: Any) -> None:
    record_id = (await reaction(site, occurred_on=TODAY.isoformat())).json()["record_id"]
    path = f"/api/v1/reactions/{record_id}/clearance"
    assert (await site.physician.post(path, json={"note": "fine"})).json()["code"] == "cleared_too_soon"
    site.house.db.clock.pass_time(days=1)  # type: ignore[attr-defined]  # the tests' clock
    unqualified = await as_role(Role.PHYSICIAN, certified=False)
    assert (await unqualified.post(path, json={"note": "fine"})).json()["code"] == "qualification_missing"
    physician = await as_role(Role.PHYSICIAN)
    unknown = await physician.post(f"/api/v1/reactions/{uuid4()}/clearance", json={"note": "fine"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "reaction_unknown")
    assert (await physician.post(path, json={"note": "fine"})).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"platform": "live"}, "reaction_not_named"),
        ({"vaccine_code": None}, "reaction_not_named"),
        ({"vaccine_code": "no-such-vaccine"}, "vaccine_unknown"),
        ({"occurred_on": "2026-03-03"}, "past_date_impossible"),
        ({"occurred_on": "1980-04-30"}, "past_date_impossible"),
        ({"note": " "}, "note_missing"),
        ({"note": "x" * 501}, "note_missing"),
    ],
)
async def test_a_reaction_that_cannot_be_is_not_noted(site: Site, body: dict[str, Any], code: str) -> None:
    before = rows_in(site.house.db)
    answer = await reaction(site, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert rows_in(site.house.db) == before


async def test_reactions_are_for_physicians(site: Site) -> None:
    await reaction(site)
    assert (await site.seen(site.registrar))["reactions"] is None
    assert (await site.seen(site.bench))["reactions"] is None
    assert [one["vaccine_code"] for one in (await site.seen(site.physician))["reactions"]] == [VACCINE]
    desk = await site.registrar.get(f"/people/{site.person_id}/immunisations")
    assert "Anaphylaxis" not in desk.text
    assert "Anaphylaxis" in (await site.physician.get(f"/people/{site.person_id}/immunisations")).text


async def test_what_tells_of_health_is_sealed(site: Site) -> None:
    await site.note(ago(60), place="县医院")
    assert (await site.decide("because")).status_code == 201
    await reaction(site)
    for table in (severe_reaction, dose_foreseen):
        row = site.house.db.read_now(lambda connection, table=table: connection.execute(select(table)).one())
        assert VACCINE.encode() not in repr(tuple(row)).encode()
        assert b"Anaphylaxis" not in repr(tuple(row)).encode()


async def test_the_desks_note_a_dose_on_the_page(site: Site) -> None:
    went = await site.registrar.get(f"/visits/{site.visit_id}/immunisations")
    page = f"/people/{site.person_id}/immunisations"
    assert (went.status_code, went.headers["location"]) == (303, page)
    form = {"what": "antigen:covid19", "given": "2025-06", "proof": "told", "place": ""}
    headers = {"sec-fetch-site": "same-origin"}
    noted = await site.registrar.post(f"/people/{site.person_id}/doses-elsewhere", data=form, headers=headers)
    assert (noted.status_code, noted.headers["location"]) == (303, page)
    (seen,) = (await site.seen())["doses"]
    assert (seen["given"], seen["vaccine_code"], seen["antigens"]) == ("2025-06", None, ["covid19"])
    struck = f"{page.removesuffix('/immunisations')}/doses-elsewhere/{seen['dose_id']}/struck"
    assert (await site.registrar.post(struck, data={"reason": "mistaken"}, headers=headers)).status_code == 303
    assert (await site.seen())["doses"] == []


async def test_the_physician_notes_and_clears_a_reaction_on_the_page(site: Site) -> None:
    base, headers = f"/people/{site.person_id}/reactions", {"sec-fetch-site": "same-origin"}
    form = {"occurred_on": ago(10), "vaccine_code": "", "platform": "inactivated", "note": "Hospital letter"}
    assert (await site.physician.post(base, data=form, headers=headers)).status_code == 303
    (seen,) = (await site.seen(site.physician))["reactions"]
    cleared = await site.physician.post(
        f"{base}/{seen['reaction_id']}/clearance", data={"note": "Tested"}, headers=headers
    )
    assert cleared.status_code == 303
    assert (await site.seen(site.physician))["reactions"][0]["clearance"] == "Tested"


async def test_the_physician_sees_which_dose_it_would_be(site: Site) -> None:
    await site.note(ago(60))
    a_screening(site.house.db, site.visit_id)
    page = (await site.physician.get(f"/visits/{site.visit_id}/decision")).text
    assert "Which dose it would be today" in page
    assert "<td>2</td>" in page


async def test_nobody_unknown_has_a_past(site: Site) -> None:
    answer = await site.registrar.get(f"/api/v1/people/{uuid4()}/immunisations")
    assert (answer.status_code, answer.json()["code"]) == (404, "person_unknown")
