"""The page of similar events, with the stop order beside them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.similar import actions
from clinic_server.adverse_events.similar.rules import READERS
from clinic_server.adverse_events.similar.shown import similar_shown
from clinic_server.adverse_events.similar.terms import SimilarScope
from clinic_server.kit.call import Call, Form, allows
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import NewStop

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(*READERS)]
PAGE = "/adverse-events/similar/{number}"


class StopForm(Form):
    """What is stopped, and why."""

    scope: Literal[StopScope.LOT, StopScope.BENCH, StopScope.SITE]
    target: str = Field("", max_length=90)
    reason: str = Field(min_length=1, max_length=200)


class SettlementForm(Form):
    """What was found and done."""

    words: str = Field(max_length=400, repr=False)


@router.get(PAGE)
async def show_similar(call: Reader, number: int) -> Response:
    """Show similar events, what they have in common, and what may be stopped."""
    keyring = call.house.db.keyring
    seen = await call.read(lambda connection: similar_shown(connection, keyring, number))
    return call.page("adverse_events/similar.html", seen=seen, scopes=SimilarScope)


@router.post(f"{PAGE}/stop")
async def stop(call: Reader, number: int) -> Response:
    """Stop a lot at every bench, a bench, or everything."""
    form = await call.form(StopForm)
    new = NewStop(form.scope, form.target, form.reason)
    return await call.record(lambda tx: actions.stop(tx, number, new), then=PAGE.format(number=number))


@router.post(f"{PAGE}/settlement")
async def settle(call: Reader, number: int) -> Response:
    """Say what was found and done about similar events."""
    form = await call.form(SettlementForm)
    return await call.record(lambda tx: actions.settle(tx, number, form.words), then=PAGE.format(number=number))
