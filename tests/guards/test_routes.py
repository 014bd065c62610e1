"""Who may make each call: every route against the committed table ``routes.txt``, and every refusal really made."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from clinic_server.app import create_app
from clinic_server.kit.routing import RouteTable
from clinic_server.settings import DatabaseSettings, SecuritySettings, Settings
from clinic_server.staff import actions
from clinic_server.staff.rules import Role, StationKind
from clinic_server.staff.sessions import open_session
from tests.api.callers import CONSOLE, Client, SignedIn, add_member, running
from tests.conftest import ManualClock

TABLE = Path(__file__).with_name("routes.txt")
WITHOUT_A_CALL = {"GET /openapi.json": "anyone", "GET /static": "anyone"}  # the framework's own: schema and assets
ROLES = frozenset(Role)


class Route(NamedTuple):
    """One way to call the server, and the roles, or the one word, that may."""

    method: str
    path: str
    allowed: frozenset[str]

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}: {' '.join(sorted(self.allowed))}"


def routes_of(app: FastAPI) -> Iterator[Route]:
    inside = [route for table in app.routes if isinstance(table, RouteTable) for route in table.routes]
    for route in iter_route_contexts([*inside, *(route for route in app.routes if not isinstance(route, RouteTable))]):
        methods = {"GET"} if isinstance(route.original_route, Mount) else (route.methods or set()) - {"HEAD"}
        for method in sorted(methods):
            yield Route(method, str(route.path), declared(f"{method} {route.path}", route))


def declared(name: str, route: Any) -> frozenset[str]:
    """Read what ``allows``, ``signed_in`` or ``anyone`` left on the route's dependency."""
    dependant = getattr(route, "dependant", None)
    found = (
        [dependency.call.allowed for dependency in dependant.dependencies if hasattr(dependency.call, "allowed")]
        if dependant
        else []
    )
    if name in WITHOUT_A_CALL and not found:
        return frozenset({WITHOUT_A_CALL[name]})
    if len(found) != 1:
        pytest.fail(f"{name} must say once who may call it: by allows(...), signed_in() or anyone().")
    return frozenset(str(word) for word in found[0])


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'clinic.db'}"),
        security=SecuritySettings(key_file=tmp_path / "site.key"),
    )


def test_every_route_says_who_may_call_it_as_the_committed_table_does(settings: Settings) -> None:
    routes = sorted(routes_of(create_app(settings)), key=lambda route: (route.path, route.method))
    found = [route.line for route in routes]
    table = TABLE.read_text(encoding="utf-8").splitlines()
    changes = [line for line in difflib.ndiff(table, found) if line.startswith(("+", "-"))]
    assert not changes, "\n".join(["routes.txt says otherwise; if the change is meant, commit:", *changes])


async def test_nobody_gets_further_than_the_table_says(settings: Settings) -> None:
    """Each role is refused with 403 wherever it is not listed, and a stranger with 401 or the sign-in page."""
    async with running(settings, ManualClock()) as app, Client(app) as stranger:
        limited = [route for route in routes_of(app) if route.allowed != {"anyone"}]
        for route in limited:
            answer = await stranger.request(route.method, filled(route.path))
            is_turned_away = answer.status_code == 401 or answer.headers.get("location") == "/sign-in"
            assert is_turned_away, f"a stranger got {answer.status_code} from {route.line}"
        for role in Role:
            async with await signed_in_as(app, role) as caller:
                for route in limited:
                    if role not in route.allowed and route.allowed != {"signed_in"}:
                        answer = await caller.request(route.method, filled(route.path))
                        assert answer.status_code == 403, f"{role} got {answer.status_code} from {route.line}"


def filled(path: str) -> str:
    """Put something in every parameter of a path."""
    return re.sub(r"{[^}]*}", uuid4().hex, path)


async def signed_in_as(app: FastAPI, role: Role) -> SignedIn:
    def join(tx: Any) -> tuple[UUID, str]:
        if not actions.station_exists(tx.connection, "office"):
            actions.add_station(tx, "office", StationKind.OFFICE)
        staff_id = add_member(tx, [role])
        return staff_id, open_session(tx, staff_id, "office")

    staff_id, token = await app.state.house.db.write(join, CONSOLE)
    return SignedIn(app, token, staff_id, "office")


def test_the_table_names_only_roles_there_are() -> None:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        words = set(line.partition(": ")[2].split())
        assert words in ({"anyone"}, {"signed_in"}, {"agent"}) or words <= ROLES, line
