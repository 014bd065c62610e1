"""Who sits down at a bench, by their card or slip: the one who is called, or another, which stops everything."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.injection.identity import another_at, name_called
from clinic_server.injection.lookup import SCAN
from clinic_server.injection.rules import ByWord
from clinic_server.injection.who_came import CardOfNobodyHere, WhoCame, settle, shown_at, visit_that_came
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


class NamedForm(Form):
    """How the vaccinator found that the called person sits here after all."""

    how: ByWord


@router.post("/bench/came")
async def came_to_bench(call: Bench) -> Response:
    """Go to the chair of the person whose card or slip was just read here; another code changes nothing.

    The delivery itself is what happens once, so this takes no key.
    """
    delivery = shown_at(call.house.inbox, call.station())
    return Response(status_code=204) if delivery is None else await _to_chair(call, delivery)


@router.post("/bench/slip")
async def type_slip(call: Bench) -> Response:
    """Go to the chair of the person whose slip was typed, by hand or by a scanner that types."""
    form = await call.form(SlipForm)
    scanned = call.house.recognise(form.scanned)
    if not isinstance(scanned, VisitScan):
        raise SlipUnknown
    return await _to_chair(call, call.house.inbox.put(call.station(), SCAN, scanned))


@router.post("/visits/{visit_id}/injection/came")
async def came_to_chair(call: Bench, visit_id: UUID) -> Response:
    """Say whether the card or slip just read is of the person in the chair; another's takes the chair's page away.

    The delivery itself is what happens once, so this takes no key.
    """
    delivery = shown_at(call.house.inbox, call.station())
    if delivery is None:
        await call.read(lambda connection: standing(connection, visit_id))  # a visit that is none is told so
        return Response(status_code=204)
    return await _answered(call, delivery, visit_id)


@router.get("/visits/{visit_id}/injection/another")
async def another_came(call: Bench, visit_id: UUID) -> Response:
    """Say over the whole screen that somebody else came, and where they should be, until it is found who sits here."""
    station, keyring = call.station(), call.house.db.keyring
    another = await call.read(lambda connection: another_at(connection, visit_id, station))
    if another is None:
        return go_to(call.request, _chair_of(visit_id))
    seen = await call.read(
        lambda connection: [standing(connection, one) for one in (visit_id, another.visit_id) if one]
    )
    name = await call.read(lambda connection: person(connection, keyring, seen[0].person_id).name)
    return call.page(
        "injection/another.html", station=station, called=seen[0], name=name, elsewhere=next(iter(seen[1:]), None)
    )


@router.post("/visits/{visit_id}/injection/identity")
async def name_person(call: Bench, visit_id: UUID) -> Response:
    """Record how it was found that the called person sits here, and begin anew at the chair."""
    form = await call.form(NamedForm)
    return await call.record(lambda tx: name_called(tx, visit_id, form.how), then=_chair_of(visit_id))


async def answer_slip(call: Call, slip: VisitScan, visit_id: UUID) -> Response:
    """Answer a slip that a scanner typed into the field for vials, as if the bench's own had read it."""
    return await _answered(call, call.house.inbox.put(call.station(), SCAN, slip), visit_id)


async def _answered(call: Call, delivery: Delivery, visit_id: UUID) -> Response:
    seen = await settle(call, delivery, visit_id)
    if seen.came.who is WhoCame.ANOTHER:
        return go_to(call.request, f"{_chair_of(visit_id)}/another")
    if seen.was_barred:
        return go_to(call.request, _chair_of(visit_id))
    return call.page("injection/_came.html", came=seen.came)


async def _to_chair(call: Call, delivery: Delivery) -> Response:
    keyring, content = call.house.db.keyring, delivery.content
    found = await call.read(lambda connection: visit_that_came(connection, keyring, content))
    if found is None:
        call.house.inbox.dismiss(call.station(), delivery.id, accepted=False)
        raise SlipUnknown if isinstance(content, VisitScan) else CardOfNobodyHere
    await settle(call, delivery, found.visit_id)
    return go_to(call.request, _chair_of(found.visit_id))


def _chair_of(visit_id: UUID) -> str:
    return f"/visits/{visit_id}/injection"
