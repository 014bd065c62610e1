"""What can change under a permit once it is given."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import (
    add_qualification,
    add_station,
    certificates_of,
    end_staff,
    revoke_role,
    station_exists,
)
from clinic_server.staff.rules import Certificate, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import open_session
from clinic_server.visits.orders import standing_order
from tests.api.callers import CONSOLE, SignedIn
from tests.api.test_injection import consent_to
from tests.api.visitors import OWNER, a_screening
from tests.conftest import ManualClock

Change = Callable[[House, SignedIn, UUID, ManualClock], Awaitable[None]]


async def nurse_signs_out(_house: House, bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    assert (await bench.delete("/api/v1/session")).status_code < 300


async def certificate_lapses(house: House, bench: SignedIn, _visit: UUID, clock: ManualClock) -> None:
    number = house.db.read_now(lambda connection: _certificate_number(connection, bench.staff_id))
    yesterday = clock.now().date() - timedelta(days=1)
    lapsed = Certificate(QualificationKind.VACCINATOR, number, yesterday - timedelta(days=9), yesterday)
    house.db.write_now(lambda tx: add_qualification(tx, bench.staff_id, lapsed), OWNER)


async def role_is_taken_back(house: House, bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    house.db.write_now(lambda tx: revoke_role(tx, bench.staff_id, Role.VACCINATOR), OWNER)


async def nurse_leaves(house: House, bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    house.db.write_now(lambda tx: end_staff(tx, bench.staff_id), OWNER)


async def bench_is_changed(house: House, bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    token = house.db.write_now(lambda tx: _signed_in_elsewhere(tx, bench.staff_id), CONSOLE)
    bench.headers["authorization"] = f"Bearer {token}"


async def answers_change(house: House, _bench: SignedIn, visit: UUID, _clock: ManualClock) -> None:
    a_screening(house.db, visit)


async def consent_is_withdrawn(house: House, bench: SignedIn, visit: UUID, _clock: ManualClock) -> None:
    body = {"consent_id": consent_of(house, visit), "withdrawn_by": "recipient", "reason": "changed my mind"}
    assert (await bench.post(f"/api/v1/visits/{visit}/consent/withdrawal", json=body)).status_code == 201


async def consent_is_disputed(_house: House, bench: SignedIn, visit: UUID, _clock: ManualClock) -> None:
    body = {"reason": "the father does not agree"}
    assert (await bench.post(f"/api/v1/visits/{visit}/consent/dispute", json=body)).status_code == 201


def consent_of(house: House, visit: UUID) -> str:
    order = house.db.read_now(lambda connection: standing_order(connection, visit))
    assert order is not None
    return str(order.consent_id)


async def another_order_takes_its_place(house: House, _bench: SignedIn, visit: UUID, _clock: ManualClock) -> None:
    a_screening(house.db, visit)
    consent_to(house.db, visit)


async def minutes_pass(_house: House, _bench: SignedIn, _visit: UUID, clock: ManualClock) -> None:
    clock.pass_time(minutes=5, seconds=1)


def _certificate_number(connection: Connection, staff_id: UUID) -> str:
    return certificates_of(connection, staff_id)[0].certificate_number


def _signed_in_elsewhere(tx: Tx, staff_id: UUID) -> str:
    if not station_exists(tx.connection, "bench-9"):
        add_station(tx, "bench-9", StationKind.INJECTION)
    return open_session(tx, staff_id, "bench-9")
