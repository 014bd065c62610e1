"""Every fridge at a glance, and setting up places and probes."""

from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.cold_chain import actions
from clinic_server.cold_chain.course.glance import glance
from clinic_server.cold_chain.rules import PROFILES
from clinic_server.cold_chain.upkeep.hand_readings import hand_rounds
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Call, allows(Role.OWNER, Role.COLD_CHAIN_KEEPER)]

Overseer = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]


class PlaceForm(Form):
    """A place for vaccine; only a bench's box names a station."""

    code: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")
    name: str = Field(min_length=1, max_length=80)
    kind: PlaceKind
    profile: str = Field(max_length=40)
    station: str = Field("", max_length=32)
    capacity_units: Annotated[int | None, EMPTY_IS_NONE] = Field(None, ge=1, le=1_000_000)


class ProbeForm(Form):
    """Where a probe stands from now on; an empty place takes it out."""

    probe_id: str = Field(min_length=1, max_length=128)
    place_code: str = Field("", max_length=32)
    reason: str = Field("", max_length=200)


@router.get("/cold-chain")
async def cold_chain(call: Annotated[Call, signed_in()]) -> Response:
    """Show every place."""
    return call.page("cold_chain/fridges.html", kinds=list(PlaceKind), profiles=list(PROFILES), **await _now(call))


@router.get("/cold-chain/now")
async def cold_chain_now(call: Annotated[Call, signed_in()]) -> Response:
    """Show the places again."""
    return call.page("cold_chain/_places.html", **await _now(call))


@router.get("/cold-chain/standing")
async def standing(call: Overseer) -> Response:
    """Show for the start page how every place stands, what fails first, and what is to be read by hand today."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    read = await call.read(lambda connection: hand_rounds(connection, now, zone))
    rounds = defaultdict(tuple, {one.place.code: one.today for one in read})
    is_due = any(one.is_due for one in read)
    return call.page("cold_chain/_standing.html", rounds=rounds, is_due=is_due, **await _now(call))


@router.get("/cold-chain/places/{code}/latest")
async def latest_reading(call: Annotated[Call, signed_in()], code: str) -> Response:
    """Show what the probes of a place say now, beside whatever was said of it earlier."""
    now = call.house.db.clock.now()
    probes = await call.read(lambda connection: actions.probes_now(connection, now, code))
    return call.page("cold_chain/_latest.html", glance={"at": now}, probes=probes)


@router.post("/cold-chain/places")
async def add_place(call: Keeper) -> Response:
    """Add a place."""
    form = await call.form(PlaceForm)
    new = NewPlace(**form.model_dump() | {"station": form.station or None})
    return await call.record(lambda tx: actions.add_place(tx, new), then="/cold-chain")


@router.post("/cold-chain/probes")
async def assign_probe(call: Keeper) -> Response:
    """Set a probe into a place, or take it out."""
    form = await call.form(ProbeForm)
    place_code, reason = form.place_code or None, form.reason or None
    return await call.record(lambda tx: actions.assign_probe(tx, form.probe_id, place_code, reason), then="/cold-chain")


async def _now(call: Call) -> dict[str, Any]:
    now = call.house.db.clock.now()
    seen = await call.read(lambda connection: glance(connection, now))
    may_keep = bool({Role.OWNER, Role.COLD_CHAIN_KEEPER} & call.actor.roles)
    return {"glance": seen, "may_keep": may_keep}
