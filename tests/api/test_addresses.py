"""The table of routes answers as trying every route in turn would."""

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from clinic_server.kit.routing import RouteTable

PATHS = ("/", "/a", "/{one}", "/a/{one}", "/a/new", "/{one}/list", "/a/{one}/list", "/a/b/{one}", "/late/{one}/{two}")
ADDRESSES = (*PATHS, "/b", "/a/", "/a/list", "/a/x", "/b/list", "/a/b/list", "/a/b/x", "/late/new/list", "/x/y/z", "//")


def application(*, with_table: bool) -> FastAPI:
    router = APIRouter()
    for number, path in enumerate(PATHS):
        method = router.post if number % 4 == 3 else router.get

        @method(path)
        def answer(path: str = path) -> str:
            return path

    app = FastAPI(openapi_url=None)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    app.router.routes.extend([RouteTable(routes)] if with_table else routes)
    return app


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_address_finds_the_route_that_comes_first(method: str) -> None:
    table, in_turn = (TestClient(application(with_table=one), follow_redirects=False) for one in (True, False))
    for address in ADDRESSES:
        told, expected = table.request(method, address), in_turn.request(method, address)
        assert (told.status_code, told.text) == (expected.status_code, expected.text), address
    assert table.get("/a/new").json() == "/a/new", "which is a GET of its own after a POST that fits"
