"""The record of an event through its pages: sought, opened, reported, amended, copied. On one engine."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from clinic_server.adverse_events.report.card import places, value_at
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.people.rules import CardFault
from clinic_server.settings import ReportingSettings, Settings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.scans import VisitScan
from clinic_server.visits.slip_code import slip_code
from tests.api.callers import AsRole, SignedIn
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE
from tests.api.test_reaction import measured_visit
from tests.api.test_report_cards import dose_of, person_of
from tests.api.visitors import a_colleague, a_lot, a_product, an_open_site
from tests.rules.test_report_cards import CARD

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], scope="session")
TYPED_CARD = {
    one.name: str(value_at(CARD, one)).lower() if one.name == "in_hospital" else str(value_at(CARD, one))
    for one in places(1)
    if value_at(CARD, one) is not None
}


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"reporting": ReportingSettings(county_code="110105")})


@pytest.fixture(name="visit_id")
def _visit_id(house: House) -> UUID:
    """Somebody whose dose was three hours ago."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, bench="desk-1")
    nurse: Actor = a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)
    visit_id = measured_visit(house)
    a_dose(house.db, visit_id, nurse)
    house.db.clock.pass_time(hours=3)  # type: ignore[attr-defined]
    return visit_id


@pytest_asyncio.fixture(name="physician")
async def _physician(as_role: AsRole, visit_id: UUID) -> SignedIn:  # noqa: ARG001  # the site is open first
    return await as_role(Role.PHYSICIAN)


async def sent(who: SignedIn, path: str, **fields: str) -> str:
    """Send a form and return where the page goes on."""
    answer = await who.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def shown(who: SignedIn, path: str) -> str:
    answer = await who.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def told(house: House, visit_id: UUID, **more: str) -> dict[str, str]:
    """What somebody on the telephone says: it began two hours ago."""
    local = (house.db.clock.now() - timedelta(hours=2)).astimezone(house.settings.site.zone)
    began = {"began_on": local.date().isoformat(), "began_at": local.strftime("%H:%M")}
    return {"found_how": "telephone", "dose_1": str(dose_of(house, visit_id)), **began, **more}


async def opened(house: House, who: SignedIn, visit_id: UUID, **more: str) -> str:
    return await sent(who, f"/people/{person_of(house, visit_id)}/adverse-event", **told(house, visit_id, **more))


async def test_somebody_is_sought_by_name_by_slip_or_by_card_and_the_address_tells_nothing(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    found = await physician.post("/adverse-events/seek", data={"name": "王小明", "born_on": "", "document_kind": ""})
    link = f"/people/{person_of(house, visit_id)}/adverse-event"
    assert link in found.text
    nobody = await physician.post("/adverse-events/seek", data={"name": "nobody"})
    assert "Nobody like this is on record" in nobody.text

    def code(tx: Tx) -> str:
        return slip_code(tx.keyring, visit_id, tx.local_date, 1)

    unknown = await physician.post("/adverse-events/seek/shown", data={})
    assert unknown.status_code == 404
    house.inbox.put(physician.station, "card", CardFault("no_card"))
    house.inbox.put(
        physician.station, "scan", VisitScan(house.db.write_now(code, a_colleague(house.db, Role.OBSERVER)))
    )
    assert link in (await physician.post("/adverse-events/seek/shown", data={})).text


async def test_somebody_who_never_came_is_put_on_record_once(house: House, physician: SignedIn) -> None:
    passport = {"document_kind": "passport", "number": "E7654321", "issuing_country": "CHN"}
    newcomer = passport | {"name": "李远", "born_on": "1970-01-01"}
    page = await sent(physician, "/adverse-events/newcomers", **newcomer)
    assert await sent(physician, "/adverse-events/newcomers", **newcomer) == page
    assert "李远" in await shown(physician, page)
    now = house.db.clock.now().astimezone(house.settings.site.zone)
    began = {"found_how": "reported", "began_on": now.date().isoformat(), "began_at": now.strftime("%H:%M")}
    elsewhere = {"elsewhere_product": "made-up vaccine", "elsewhere_given_on": now.date().isoformat()}
    record = await shown(physician, await sent(physician, page, **began, **elsewhere))
    assert "made-up vaccine" in record
    assert page in (await physician.post("/adverse-events/seek", data=passport)).text


async def test_an_event_is_opened_reported_amended_and_read_on_paper(
    house: House, visit_id: UUID, physician: SignedIn
) -> None:
    page = await opened(house, physician, visit_id, **{"kind": "urticaria", "seriousness-hospital": "on"})
    await sent(physician, f"{page}/care/symptoms", **{"symptom-stridor": "on", "minutes_ago": "0"})
    assert "by its signs alone" not in await shown(physician, f"{page}/care")
    await sent(physician, f"{page}/care/symptoms", **{"symptom-generalised_urticaria": "on", "minutes_ago": "0"})
    assert "Brighton level 1 by its signs alone" in await shown(physician, f"{page}/care")
    record = await shown(physician, page)
    assert f'href="{page}/care"' in record
    assert "Told by telephone" in record
    assert "urticaria" in record
    form = await shown(physician, f"{page}/card")
    assert "Required and still empty" in form
    assert 'value="L-2027-01-01"' in form
    assert "hives all over the body" in form
    lacking = await physician.post(f"{page}/card", data=TYPED_CARD | {"outcome": "", "vaccine_1_maker": ""})
    assert lacking.status_code == 422
    assert "<li>Outcome</li>" in lacking.text
    assert "<li>Vaccine: maker</li>" in lacking.text
    in_chinese = await physician.post(f"{page}/card", data={"name": "x"}, headers={"accept-language": "zh-CN"})
    assert "<li>转归</li>" in in_chinese.text
    misread = await physician.post(f"{page}/card", data=TYPED_CARD | {"born_on": "soon"})
    assert misread.status_code == 400
    assert await sent(physician, f"{page}/card", **TYPED_CARD) == page
    amended = TYPED_CARD | {"outcome": "sequelae", "base_version": "1", "reason": "seen again"}
    await sent(physician, f"{page}/card/amendments", **amended)
    record = await shown(physician, page)
    assert "seen again" in record
    assert '<td class="as-written">Recovered</td><td class="as-written">Lasting damage</td>' in record
    assert "Recovered" in await shown(physician, f"{page}/card/print?version=1")
    assert "Lasting damage" in await shown(physician, f"{page}/card/print")
    assert (await physician.get(f"{page}/card/print?version=9")).status_code == 404


async def test_what_follows_the_report_is_noted_on_its_page(house: House, visit_id: UUID, physician: SignedIn) -> None:
    page = await opened(house, physician, visit_id, kind="anaphylactic_shock")
    assert "Confirm the severe reaction to Vaccine A" in await shown(physician, page)
    await sent(physician, f"{page}/severe-reaction", dose_id=str(dose_of(house, visit_id)), note="shock")
    assert "later doses are barred" in await shown(physician, page)
    await sent(physician, f"{page}/card", **TYPED_CARD)
    await sent(physician, f"{page}/steps", step="investigation_begun", taken_on="", taken_at="")
    today = house.db.clock.now().date().isoformat()
    said = {"diagnosis": "shock", "body": "expert_panel", "level": "county", "harm": "4", "concluded_on": today}
    await sent(physician, f"{page}/conclusion", final_class="abnormal", **said)
    await sent(physician, f"{page}/claims", kind="maker", claimed_on=today, words="bill")
    record = await shown(physician, page)
    (settle,) = set(re.findall(rf"{page}/claims/[0-9a-f-]+/settlement", record))
    await sent(physician, settle, settled_on=today, words="paid")
    await sent(physician, f"{page}/closing")
    assert "Open the file again" in await shown(physician, page)
    await sent(physician, f"{page}/reopening", reason="more is known")
    record = await shown(physician, page)
    for words in (
        "Related to the vaccine product",
        "Grade 4",
        "settled",
        "paid",
        "more is known",
        "Investigation begun",
    ):
        assert words in record


async def test_a_copy_is_asked_for_with_a_reason_and_sent(house: House, visit_id: UUID, physician: SignedIn) -> None:
    page = await opened(house, physician, visit_id)
    await sent(physician, f"{page}/card", **TYPED_CARD)
    number = page.rpartition("/")[2]
    for form, begins in (("xlsx", b"PK"), ("csv", "\ufeff".encode()), ("json", b"{")):
        where = await sent(
            physician, "/adverse-events/copies", form=form, copied_for="county_cdc", reason="report", number=number
        )
        answer = await physician.get(where)
        assert answer.content.startswith(begins)
        assert f'.{form}"' in answer.headers["content-disposition"]
    nothing = await physician.post(
        "/adverse-events/copies", data={"form": "csv", "copied_for": "maker", "reason": "x", "since": "2026-03-01"}
    )
    assert nothing.status_code == 400


async def test_half_an_instant_or_half_a_dose_is_refused(house: House, visit_id: UUID, physician: SignedIn) -> None:
    path = f"/people/{person_of(house, visit_id)}/adverse-event"
    for half in (
        {"known_on": "2026-03-02"},
        {"elsewhere_product": "made up"},
        {"dose_1": "x"},
        {"seriousness-x": "on"},
    ):
        answer = await physician.post(path, data=told(house, visit_id) | half)
        assert answer.status_code == 400, half
    page = await opened(house, physician, visit_id)
    assert (await physician.post(f"{page}/steps", data={"step": "field_left", "taken_at": "10:00"})).status_code == 400


async def test_who_may_not_read_of_health_sees_the_steps_alone(
    house: House, visit_id: UUID, physician: SignedIn, as_role: AsRole
) -> None:
    page = await opened(house, physician, visit_id, kind="urticaria")
    lead = await as_role(Role.SITE_LEAD)
    for path in (page, "/adverse-events"):
        words = await shown(lead, path)
        assert "urticaria" not in words
        assert "王小明" not in words
    assert "Reported to the county: by 2026-03-0" in await shown(lead, page)
    for path in (f"{page}/card", f"{page}/card/print", "/adverse-events/seek"):
        assert (await lead.get(path)).status_code == 403
    assert (await (await as_role(Role.REGISTRAR)).get(page)).status_code == 403
    vaccinator: Any = await as_role(Role.VACCINATOR)
    assert (await vaccinator.post(f"{page}/class", data={"kind": "fever"})).status_code == 403
