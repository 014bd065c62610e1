"""Signing in and out, the first owner, the staff and the stations."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows, anyone, signed_in
from clinic_server.staff import actions, sessions
from clinic_server.staff.rules import (
    NUMBER_PATTERN,
    STATION_PATTERN,
    Certificate,
    Newcomer,
    QualificationKind,
    Role,
    StationKind,
)

router = APIRouter(prefix="/api/v1", tags=["staff"])
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Number = Annotated[str, Field(pattern=NUMBER_PATTERN)]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Pin = Annotated[str, Field(min_length=1, max_length=64, repr=False)]


class SignInBody(Body):
    """Who, by what, and where."""

    number: str = Field(min_length=1, max_length=64, repr=False)
    pin: Pin
    station: str = Field(min_length=1, max_length=32)


class SetUpBody(Body):
    """The code on the console, and the first owner."""

    code: str = Field(min_length=1, max_length=32, repr=False)
    number: Number
    name: Name
    pin: Pin


class StaffBody(Body):
    """Someone who joins, with their roles and first PIN."""

    number: Number
    name: Name
    pin: Pin
    roles: list[Role] = Field(default_factory=list, max_length=len(Role))


class PinBody(Body):
    """A new PIN."""

    pin: Pin


class RoleBody(Body):
    """A role to grant, or to revoke when ``granted`` is false."""

    role: Role
    granted: bool


class QualificationBody(Body):
    """A certificate, valid on both dates and between."""

    kind: QualificationKind
    certificate_number: str = Field(min_length=1, max_length=40)
    valid_from: date
    valid_until: date


class StationBody(Body):
    """A place to sign in at."""

    code: str = Field(pattern=STATION_PATTERN)
    kind: StationKind


@router.post("/session", status_code=201)
async def sign_in(call: Annotated[Call, anyone()], body: SignInBody) -> Response:
    """Sign in; the token goes into the header ``Authorization: Bearer`` of every later call."""
    return _json(await sessions.sign_in(call.house.db, body.number, body.pin, body.station), 201)


@router.delete("/session", status_code=204)
async def sign_out(call: Annotated[Call, signed_in()]) -> Response:
    """End the session at once."""
    await sessions.sign_out(call.house.db, call.actor)
    return Response(status_code=204)


@router.get("/session")
async def show_session(call: Annotated[Call, signed_in()]) -> Response:
    """Tell who is signed in here."""
    actor = call.actor
    return _json(
        {"staff_id": actor.staff_id, "name": actor.name, "roles": sorted(actor.roles), "station": actor.station}
    )


@router.post("/set-up", status_code=201)
async def set_up(call: Annotated[Call, anyone()], body: SetUpBody) -> Response:
    """Make the first owner."""
    code: sessions.SetUpCode | None = call.request.app.state.set_up_code
    newcomer = Newcomer(body.number, body.name, await sessions.hash_pin(call.house.db.keyring, body.pin))
    return await call.record(lambda tx: sessions.create_owner_by_code(tx, code, body.code, newcomer))


@router.get("/staff")
async def list_staff(call: Lead) -> Response:
    """List everyone who works or worked here."""
    keyring = call.house.db.keyring
    return _json(await call.read(lambda connection: actions.members(connection, keyring)))


@router.post("/staff", status_code=201)
async def add_staff(call: Lead, body: StaffBody) -> Response:
    """Add someone."""
    newcomer = Newcomer(body.number, body.name, await sessions.hash_pin(call.house.db.keyring, body.pin))
    return await call.record(lambda tx: actions.add_staff(tx, newcomer, body.roles))


@router.post("/staff/{staff_id}/pins", status_code=201)
async def set_pin(call: Lead, staff_id: UUID, body: PinBody) -> Response:
    """Give someone a new PIN; their sessions end."""
    pin_hash = await sessions.hash_pin(call.house.db.keyring, body.pin)
    return await call.record(lambda tx: actions.set_pin(tx, staff_id, pin_hash))


@router.post("/staff/{staff_id}/roles", status_code=201)
async def decide_role(call: Lead, staff_id: UUID, body: RoleBody) -> Response:
    """Grant or revoke a role; it counts from the next call on."""
    decide = actions.grant_role if body.granted else actions.revoke_role
    return await call.record(lambda tx: decide(tx, staff_id, body.role))


@router.post("/staff/{staff_id}/qualifications", status_code=201)
async def add_qualification(call: Lead, staff_id: UUID, body: QualificationBody) -> Response:
    """Enter or correct a certificate."""
    certificate = Certificate(**body.model_dump())
    return await call.record(lambda tx: actions.add_qualification(tx, staff_id, certificate))


@router.post("/staff/{staff_id}/end", status_code=201)
async def end_staff(call: Lead, staff_id: UUID) -> Response:
    """Record that someone no longer works here; their sessions end at once."""
    return await call.record(lambda tx: actions.end_staff(tx, staff_id))


@router.get("/stations")
async def list_stations(call: Annotated[Call, anyone()]) -> Response:
    """List the places to sign in at."""
    return _json(await call.read(actions.stations))


@router.post("/stations", status_code=201)
async def add_station(call: Lead, body: StationBody) -> Response:
    """Add a place to sign in at."""
    return await call.record(lambda tx: actions.add_station(tx, body.code, body.kind))


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
