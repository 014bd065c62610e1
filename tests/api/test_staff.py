"""Setting up, signing in, sessions and rights, through the running server."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import event, func, select

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import NotPermitted, NotSignedIn
from clinic_server.kit.journal import verify
from clinic_server.settings import SecuritySettings, ServerSettings, Settings
from clinic_server.staff import actions
from clinic_server.staff.rules import (
    LONGEST_SESSION,
    Certificate,
    QualificationKind,
    QualificationMissing,
    Role,
    StationKind,
)
from clinic_server.staff.sessions import hash_pin
from clinic_server.staff.tables import pin_attempt, role_grant, staff, staff_pin, staff_session
from tests.api.callers import CONSOLE, SITE_URL, AsRole, Client, SignedIn, add_member, running
from tests.conftest import ManualClock

PIN, WRONG_PIN = "730218", "730219"
PAGE = {"origin": SITE_URL}


@pytest.fixture(name="pin_hash", scope="session")
def _pin_hash() -> str:
    """The hash of PIN under the key of every test's site; made once, because that is its price."""
    return asyncio.run(hash_pin(Keyring(bytes(range(32))), PIN))


@pytest_asyncio.fixture(name="lead_id")
async def _lead_id(house: House, pin_hash: str) -> Any:
    """A site lead with number 100 and PIN, at a site with the station ``office``."""

    def join(tx: Any) -> Any:
        actions.add_station(tx, "office", StationKind.OFFICE)
        return add_member(tx, [Role.SITE_LEAD], pin_hash=pin_hash)

    return await house.db.write(join, CONSOLE)


async def sign_in(client: Client, number: str = "100", pin: str = PIN, station: str = "office") -> httpx2.Response:
    return await client.post("/api/v1/session", json={"number": number, "pin": pin, "station": station})


async def who(client: Client, token: str) -> int:
    """Ask who is signed in under a token, and return the answer's status."""
    authorization = f"Bearer {token}".encode("latin-1")
    return (await client.get("/api/v1/session", headers={b"authorization": authorization})).status_code


async def count(house: House, table: Any, *where: Any) -> int:
    return await house.db.read(
        lambda connection: connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
    )


def owner_form(app: FastAPI, **changed: str) -> dict[str, str]:
    return {"code": app.state.set_up_code.shown, "number": "1000", "name": "Wang Fang", "pin": PIN, **changed}


# ---- the first owner ----


async def test_the_printed_code_makes_the_first_owner_who_then_signs_in(
    app: FastAPI, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await client.post("/api/v1/set-up", json=owner_form(app, code=app.state.set_up_code.shown.lower()))
    assert made.status_code == 201
    opened = await sign_in(client, "1000")
    assert (opened.json()["roles"], opened.json()["station"]) == (["owner"], "office")
    assert capsys.readouterr().err == ""


async def test_a_wrong_code_makes_nobody_and_ten_wrong_ones_spoil_the_right_one(
    app: FastAPI, client: Client, house: House
) -> None:
    for _ in range(10):
        refused = await client.post("/api/v1/set-up", json=owner_form(app, code="ABCDEFGH"))
        assert (refused.status_code, refused.json()["code"]) == (403, "set_up_refused")
    spoilt = await client.post("/api/v1/set-up", json=owner_form(app))
    assert spoilt.json()["code"] == "set_up_refused"
    assert await count(house, staff) == 0


async def test_there_is_one_first_owner_and_a_repeated_request_gets_the_first_answer(
    app: FastAPI, client: Client, settings: Settings, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    form, key = owner_form(app), {"idempotency-key": uuid4().hex}
    first = await client.post("/api/v1/set-up", json=form, headers=key)
    again = await client.post("/api/v1/set-up", json=form, headers=key)
    other = await client.post("/api/v1/set-up", json=form | {"number": "1001"})
    assert again.content == first.content
    assert (other.status_code, other.json()["code"]) == (409, "set_up_done")
    await asyncio.to_thread(app.state.house.db.close)
    capsys.readouterr()
    async with running(settings, clock) as restarted, Client(restarted) as later:
        assert "Set-up code" not in capsys.readouterr().out
        replayed = await later.post("/api/v1/set-up", json=form, headers=key)
        assert replayed.content == first.content


async def test_the_set_up_page_wants_the_pin_twice_and_leads_to_sign_in(app: FastAPI, client: Client) -> None:
    assert "Set-up code" in (await client.get("/sign-in", follow_redirects=True)).text
    differing = await client.post("/set-up", data=owner_form(app, pin_again=WRONG_PIN))
    assert (differing.status_code, "two PINs differ" in differing.text) == (400, True)
    simple = await client.post("/set-up", data=owner_form(app, pin="123456", pin_again="123456"))
    assert (simple.status_code, "too simple" in simple.text) == (422, True)
    made = await client.post("/set-up", data=owner_form(app, pin_again=PIN))
    assert (made.status_code, made.headers["location"]) == (303, "/sign-in")
    assert (await client.get("/set-up")).status_code == 409


# ---- signing in ----


@pytest.mark.usefixtures("lead_id")
async def test_an_unknown_number_a_wrong_pin_and_someone_who_left_get_the_same_answer(
    client: Client, house: House, pin_hash: str
) -> None:
    def join_and_leave(tx: Any) -> None:
        actions.end_staff(tx, add_member(tx, [Role.OBSERVER], pin_hash=pin_hash))

    await house.db.write(join_and_leave, CONSOLE)
    answers = [await sign_in(client, "100", WRONG_PIN), await sign_in(client, "101"), await sign_in(client, "999")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert answers[0].json()["code"] == "sign_in_refused"
    assert await count(house, pin_attempt, ~pin_attempt.c.succeeded) == 3


@pytest.mark.usefixtures("lead_id")
async def test_an_unknown_number_costs_the_time_of_a_wrong_pin(client: Client) -> None:
    """Both run argon2 once; a look-up without it would take a fifth of the time."""
    fastest = {"100": 60.0, "999": 60.0}
    for _ in range(4):
        for number in ("100", "999"):
            began = time.perf_counter()
            assert (await sign_in(client, number, WRONG_PIN)).status_code == 401
            fastest[number] = min(fastest[number], time.perf_counter() - began)
    assert 0.5 < fastest["100"] / fastest["999"] < 2


@pytest.mark.usefixtures("lead_id")
async def test_five_wrong_pins_lock_the_number_through_a_restart_until_a_quarter_of_an_hour_passed(
    app: FastAPI, client: Client, settings: Settings, clock: ManualClock
) -> None:
    for _ in range(5):
        assert (await sign_in(client, pin=WRONG_PIN)).status_code == 401
    locked = await sign_in(client)
    assert (locked.status_code, locked.json()["facts"]) == (429, {"minutes": 15})
    await asyncio.to_thread(app.state.house.db.close)
    async with running(settings, clock) as restarted, Client(restarted) as later:
        clock.pass_time(minutes=14)
        assert (await sign_in(later)).json()["facts"] == {"minutes": 1}
        clock.pass_time(minutes=1)
        assert (await sign_in(later)).status_code == 201
        assert (await sign_in(later, pin=WRONG_PIN)).status_code == 401  # a success starts the count afresh


@pytest.mark.usefixtures("lead_id")
async def test_a_number_nobody_has_is_locked_like_any_other(client: Client) -> None:
    known = [await sign_in(client, "100", WRONG_PIN) for _ in range(6)]
    unknown = [await sign_in(client, "999", WRONG_PIN) for _ in range(6)]
    assert [(a.status_code, a.content) for a in unknown] == [(a.status_code, a.content) for a in known]
    assert unknown[-1].status_code == 429


@pytest.mark.usefixtures("lead_id")
@pytest.mark.each_engine
async def test_guesses_made_all_at_once_count_one_by_one(client: Client, house: House) -> None:
    answers = await asyncio.gather(*(sign_in(client, pin=WRONG_PIN) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 5
    assert await count(house, pin_attempt, ~pin_attempt.c.succeeded) == 5
    assert (await sign_in(client)).status_code == 429


async def test_a_new_pin_opens_a_locked_number_and_ends_the_sessions_under_the_old_one(
    client: Client, as_role: AsRole, clock: ManualClock, lead_id: Any
) -> None:
    owner, old = await as_role(Role.OWNER), (await sign_in(client)).json()["token"]
    for _ in range(5):
        await sign_in(client, pin=WRONG_PIN)
    clock.pass_time(seconds=1)
    assert (await owner.post(f"/api/v1/staff/{lead_id}/pins", json={"pin": "402751"})).status_code == 201
    assert await who(client, old) == 401
    assert (await sign_in(client, pin="402751")).status_code == 201
    assert (await sign_in(client, pin=PIN)).status_code == 401


@pytest.mark.usefixtures("lead_id")
async def test_a_station_nobody_set_up_is_refused_before_the_pin_is_looked_at(client: Client, house: House) -> None:
    refused = await sign_in(client, station="nowhere")
    assert (refused.status_code, refused.json()["code"]) == (422, "station_unknown")
    assert await count(house, pin_attempt) == 0


@pytest.mark.usefixtures("lead_id")
async def test_neither_pin_nor_token_nor_a_mistyped_number_is_stored_readable(client: Client, house: House) -> None:
    opened = (await sign_in(client)).json()
    await sign_in(client, number=PIN, pin="100")

    def everything(connection: Any) -> str:
        tables = (pin_attempt, staff_session, staff, staff_pin)
        return repr([connection.execute(select(table)).all() for table in tables])

    stored = await house.db.read(everything)
    assert PIN not in stored
    assert opened["token"] not in stored
    assert "Staff 100" not in stored


# ---- sessions ----


async def test_a_session_ends_at_once_when_its_owner_signs_out(as_role: AsRole) -> None:
    observer = await as_role(Role.OBSERVER)
    assert (await observer.get("/api/v1/session")).json() == {
        "staff_id": str(observer.staff_id),
        "name": "Staff 100",
        "roles": ["observer"],
        "station": "observation-1",
    }
    assert (await observer.delete("/api/v1/session")).status_code == 204
    assert (await observer.get("/api/v1/session")).json()["code"] == "not_signed_in"


async def test_a_session_ends_at_once_when_its_person_leaves_the_staff(as_role: AsRole) -> None:
    lead, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    assert (await observer.get("/api/v1/session")).status_code == 200
    assert (await lead.post(f"/api/v1/staff/{observer.staff_id}/end")).status_code == 201
    assert (await observer.get("/api/v1/session")).status_code == 401


async def test_a_granted_and_a_revoked_role_count_from_the_next_call_on(as_role: AsRole) -> None:
    owner, observer = await as_role(Role.OWNER), await as_role(Role.OBSERVER)
    path = f"/api/v1/staff/{observer.staff_id}/roles"
    assert (await observer.get("/api/v1/staff")).status_code == 403
    await owner.post(path, json={"role": "site_lead", "granted": True})
    assert (await observer.get("/api/v1/staff")).status_code == 200
    await owner.post(path, json={"role": "site_lead", "granted": False})
    assert (await observer.get("/api/v1/staff")).status_code == 403


async def test_a_role_held_already_is_not_granted_twice(as_role: AsRole, house: House) -> None:
    lead, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    again = await lead.post(f"/api/v1/staff/{observer.staff_id}/roles", json={"role": "observer", "granted": True})
    assert again.status_code == 201
    assert await count(house, role_grant, role_grant.c.staff_id == observer.staff_id) == 1


@pytest.mark.usefixtures("lead_id")
async def test_sign_in_on_a_page_gives_a_new_token_and_ends_the_one_before(client: Client) -> None:
    form = {"number": "100", "pin": PIN, "station": "office"}
    first = await client.post("/sign-in", data=form, headers=PAGE)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    before = client.cookies["clinic_session"]
    await client.post("/sign-in", data=form, headers=PAGE)
    after = client.cookies["clinic_session"]
    assert before != after
    client.cookies.clear()
    assert (await who(client, before), await who(client, after)) == (401, 200)


@pytest.mark.usefixtures("lead_id")
async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: Client, as_role: AsRole) -> None:
    await as_role(Role.OWNER)
    answer = await client.post("/sign-in", data={"number": "100", "pin": PIN, "station": "office"}, headers=PAGE)
    session, station = sorted(answer.headers.get_list("set-cookie"))
    assert session.startswith("clinic_session=")
    assert session.partition("; ")[2] == "HttpOnly; Path=/; SameSite=lax"
    assert station.startswith("clinic_station=office; HttpOnly; Max-Age=31536000")
    assert 'value="office" selected' in (await client.get("/sign-in")).text


async def test_behind_tls_the_cookie_is_bound_to_this_host_and_read_under_no_other_name(
    settings: Settings, clock: ManualClock, pin_hash: str
) -> None:
    secure = settings.model_copy(update={"server": ServerSettings(secure_cookies=True)})
    async with running(secure, clock) as app, Client(app) as client:

        def join(tx: Any) -> None:
            actions.add_station(tx, "office", StationKind.OFFICE)
            add_member(tx, [Role.SITE_LEAD], pin_hash=pin_hash)

        await app.state.house.db.write(join, CONSOLE)
        client.base_url = httpx2.URL("https://clinic.test")
        origin = {"origin": "https://clinic.test"}
        answer = await client.post("/sign-in", data={"number": "100", "pin": PIN, "station": "office"}, headers=origin)
        cookie = answer.headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Host-clinic_session=")
        assert cookie.endswith("; HttpOnly; Path=/; SameSite=lax; Secure")
        assert (await client.get("/staff")).status_code == 200
        token = client.cookies["__Host-clinic_session"]
        client.cookies.clear()
        assert (await client.get("/staff", headers={"cookie": f"clinic_session={token}"})).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": SITE_URL},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://elsewhere.test"},
        {"origin": "null"},
        {},
    ],
    ids=["cross-site", "same-site", "foreign origin", "null origin", "no word of where"],
)
async def test_a_form_sent_from_another_site_with_our_cookie_is_refused(
    client: Client, as_role: AsRole, house: House, headers: dict[str, str]
) -> None:
    lead = await as_role(Role.SITE_LEAD)
    cookie = {"cookie": f"clinic_session={lead.token}"}
    refused = await client.post("/stations", data={"code": "desk-9", "kind": "office"}, headers=cookie | headers)
    assert refused.status_code == 403
    assert not await house.db.read(lambda connection: actions.station_exists(connection, "desk-9"))


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": SITE_URL}], ids=["fetch", "origin"])
async def test_our_own_form_is_accepted(client: Client, as_role: AsRole, headers: dict[str, str]) -> None:
    lead = await as_role(Role.SITE_LEAD)
    cookie = {"cookie": f"clinic_session={lead.token}"}
    sent = await client.post("/stations", data={"code": "desk-9", "kind": "office"}, headers=cookie | headers)
    assert (sent.status_code, sent.headers["location"]) == (303, "/staff")


@pytest.fixture(name="short_sessions")
def _short_sessions(settings: Settings) -> Settings:
    security = settings.security
    return settings.model_copy(update={"security": SecuritySettings(key_file=security.key_file, idle_minutes=30)})


async def test_a_session_survives_a_restart_but_not_half_an_hour_without_activity(
    short_sessions: Settings, clock: ManualClock, pin_hash: str
) -> None:
    def join(tx: Any) -> None:
        actions.add_station(tx, "office", StationKind.OFFICE)
        add_member(tx, [Role.SITE_LEAD], pin_hash=pin_hash)

    async with running(short_sessions, clock) as app, Client(app) as client:
        await app.state.house.db.write(join, CONSOLE)
        token = (await sign_in(client)).json()["token"]
        clock.pass_time(minutes=29)
        assert await who(client, token) == 200
    clock.pass_time(minutes=29)
    async with running(short_sessions, clock) as app, Client(app) as client:
        assert await who(client, token) == 200
        clock.pass_time(minutes=30)
        assert await who(client, token) == 401


async def test_no_session_is_older_than_the_longest_shift(as_role: AsRole, clock: ManualClock) -> None:
    observer = await as_role(Role.OBSERVER)
    for _ in range(13):
        clock.pass_time(hours=1)
        assert (await observer.get("/api/v1/session")).status_code == 200
    clock.pass_time(seconds=LONGEST_SESSION.total_seconds() - 13 * 3600)
    assert (await observer.get("/api/v1/session")).status_code == 401


@contextmanager
def statements_on(house: House) -> Iterator[list[str]]:
    """Collect what is asked of and written to the database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engines = (house.db._reader, house.db._writer)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_session_once_known_is_not_looked_up_again_and_noted_at_most_once_a_minute(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    observer = await as_role(Role.OBSERVER)
    await observer.get("/api/v1/session")
    with statements_on(house) as seen:
        await observer.get("/api/v1/session")
        clock.pass_time(seconds=59)
        await observer.get("/api/v1/session")
        assert seen == []
        clock.pass_time(seconds=1)
        await observer.get("/api/v1/session")
        await observer.get("/api/v1/session")
    assert sum("UPDATE staff_session" in statement for statement in seen) == 1


async def test_a_made_up_token_is_nobody(client: Client) -> None:
    assert [await who(client, token) for token in ("x", secrets.token_urlsafe(32), "é" * 40)] == [401, 401, 401]


# ---- who decides about whom ----


async def test_a_site_lead_adds_staff_but_decides_nothing_about_owners(as_role: AsRole) -> None:
    lead, owner, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OWNER), await as_role(Role.OBSERVER)
    newcomer = {"number": "3000", "name": "Li Ming", "pin": PIN, "roles": ["registrar"]}
    assert (await lead.post("/api/v1/staff", json=newcomer)).status_code == 201
    refused = [
        await lead.post("/api/v1/staff", json=newcomer | {"number": "3001", "roles": ["owner"]}),
        await lead.post(f"/api/v1/staff/{lead.staff_id}/roles", json={"role": "owner", "granted": True}),
        await lead.post(f"/api/v1/staff/{owner.staff_id}/roles", json={"role": "owner", "granted": False}),
        await lead.post(f"/api/v1/staff/{owner.staff_id}/pins", json={"pin": "402751"}),
        await lead.post(f"/api/v1/staff/{owner.staff_id}/end"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "owner_only")] * 5
    granted = await owner.post(f"/api/v1/staff/{observer.staff_id}/roles", json={"role": "owner", "granted": True})
    assert granted.status_code == 201


async def test_the_last_owner_can_neither_leave_nor_lose_the_role(as_role: AsRole) -> None:
    owner, second = await as_role(Role.OWNER), await as_role(Role.OWNER)
    assert (await owner.post(f"/api/v1/staff/{second.staff_id}/end")).status_code == 201
    refused = [
        await owner.post(f"/api/v1/staff/{owner.staff_id}/end"),
        await owner.post(f"/api/v1/staff/{owner.staff_id}/roles", json={"role": "owner", "granted": False}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "last_owner")] * 2


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/staff", {"number": "100", "name": "Li", "pin": PIN}, 409, "staff_number_taken"),
        ("/api/v1/staff", {"number": "12", "name": "Li", "pin": PIN}, 400, "malformed"),
        ("/api/v1/staff", {"number": "3000", "name": "Li", "pin": "123456"}, 422, "pin_too_simple"),
        ("/api/v1/staff", {"number": "3000", "name": "Li", "pin": PIN, "roles": ["king"]}, 400, "malformed"),
        (f"/api/v1/staff/{UUID(int=404)}/end", None, 404, "staff_unknown"),
        ("/api/v1/stations", {"code": "Desk 1", "kind": "office"}, 400, "malformed"),
        ("/api/v1/stations", {"code": "office", "kind": "office"}, 409, "station_taken"),
    ],
)
async def test_what_cannot_be_recorded_is_refused_by_its_code(
    as_role: AsRole, path: str, body: Any, status: int, code: str
) -> None:
    lead = await as_role(Role.SITE_LEAD)
    refused = await lead.post(path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert PIN not in refused.text


async def test_someone_who_left_is_decided_about_no_more_and_their_number_is_never_given_again(as_role: AsRole) -> None:
    lead, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    await lead.post(f"/api/v1/staff/{observer.staff_id}/end")
    granted = await lead.post(f"/api/v1/staff/{observer.staff_id}/roles", json={"role": "registrar", "granted": True})
    assert granted.json()["code"] == "staff_has_ended"
    again = await lead.post("/api/v1/staff", json={"number": "101", "name": "Li", "pin": PIN})
    assert again.json()["code"] == "staff_number_taken"


# ---- what clinical actions ask ----


def as_actor(caller: SignedIn, *roles: Role) -> Actor:
    return Actor(name="x", staff_id=caller.staff_id, roles=frozenset(roles))


async def test_a_certificate_counts_by_the_sites_own_calendar(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    """01:00 UTC is 09:00 in Shanghai; at 16:00 UTC the next day has begun there."""
    doctor = await as_role(Role.PHYSICIAN, certified=False)
    actor = as_actor(doctor, Role.PHYSICIAN)
    today = Certificate(QualificationKind.PHYSICIAN, "A1", date(2026, 3, 2), date(2026, 3, 2))

    def require(tx: Any) -> Any:
        return actions.require_qualification(tx, QualificationKind.PHYSICIAN)

    with pytest.raises(QualificationMissing):
        await house.db.write(require, actor)
    await house.db.write(lambda tx: actions.add_qualification(tx, doctor.staff_id, today), CONSOLE)
    assert await house.db.write(require, actor) == doctor.staff_id
    clock.pass_time(hours=14, minutes=59)
    assert clock.now() == datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    assert await house.db.write(require, actor) == doctor.staff_id
    clock.pass_time(minutes=1)
    with pytest.raises(QualificationMissing) as missing:
        await house.db.write(require, actor)
    assert missing.value.facts == {"kind": "physician"}


async def test_a_corrected_certificate_no_longer_counts_as_first_entered(as_role: AsRole, house: House) -> None:
    doctor, lead = await as_role(Role.PHYSICIAN), await as_role(Role.SITE_LEAD)
    on = date(2026, 3, 2)

    def is_qualified(connection: Any) -> bool:
        return actions.qualified(connection, doctor.staff_id, QualificationKind.PHYSICIAN, on)

    assert await house.db.read(is_qualified)
    entry = {"kind": "physician", "certificate_number": "C-100"}
    path = f"/api/v1/staff/{doctor.staff_id}/qualifications"
    reversed_dates = await lead.post(path, json=entry | {"valid_from": "2026-02-01", "valid_until": "2026-01-01"})
    assert reversed_dates.json()["code"] == "qualification_dates_reversed"
    corrected = await lead.post(path, json=entry | {"valid_from": "2025-01-01", "valid_until": "2026-03-01"})
    assert corrected.status_code == 201
    assert not await house.db.read(is_qualified)


async def test_an_actor_who_left_or_lost_a_role_since_the_call_began_records_nothing(
    as_role: AsRole, house: House
) -> None:
    lead, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    actor = as_actor(observer, Role.OBSERVER)
    assert await house.db.write(actions.require_signed_in, actor) == observer.staff_id
    await lead.post(f"/api/v1/staff/{observer.staff_id}/roles", json={"role": "observer", "granted": False})
    with pytest.raises(NotPermitted):
        await house.db.write(actions.require_signed_in, actor)
    await lead.post(f"/api/v1/staff/{observer.staff_id}/end")
    with pytest.raises(NotSignedIn):
        await house.db.write(actions.require_signed_in, actor)
    with pytest.raises(NotSignedIn):
        await house.db.write(actions.require_signed_in, CONSOLE)


# ---- pages ----


async def test_the_staff_page_shows_and_changes_what_stands(as_role: AsRole, house: House) -> None:
    lead, doctor = await as_role(Role.SITE_LEAD), await as_role(Role.PHYSICIAN)
    base = f"/staff/{doctor.staff_id}"
    sent = [
        await lead.post("/staff", data={"number": "3000", "name": "<b>Li", "pin": PIN, "role": "volunteer"}),
        await lead.post(f"{base}/roles", data={"role": "observer", "granted": "true"}),
        await lead.post(f"{base}/roles", data={"role": "physician", "granted": "false"}),
        await lead.post(f"{base}/pins", data={"pin": "402751"}),
        await lead.post(
            f"{base}/qualifications",
            data={
                "kind": "emergency",
                "certificate_number": "E-7",
                "valid_from": "2024-01-01",
                "valid_until": "2025-01-01",
            },
        ),
        await lead.post("/stations", data={"code": "desk-1", "kind": "registration"}),
        await lead.post(f"{base}/end"),
    ]
    assert [(answer.status_code, answer.headers["location"]) for answer in sent] == [(303, "/staff")] * 7
    page = (await lead.get("/staff")).text
    for shown in ("3000", "&lt;b&gt;Li", "Volunteer", "E-7, 2024-01-01 – 2025-01-01", "Not valid today", "desk-1"):
        assert shown in page
    member = (await house.db.read(lambda connection: actions.members(connection, house.db.keyring)))[1]
    assert (member.roles, member.has_ended) == ((Role.OBSERVER,), True)


async def test_signing_out_on_a_page_ends_the_session_and_forgets_the_cookie(as_role: AsRole, client: Client) -> None:
    observer = await as_role(Role.OBSERVER)
    left = await observer.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert 'clinic_session=""' in left.headers["set-cookie"]
    assert await who(client, observer.token) == 401


@pytest.mark.usefixtures("lead_id")
async def test_a_refused_sign_in_on_a_page_says_so_and_sets_no_cookie(client: Client) -> None:
    form = {"number": "100", "pin": WRONG_PIN, "station": "office"}
    refused = await client.post("/sign-in", data=form, headers=PAGE | {"hx-request": "true"})
    assert (refused.status_code, "Number or PIN is wrong" in refused.text) == (401, True)
    assert "set-cookie" not in refused.headers
    assert WRONG_PIN not in refused.text


@pytest.mark.usefixtures("lead_id")
async def test_stations_are_open_to_the_sign_in_page_by_code_and_kind_only(client: Client) -> None:
    assert (await client.get("/api/v1/stations")).json() == [{"code": "office", "kind": "office"}]


@pytest.mark.parametrize(
    ("back", "status"), [("/staff", 303), ("//elsewhere.test", 400), ("https://elsewhere.test", 400)]
)
async def test_a_chosen_language_is_kept_and_leads_back_to_our_own_page_only(
    client: Client, back: str, status: int
) -> None:
    answer = await client.post("/language", data={"language": "zh-TW", "back": back}, headers=PAGE)
    assert answer.status_code == status
    assert client.cookies.get("clinic_language") == ("zh-TW" if status == 303 else None)


@pytest.mark.each_engine
async def test_after_all_of_it_the_journal_holds(as_role: AsRole, house: House) -> None:
    lead, observer = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    await lead.post(f"/api/v1/staff/{observer.staff_id}/roles", json={"role": "registrar", "granted": True})
    await lead.post(f"/api/v1/staff/{observer.staff_id}/end")
    seen = await house.db.read(lambda connection: verify(connection, house.db.keyring.journal_key))
    assert (seen.faults, seen.lines > 6) == ([], True)
