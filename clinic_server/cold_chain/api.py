"""How the cold chain stands, what was measured, and setting up places and probes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from clinic_server.cold_chain import actions
from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind

router = APIRouter(prefix="/api/v1/cold-chain", tags=["cold chain"])
Keeper = Annotated[Call, allows(Role.OWNER, Role.COLD_CHAIN_KEEPER)]


class PlaceBody(Body):
    """A place for vaccine; ``profile`` names its limits, a bench's box its ``station``."""

    code: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")
    name: str = Field(min_length=1, max_length=80)
    kind: PlaceKind
    profile: str = Field("cn-clinic-2-8", max_length=40)
    station: str | None = Field(None, max_length=32)
    capacity_units: int | None = Field(None, ge=1, le=1_000_000)


class ProbeBody(Body):
    """Where a probe stands from now on; null takes it out of its place."""

    probe_id: str = Field(min_length=1, max_length=128)
    place_code: str | None = Field(max_length=32)
    reason: str | None = Field(None, min_length=1, max_length=200)


@router.get("")
async def cold_chain(call: Annotated[Call, signed_in()]) -> actions.Overview:
    """Return every place with its probes, its limits and its condition now."""
    now = call.house.db.clock.now()
    return await call.read(lambda connection: actions.overview(connection, now))


@router.get("/readings")
async def readings(
    call: Annotated[Call, signed_in()], probe: Annotated[str, Query(max_length=128)], since: AwareDatetime
) -> list[actions.ReadingLine]:
    """Return a probe's readings from an instant on, oldest first, 2,000 at most; ask again from the last one's time."""
    start: datetime = since
    return await call.read(lambda connection: actions.readings_since(connection, probe, start))


@router.post("/places", status_code=201)
async def add_place(call: Keeper, body: PlaceBody) -> Response:
    """Add a place."""
    new = NewPlace(**body.model_dump())
    return await call.record(lambda tx: actions.add_place(tx, new))


@router.post("/probes", status_code=201)
async def assign_probe(call: Keeper, body: ProbeBody) -> Response:
    """Set a probe into a place, or take it out."""
    return await call.record(lambda tx: actions.assign_probe(tx, body.probe_id, body.place_code, body.reason))
