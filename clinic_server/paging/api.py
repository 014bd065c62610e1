"""Channels, attempts and weekly tests as JSON. What a channel is reached by is taken and never given back."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.kit.errors import NotFound
from clinic_server.paging import actions
from clinic_server.paging.lookup import AttemptShown, attempts
from clinic_server.paging.office import office_of
from clinic_server.paging.reach import refuse_forbidden
from clinic_server.paging.rules import CHANNEL_CODE, KEEPERS, Deafness
from clinic_server.paging.shown import (
    ChannelShown,
    TrialShown,
    WeeklyTestShown,
    channels_shown,
    deafness_now,
    trial_shown,
    weekly_test_shown,
)
from clinic_server.paging.trust import tests
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1/paging", tags=["paging"])
Owner = Annotated[Call, allows(Role.OWNER)]
Keeper = Annotated[Call, allows(*KEEPERS)]
_MOST_SECRET = 2000


class ChannelBody(Body):
    """A channel with its address and secrets."""

    code: str = Field(pattern=CHANNEL_CODE)
    kind: str = Field(min_length=1, max_length=32)
    url: str = Field("", max_length=_MOST_SECRET, repr=False)
    options: dict[str, str] = Field(default_factory=dict, max_length=20)
    secrets: dict[str, str] = Field(default_factory=dict, max_length=20, repr=False)


class TrialBody(Body):
    """One's own address on a channel."""

    address: str = Field("", max_length=200, repr=False)


@router.get("/channels")
async def list_channels(call: Keeper) -> Sequence[ChannelShown]:
    """Return the channels in use and how far the last page through each got."""
    return await channels_shown(call)


@router.post("/channels", status_code=201)
async def set_up(call: Owner, body: ChannelBody) -> Response:
    """Set a channel up, or anew under its code."""
    await refuse_forbidden(body.url, call.house.settings.paging.may_reach)
    return await call.record(lambda tx: actions.set_up_channel(tx, actions.NewChannel(**body.model_dump())))


@router.post("/channels/{code}/end", status_code=201)
async def end(call: Owner, code: str) -> Response:
    """Use a channel no more."""
    return await call.record(lambda tx: actions.end_channel(tx, code))


@router.post("/channels/{code}/trial", status_code=202)
async def begin_trial(call: Keeper, code: str, body: TrialBody) -> TrialShown:
    """Page one's own address, to see whether the channel works."""
    office = office_of(call)
    return trial_shown(office.trials.begin(code, await office.lane(code), body.address, call.actor))


@router.get("/channels/{code}/trial")
async def look_at_trial(call: Keeper, code: str) -> TrialShown:
    """Return how the latest trial of a channel stands; 404 where none was made since the server started."""
    trial = office_of(call).trials.latest(code)
    if trial is None:
        raise NotFound
    return trial_shown(trial)


@router.get("/attempts")
async def list_attempts(call: Keeper) -> Sequence[AttemptShown]:
    """Return the latest attempts to page somebody, the latest first."""
    return await call.read(attempts)


@router.get("/tests")
async def list_tests(call: Keeper) -> Sequence[WeeklyTestShown]:
    """Return the latest weekly tests: who was reached by what, and who answered."""
    return [weekly_test_shown(one) for one in await call.read(tests)]


@router.post("/tests/{test_id}/answers/{contact_id}", status_code=201)
async def note_answer(call: Keeper, test_id: UUID, contact_id: UUID) -> Response:
    """Note that somebody said they got the weekly test."""
    return await call.record(lambda tx: actions.note_test_answer(tx, test_id, contact_id))


@router.post("/rehearsals", status_code=201)
async def rehearse(call: Keeper) -> Response:
    """Raise an alarm that is none, through everything an alarm goes through."""
    return await call.record(actions.rehearse)


@router.get("/standing")
async def standing(call: Keeper) -> Sequence[Deafness]:
    """Return why an alarm might wake nobody; nothing where all is well."""
    return await deafness_now(call)
