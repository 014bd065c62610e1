"""Bad input and bad weather at the edge of the server: a code, a sentence, nothing half-written."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.journal import verify
from clinic_server.staff.rules import Role
from tests.api.visitors import rows_in

CANARY_NUMBER, CANARY_NAME = "11010519491231002X", "金丝雀"
TYPED = {"typed_reason": "no_card", "document_kind": "resident_id", "number": CANARY_NUMBER, "name": CANARY_NAME}
SYSTEM = system_actor("test")


async def check_in(desk: Any, **more: Any) -> httpx2.Response:
    answer: httpx2.Response = await desk.post("/api/v1/visits", json=TYPED, **more)
    return answer


async def _as_stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def fill_the_disk(house: House) -> None:
    """Let the database's file grow no further: what SQLite then says is what it says of a full disk."""
    pages = house.db.write_now(lambda tx: tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one(), SYSTEM)
    house.db.write_now(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"), SYSTEM)


async def test_an_oversized_body_is_refused_before_it_is_read(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    body = json.dumps(TYPED | {"name": "王" * house.settings.server.most_body_bytes})
    in_pieces = (piece.encode() for piece in (body[:10], body[10:]))
    for content in (body, _as_stream(in_pieces)):
        answer = await desk.post("/api/v1/visits", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content", ["", "{", '"text"', "[1]", "null", "\x00", '{"number": NaN}'])
async def test_what_is_no_body_is_malformed_and_not_echoed(as_role: Any, house: House, content: str) -> None:
    desk = await as_role(Role.REGISTRAR)
    before = rows_in(house.db)
    answer = await desk.post("/api/v1/visits", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert rows_in(house.db) == before


async def test_a_write_without_a_key_is_refused(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    before = rows_in(house.db)
    answer = await check_in(desk, headers={"idempotency-key": ""})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert rows_in(house.db) == before


async def test_an_unknown_address_and_a_wrong_method_have_their_codes(client: Any) -> None:
    assert (await client.get("/api/v1/nothing")).json()["code"] == "not_found"
    wrong = await client.delete("/api/v1/visits")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Nobody is signed in here."), ("zh-CN", "此处无人登录。"), ("zh-TW", None), ("fr", None)],
)
async def test_a_refusal_is_told_in_the_callers_language(client: Any, language: str, words: str | None) -> None:
    answer = await client.get("/api/v1/visits", headers={"accept-language": language})
    message = answer.json()["message"]
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert message != "Nobody is signed in here." if language != "en" else message == words


async def test_every_answer_forbids_what_pages_never_need(client: Any) -> None:
    for path in ("/sign-in", "/api/v1/visits", "/nothing", "/static/tokens.css"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert ("no-store" in headers["cache-control"]) != path.startswith("/static/")


async def test_a_fault_of_the_program_shows_no_trace_of_itself(as_role: Any, house: House, app: Any) -> None:
    @app.get("/api/v1/fault")
    async def fault() -> None:
        raise RuntimeError(CANARY_NUMBER)

    desk = await as_role(Role.REGISTRAR)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=str(desk.base_url)) as client:
        answer = await client.get("/api/v1/fault", headers={"accept-language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert CANARY_NUMBER not in answer.text
    assert house.db.failure is None


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
@pytest.mark.each_engine
async def test_a_full_disk_refuses_the_visit_says_so_and_the_same_key_records_it_later(
    as_role: Any, house: House
) -> None:
    desk = await as_role(Role.REGISTRAR)
    fill_the_disk(house)
    answer, key = None, {}
    while answer is None or answer.status_code == 201:
        before, key = rows_in(house.db), {"idempotency-key": uuid4().hex}
        passport = {
            "document_kind": "passport",
            "number": f"L{before:08d}",
            "issuing_country": "UTO",
            "born_on": "1991-02-03",
        }
        body = TYPED | passport | {"sex": "female"}
        answer = await desk.post("/api/v1/visits", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_full")
    assert answer.headers["retry-after"] == "2"
    assert rows_in(house.db) == before
    house.db.write_now(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=1000000"), SYSTEM)
    assert (await desk.post("/api/v1/visits", json=body, headers=key)).status_code == 201
    assert house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults == []


@pytest.mark.parametrize("engine", ["postgresql"], scope="session")
@pytest.mark.each_engine
async def test_a_connection_broken_by_the_database_is_told_and_the_same_key_records_once(
    as_role: Any, house: House
) -> None:
    desk = await as_role(Role.REGISTRAR)
    ending = text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    house.db.read_now(lambda connection: connection.execute(ending).all())
    key = {"idempotency-key": uuid4().hex}
    statuses = [(await check_in(desk, headers=key)).status_code for _ in range(3)]
    assert statuses[-1] == 201
    assert set(statuses) <= {201, 503}
    assert house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults == []


async def test_a_planted_number_and_name_are_in_no_log_and_no_journal(
    as_role: Any, house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    desk = await as_role(Role.REGISTRAR)
    await check_in(desk)
    again = await check_in(desk)
    wrong = await desk.post("/api/v1/visits", json=TYPED | {"number": CANARY_NUMBER[:-1] + "1"})
    assert (again.status_code, wrong.status_code) == (409, 422)
    said = caplog.text + "".join(capfd.readouterr()) + again.text + wrong.text
    kept = house.db.read_now(lambda connection: str(connection.execute(text("SELECT * FROM journal")).all()))
    kept += house.db.read_now(lambda connection: str(connection.execute(text("SELECT * FROM first_answer")).all()))
    for secret in (CANARY_NUMBER, CANARY_NAME, CANARY_NUMBER[6:14]):
        assert secret not in said + kept
