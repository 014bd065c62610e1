"""Who sits down at a bench, by their card or slip: the one who is called, or another, which stops everything."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.injection.lookup import SCAN
from clinic_server.injection.who_came import Came, CardOfNobodyHere, WhoCame, shown_at, visit_that_came, who_came
from clinic_server.kit.call import Call, Form, allows, go_to
from clinic_server.kit.inbox import Delivery
from clinic_server.people.lookup import person
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import VisitScan
from clinic_server.visits.lookup import standing
from clinic_server.visits.slip_code import SlipUnknown

router = APIRouter(include_in_schema=False)
Bench = Annotated[Call, allows(Role.VACCINATOR)]


class SlipForm(Form):
    """The code on the slip of the person who came."""

    scanned: str = Field(min_length=1, max_length=200)


@router.get("/bench/came")
async def came_to_bench(call: Bench) -> Response:
    """Go to the chair of the person whose card or slip was just read here; another code changes nothing."""
    delivery = shown_at(call.house.inbox, call.station())
    if delivery is None:
        return Response(status_code=204)
    with call.house.inbox.judging(call.station(), delivery.id):
        return await _to_chair(call, delivery.content)


@router.post("/bench/slip")
async def type_slip(call: Bench) -> Response:
    """Go to the chair of the person whose slip was typed, by hand or by a scanner that types; nothing is recorded."""
    form = await call.form(SlipForm)
    scanned = call.house.recognise(form.scanned)
    if not isinstance(scanned, VisitScan):
        raise SlipUnknown
    return await _to_chair(call, scanned)


@router.get("/visits/{visit_id}/injection/came")
async def came_to_chair(call: Bench, visit_id: UUID) -> Response:
    """Say whether the card or slip just read is of the person in the chair; another's takes the chair's page away."""
    delivery = shown_at(call.house.inbox, call.station())
    return Response(status_code=204) if delivery is None else await _answered(call, delivery, visit_id)


@router.get("/visits/{visit_id}/injection/another")
async def another_came(call: Bench, visit_id: UUID) -> Response:
    """Say over the whole screen that somebody else came, and where they should be, as long as that is known."""
    delivery = shown_at(call.house.inbox, call.station())
    came = await _compared(call, delivery, visit_id) if delivery else Came(WhoCame.ANOTHER)
    called = await call.read(lambda connection: standing(connection, visit_id))
    name = await call.read(lambda connection: person(connection, call.house.db.keyring, called.person_id).name)
    return call.page("injection/another.html", called=called, name=name, elsewhere=came.elsewhere)


async def answer_slip(call: Call, slip: VisitScan, visit_id: UUID) -> Response:
    """Answer a slip that a scanner typed into the field for vials, as if the bench's own had read it."""
    return await _answered(call, call.house.inbox.put(call.station(), SCAN, slip), visit_id)


async def _answered(call: Call, delivery: Delivery, visit_id: UUID) -> Response:
    came = await _compared(call, delivery, visit_id)
    call.house.inbox.judge(call.station(), delivery.id, accepted=came.who is WhoCame.CALLED)
    if came.who is WhoCame.ANOTHER:
        return go_to(call.request, f"/visits/{visit_id}/injection/another")
    return call.page("injection/_came.html", came=came)


async def _compared(call: Call, delivery: Delivery, visit_id: UUID) -> Came:
    keyring = call.house.db.keyring
    return await call.read(lambda connection: who_came(connection, keyring, delivery.content, visit_id))


async def _to_chair(call: Call, content: object) -> Response:
    keyring = call.house.db.keyring
    found = await call.read(lambda connection: visit_that_came(connection, keyring, content))
    if found is None:
        raise SlipUnknown if isinstance(content, VisitScan) else CardOfNobodyHere
    return go_to(call.request, f"/visits/{found.visit_id}/injection")
