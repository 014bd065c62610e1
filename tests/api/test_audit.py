"""The audit over HTTP: every look at one person's data is kept, vouched for by the journal, and tells no name."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from clinic_server.audit.looking import LookBook
from clinic_server.audit.lookup import seq_at
from clinic_server.audit.rules import subject_of
from clinic_server.audit.tables import look
from clinic_server.kit.call import House
from clinic_server.kit.journal import head_of, journal, verify
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, SignedIn
from tests.api.visitors import a_visit
from tests.conftest import ManualClock
from tests.guards.test_routes import TABLE


async def kept(app: FastAPI) -> list[Any]:
    book: LookBook = app.state.look_book
    await book.look()
    rows = app.state.house.db.read_now(
        lambda connection: connection.execute(select(look).order_by(look.c.looked_at, look.c.id)).all()
    )
    return list(rows)


async def seen_by(auditor: SignedIn, path: str) -> str:
    answer = await auditor.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_look_is_kept_once_a_minute_with_whom_and_by_whom(
    app: FastAPI, house: House, as_role: AsRole, clock: ManualClock
) -> None:
    visit_id = a_visit(house.db)
    registrar = await as_role(Role.REGISTRAR)
    for _ in range(3):
        assert (await registrar.get(f"/visits/{visit_id}")).status_code == 200
    assert (await registrar.get(f"/api/v1/visits/{str(visit_id).upper()}")).status_code == 200
    clock.pass_time(minutes=1)
    assert (await registrar.get(f"/visits/{visit_id}/standing")).status_code == 200
    assert (await registrar.get(f"/visits/{visit_id}")).status_code == 200
    found = await kept(app)
    assert [one.page for one in found] == [
        "/visits/{visit_id}",
        "/api/v1/visits/{visit_id}",
        "/visits/{visit_id}/standing",
        "/visits/{visit_id}",
    ]
    assert {(one.staff_id, one.subject_id, one.station) for one in found} == {
        (registrar.staff_id, str(visit_id), registrar.station)
    }
    assert len({one.person_id for one in found}) == 1
    assert found[0].person_id is not None
    assert not house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults


async def test_who_was_refused_saw_nothing_and_a_list_shows_no_one_person(
    app: FastAPI, house: House, as_role: AsRole
) -> None:
    visit_id = a_visit(house.db)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await keeper.get(f"/visits/{visit_id}")).status_code == 403
    assert (await keeper.get("/stock")).status_code == 200
    assert await kept(app) == []


def test_every_page_of_one_persons_is_one_that_is_noted() -> None:
    """A new route that shows a visit, a person, a dose or a file is noted by the names of its parameters."""
    paths = [line.split(": ")[0].removeprefix("GET ") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    told = [path for path in paths if path.startswith("/") and ("/visits/{" in path or "/people/{" in path)]
    told += [path for path in paths if path.startswith(("/doses/{", "/adverse-events/{", "/api/v1/adverse-events/{"))]
    assert len(told) > 20
    names = ("visit_id", "person_id", "dose_id", "number")
    for path in told:
        parameters = {name: "01890000-0000-7000-8000-0000000000ab" for name in names if f"{{{name}}}" in path}
        assert subject_of(path, parameters) is not None, path


async def test_the_auditor_reads_who_looked_and_who_did_what(
    app: FastAPI, house: House, as_role: AsRole, clock: ManualClock
) -> None:
    visit_id = a_visit(house.db)
    registrar, auditor = await as_role(Role.REGISTRAR), await as_role(Role.AUDITOR)
    await registrar.get(f"/visits/{visit_id}")
    await kept(app)
    looks = await seen_by(auditor, f"/audit/looks?ref={visit_id}")
    assert str(visit_id) in looks
    assert "王小明" not in looks
    assert "Nobody looked" in await seen_by(auditor, f"/audit/looks?ref={registrar.staff_id}")
    lines = await seen_by(auditor, "/audit?kind=checked_in")
    assert str(visit_id) in lines
    assert "looks_kept" not in lines
    assert "Nothing was done" in await seen_by(auditor, f"/audit?who={registrar.staff_id}&kind=checked_in")
    clock.pass_time(hours=48)
    later = await as_role(Role.AUDITOR)
    assert str(visit_id) not in await seen_by(later, "/audit")
    answer = await later.get("/api/v1/looks?since=2026-03-01T00:00:00Z&until=2026-03-09T00:00:00Z")
    assert [one["subject_id"] for one in answer.json()] == [str(visit_id)]


async def test_pages_of_a_hundred_lines_follow_each_other(house: House, as_role: AsRole) -> None:
    for _ in range(130):
        a_visit(house.db)
    auditor = await as_role(Role.AUDITOR)
    first = await seen_by(auditor, "/audit?kind=checked_in")
    assert first.count("<code>checked_in</code>") == 100
    head = house.db.read_now(head_of).seq
    last_shown = house.db.read_now(
        lambda connection: connection.execute(
            select(journal.c.seq)
            .where(journal.c.kind == "checked_in")
            .order_by(journal.c.seq.desc())
            .offset(99)
            .limit(1)
        ).scalar_one()
    )
    assert last_shown < head
    assert f"before={last_shown}" in first
    second = await seen_by(auditor, f"/audit?kind=checked_in&before={last_shown}")
    assert second.count("<code>checked_in</code>") == 30
    assert "before=" not in second


@pytest.mark.each_engine
async def test_a_walk_over_the_journal_is_kept_and_shown(house: House, as_role: AsRole) -> None:
    a_visit(house.db)
    auditor = await as_role(Role.AUDITOR)
    assert "not walked over" in await seen_by(auditor, "/audit")
    assert (await auditor.post("/audit/check")).status_code == 303
    assert "The journal held" in await seen_by(auditor, "/audit")


async def test_a_line_is_found_by_its_time_in_few_steps(house: House, clock: ManualClock) -> None:
    seqs = []
    for _ in range(5):
        a_visit(house.db)
        seqs.append(house.db.read_now(head_of).seq)
        clock.pass_time(minutes=10)
    now = clock.now()
    for place, seq in enumerate(seqs):
        at = now - timedelta(minutes=10 * (5 - place))
        found = house.db.read_now(lambda connection, at=at: seq_at(connection, at))  # type: ignore[misc]  # bound
        assert found <= seq
        assert found > (seqs[place - 1] if place else 0)
    assert house.db.read_now(lambda connection: seq_at(connection, now + timedelta(days=1))) == seqs[-1] + 1
