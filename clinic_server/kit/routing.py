"""Finding the route of an address by its shape: trying hundreds of patterns took longer than most of the calls."""

from collections import defaultdict
from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_NOBODY: frozenset[str] = frozenset()


class RouteTable(BaseRoute):
    """Many routes as one. Only those are tried, in their order, that have an address's parts and end as it does."""

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        self.routes = routes
        self._alike: dict[tuple[int, str], list[APIRoute]] = {}
        self._of_any_end: dict[int, list[APIRoute]] = defaultdict(list)
        words = {(parts, end) for parts, end in map(_shape_of, routes) if _is_word(end)}
        for route in routes:
            parts, end = _shape_of(route)
            fitting = {(parts, end)} & words or {word for word in words if word[0] == parts}
            for word in fitting:
                self._alike.setdefault(word, []).append(route)
            if not _is_word(end):
                self._of_any_end[parts].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the first route that answers a request, or the first with its address alone (Starlette)."""
        if scope["type"] != "http":
            return Match.NONE, {}
        partial: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._tried(scope["path"]):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, found
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = (match, found)
        return partial

    def callers(self, method: str, path: str) -> frozenset[str]:
        """Return who may make a call, as its route declares it; nobody where there is no such route."""
        match, found = self.matches({"type": "http", "method": method, "path": path})
        return _declared_on(found["route"]) if match is Match.FULL else _NOBODY

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request by the route that was found for it (Starlette)."""
        await scope["route"].handle(scope, receive, send)

    def _tried(self, path: str) -> Sequence[APIRoute]:
        shape = _shape(path)
        return self._alike.get(shape) or self._of_any_end.get(shape[0]) or ()


def _declared_on(route: APIRoute) -> frozenset[str]:
    declared: list[frozenset[str]] = [getattr(one.call, "allowed", _NOBODY) for one in route.dependant.dependencies]
    return _NOBODY.union(*declared)


def _shape_of(route: APIRoute) -> tuple[int, str]:
    return _shape(route.path_format)


def _shape(path: str) -> tuple[int, str]:
    """Return how many parts an address has, and the last of them."""
    return path.count("/"), path.rpartition("/")[2]


def _is_word(end: str) -> bool:
    """Tell a part that is always the same from one that a request fills in."""
    return "{" not in end
