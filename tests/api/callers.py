"""Who calls the server in tests: anyone on the LAN, a browser's page, or staff signed in without typing PINs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI

from clinic_server.app import create_app
from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import Clock
from clinic_server.kit.tx import Tx
from clinic_server.settings import Settings
from clinic_server.staff import actions
from clinic_server.staff.rules import Certificate, Newcomer, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import open_session

SITE_URL = "http://clinic.test"
CONSOLE = system_actor("console")
UNUSED_HASH = "signs in by no PIN"
STATION_OF = {
    Role.REGISTRAR: ("desk-1", StationKind.REGISTRATION),
    Role.PHYSICIAN: ("screening-1", StationKind.SCREENING),
    Role.VACCINATOR: ("bench-1", StationKind.INJECTION),
    Role.OBSERVER: ("observation-1", StationKind.OBSERVATION),
    Role.COLD_CHAIN_KEEPER: ("fridges", StationKind.COLD_CHAIN),
}
CERTIFICATE_OF = {
    Role.PHYSICIAN: QualificationKind.PHYSICIAN,
    Role.VACCINATOR: QualificationKind.VACCINATOR,
    Role.REGISTRAR: QualificationKind.REGISTRAR,
}


class Client(httpx2.AsyncClient):
    """A caller on the LAN, reading English; every write carries a fresh Idempotency-Key unless it brings its own."""

    def __init__(self, app: FastAPI, **headers: str) -> None:
        super().__init__(
            transport=httpx2.ASGITransport(app=app),
            base_url=SITE_URL,
            headers={"accept-language": "en", **headers},
            event_hooks={"request": [_with_key]},
        )


class SignedIn(Client):
    """Someone with roles, signed in at a station by bearer token."""

    def __init__(self, app: FastAPI, token: str, staff_id: UUID, station: str) -> None:
        super().__init__(app, authorization=f"Bearer {token}")
        self.token = token
        self.staff_id = staff_id
        self.station = station


AsRole = Callable[..., Awaitable[SignedIn]]


async def _with_key(request: httpx2.Request) -> None:
    if request.method != "GET":
        request.headers.setdefault("idempotency-key", uuid4().hex)


@asynccontextmanager
async def running(settings: Settings, clock: Clock) -> AsyncIterator[FastAPI]:
    """Start the server as a process would, and stop it."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


def add_member(tx: Tx, roles: Iterable[Role], *, certified: bool = True, pin_hash: str = UNUSED_HASH) -> UUID:
    """Add someone with the next number from 100 on, certificates for their roles, and a PIN given by its hash."""
    number = str(100 + len(actions.members(tx.connection, tx.keyring)))
    staff_id = actions.add_staff(tx, Newcomer(number, f"Staff {number}", pin_hash), tuple(roles)).staff_id
    year = timedelta(days=365)
    for kind in {CERTIFICATE_OF[role] for role in roles if certified and role in CERTIFICATE_OF}:
        certificate = Certificate(kind, f"C-{number}", tx.local_date - year, tx.local_date + year)
        actions.add_qualification(tx, staff_id, certificate)
    return staff_id


async def someone(app: FastAPI, *roles: Role, station: str | None = None, certified: bool = True) -> SignedIn:
    """Return someone new with these roles, certified for them and signed in; the station is made if it is not there."""
    own_station, kind = STATION_OF.get(roles[0], ("office", StationKind.OFFICE))
    place = station or own_station

    def join(tx: Tx) -> tuple[UUID, str]:
        if not actions.station_exists(tx.connection, place):
            actions.add_station(tx, place, kind)
        staff_id = add_member(tx, roles, certified=certified)
        return staff_id, open_session(tx, staff_id, place)

    staff_id, token = await app.state.house.db.write(join, CONSOLE)
    return SignedIn(app, token, staff_id, place)
