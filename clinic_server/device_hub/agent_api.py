"""What desk PCs call, and how they join and leave."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from clinic_server.device_hub import desk_actions
from clinic_server.device_hub.desk import Desk
from clinic_server.device_hub.desks import Desks, desks_of
from clinic_server.device_hub.pairing import CODE_LIVES_S
from clinic_server.kit.call import Body, Call, House, actor_of, allows, anyone, signed_in
from clinic_server.kit.errors import Malformed, NotPermitted, NotSignedIn
from clinic_server.staff.rules import Role
from devices.agent.form import BadMessage, Form, T
from devices.agent.messages import BATCH, HEALTH, MEASURED, MOMENT

router = APIRouter(prefix="/api/v1/agents", tags=["desk PCs"])
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]


class AgentUnknown(NotSignedIn):
    """The credential belongs to no desk PC, or its desk PC was taken off."""

    code = "agent_unknown"


class AgentCall:
    """One request by one desk PC."""

    def __init__(self, request: Request, desks: Desks, desk: Desk) -> None:
        self.desks = desks
        self.desk = desk
        self._request = request

    async def body(self, form: Form[T]) -> T:
        """Return what was sent, or raise Malformed with the reason."""
        try:
            return form.decode(await self._request.body())
        except BadMessage as bad:
            raise Malformed(findings=[bad.reason]) from None


def agent() -> Any:
    """Declare a call made by the programs of desk PCs, each with its own credential."""

    async def call_of(request: Request) -> AgentCall:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        desks = desks_of(request)
        desk = await desks.desk_of(token) if scheme.lower() == "bearer" and token else None
        if desk is None:
            raise AgentUnknown if await actor_of(request) is None else NotPermitted
        return AgentCall(request, desks, desk)

    call_of.allowed = frozenset({"agent"})  # type: ignore[attr-defined]  # read by the guard that lists every route
    return Depends(call_of)


Agent = Annotated[AgentCall, agent()]


class PollBody(Body):
    """What only the desk PC that began the pairing knows."""

    secret: str = Field(min_length=1, max_length=64, repr=False)


class AgentBody(Body):
    """The code on the desk PC's screen, what it is called here, and where it stands."""

    code: str = Field(min_length=1, max_length=32, repr=False)
    name: str = Field(min_length=1, max_length=40)
    station: str = Field(min_length=1, max_length=32)


@router.post("/pairings", status_code=201)
async def begin_pairing(call: Annotated[Call, anyone()]) -> Response:
    """Begin to wait for a person who types the code at the server; nothing is recorded."""
    pairing = desks_of(call.request).pairings.open()
    return _json(
        {
            "pairing_id": pairing.pairing_id,
            "secret": pairing.secret,
            "code": pairing.code,
            "lives_s": CODE_LIVES_S,
            "site": call.house.settings.site.name,
        },
        201,
    )


@router.post("/pairings/{pairing_id}/poll")
async def poll_pairing(call: Annotated[Call, anyone()], pairing_id: str, body: PollBody) -> Response:
    """Tell a waiting desk PC its credential, once its code was typed and until it is used."""
    pairing = desks_of(call.request).pairings.with_secret(pairing_id, body.secret)
    paired = await call.read(lambda connection: desk_actions.agent_of(connection, pairing.digest))
    if paired is None:
        return _json({"state": "waiting"})
    return _json({"state": "paired", "token": pairing.token, **msgspec.to_builtins(paired)})


@router.get("")
async def list_agents(call: Annotated[Call, signed_in()]) -> Response:
    """List the desk PCs and how each is."""
    desks = desks_of(call.request)
    await desks.refresh()
    return _json(desks.shown())


@router.post("", status_code=201)
async def pair(call: Lead, body: AgentBody) -> Response:
    """Let the desk PC that shows a code join."""
    pairings = desks_of(call.request).pairings
    return await call.record(lambda tx: desk_actions.pair_agent(tx, pairings, body.code, body.name, body.station))


@router.post("/{agent_id}/end", status_code=201)
async def end(call: Lead, agent_id: UUID) -> Response:
    """Take a desk PC off; its credential counts no more from here on."""
    return await call.record(lambda tx: desk_actions.end_agent(tx, agent_id))


@router.post("/events")
async def hand_in(call: Agent) -> Response:
    """Store a batch of durable events; answered once they are committed. What can never be stored is named."""
    return _json({"refused": await call.desks.arrivals.take_batch(call.desk, await call.body(BATCH))})


@router.post("/moments", status_code=204)
async def pass_on(call: Agent) -> Response:
    """Pass on a card, a scan or another event that is worth something only now."""
    await call.desks.arrivals.take_moment(call.desk, await call.body(MOMENT))
    return Response(status_code=204)


@router.post("/measurements", status_code=204)
async def fill_in(call: Agent) -> Response:
    """Fill in, at the desk's own station, what a device there measured of the person; nothing is recorded yet."""
    call.desks.arrivals.take_measured(call.desk, await call.body(MEASURED))
    return Response(status_code=204)


@router.put("/health")
async def take_health(call: Agent, request: Request) -> Response:
    """Note how a desk PC is and what it remembers of our records; tell it the time and what is recorded now."""
    health = await call.body(HEALTH)
    recorded = await call.desks.bear_witness(call.desk, health.recorded)
    await call.desks.take_health(call.desk, health)
    house: House = request.app.state.house
    return _json({"now": house.db.clock.now(), "recorded": recorded})


@router.get("/words")
async def words(call: Agent) -> StreamingResponse:
    """Stream what the desk PC should attend and tell its devices, one JSON object a line."""
    return StreamingResponse(call.desks.words(call.desk), media_type="application/x-ndjson")


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
