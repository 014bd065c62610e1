"""The pages of paging: channels and their test buttons, every attempt, the weekly tests, the rehearsal, the banner."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.alerts.contacts import contacts
from clinic_server.alerts.wording import reason_words
from clinic_server.kit.call import Call, Form, allows, signed_in
from clinic_server.kit.labels import labels
from clinic_server.paging import actions
from clinic_server.paging.lookup import attempts, attempts_about, channel_by_code
from clinic_server.paging.office import office_of
from clinic_server.paging.reach import refuse_forbidden
from clinic_server.paging.rules import CHANNEL_CODE, KEEPERS, ChannelRefused
from clinic_server.paging.shown import channels_shown, deafness_now, trial_shown
from clinic_server.paging.trust import tests
from clinic_server.staff.rules import Role
from devices.pagers.registry import PAGER_KINDS

router = APIRouter(include_in_schema=False)
Owner = Annotated[Call, allows(Role.OWNER)]
Keeper = Annotated[Call, allows(*KEEPERS)]
Anybody = Annotated[Call, signed_in()]
_MOST_LINES = 2000


class ChannelForm(Form):
    """A channel; options and secrets are lines of name=value."""

    code: str = Field(pattern=CHANNEL_CODE)
    kind: str = Field(min_length=1, max_length=32)
    url: str = Field("", max_length=_MOST_LINES, repr=False)
    options: str = Field("", max_length=_MOST_LINES)
    secrets: str = Field("", max_length=_MOST_LINES, repr=False)

    def channel(self) -> actions.NewChannel:
        """Return what is to be set up, or raise ChannelRefused."""
        options, secrets = _pairs("options", self.options), _pairs("secrets", self.secrets)
        return actions.NewChannel(self.code, self.kind, self.url, options, secrets)


class TrialForm(Form):
    """One's own address on a channel."""

    address: str = Field("", max_length=200, repr=False)


@router.get("/paging")
async def show_channels(call: Keeper) -> Response:
    """Show the channels, and to an administrator the form that sets one up."""
    return call.page(
        "paging/channels.html",
        channels=await channels_shown(call),
        kinds=sorted(PAGER_KINDS),
        trials=_trials(call),
        may_set_up=Role.OWNER in call.actor.roles,
        **_words(),
    )


@router.get("/paging/now")
async def show_channels_again(call: Keeper) -> Response:
    """Show the channels again."""
    may_set_up = Role.OWNER in call.actor.roles
    channels = await channels_shown(call)
    return call.page(
        "paging/_channels.html", channels=channels, trials=_trials(call), may_set_up=may_set_up, **_words()
    )


@router.post("/paging/channels")
async def set_up(call: Owner) -> Response:
    """Set a channel up, or anew under its code."""
    new = (await call.form(ChannelForm)).channel()
    await refuse_forbidden(new.url, call.house.settings.paging.may_reach)
    return await call.record(lambda tx: actions.set_up_channel(tx, new), then="/paging")


@router.get("/paging/channels/{code}/end")
async def ask_to_end(call: Owner, code: str) -> Response:
    """Ask once more before a channel is taken out of use."""
    keyring = call.house.db.keyring
    held = await call.read(lambda connection: channel_by_code(connection, keyring, code))
    return call.page("paging/end.html", code=held.code, kind=held.kind, **_words())


@router.post("/paging/channels/{code}/end")
async def end(call: Owner, code: str) -> Response:
    """Use a channel no more."""
    return await call.record(lambda tx: actions.end_channel(tx, code), then="/paging")


@router.post("/paging/channels/{code}/trial")
async def begin_trial(call: Keeper, code: str) -> Response:
    """Page one's own address; the list shows how far it gets."""
    form, office = await call.form(TrialForm), office_of(call)
    office.trials.begin(code, await office.lane(code), form.address, call.actor)
    return await show_channels_again(call) if "hx-request" in call.request.headers else await show_channels(call)


@router.get("/paging/attempts")
async def show_attempts(call: Keeper) -> Response:
    """Show every attempt to page somebody and how far it got."""
    return call.page("paging/attempts.html", **await _attempts(call))


@router.get("/paging/attempts/now")
async def show_attempts_again(call: Keeper) -> Response:
    """Show the attempts again."""
    return call.page("paging/_attempts.html", **await _attempts(call))


@router.get("/paging/alerts/{number}/attempts")
async def show_attempts_about(call: Anybody, number: int) -> Response:
    """Show on an alert's own page how far each page about it got."""
    about = await call.read(lambda connection: attempts_about(connection, number))
    return call.page("paging/_attempts.html", attempts=about, names=await _names(call), **_words())


@router.get("/paging/tests")
async def show_tests(call: Keeper) -> Response:
    """Show the weekly tests: who was not reached, and who did not answer."""
    return call.page("paging/tests.html", **await _tests(call))


@router.get("/paging/tests/now")
async def show_tests_again(call: Keeper) -> Response:
    """Show the weekly tests again."""
    return call.page("paging/_tests.html", **await _tests(call))


@router.post("/paging/tests/{test_id}/answers/{contact_id}")
async def note_answer(call: Keeper, test_id: UUID, contact_id: UUID) -> Response:
    """Note that somebody said they got the weekly test."""
    return await call.record(lambda tx: actions.note_test_answer(tx, test_id, contact_id), then="/paging/tests")


@router.get("/paging/rehearsal")
async def ask_to_rehearse(call: Keeper) -> Response:
    """Say what a rehearsal does, and offer it."""
    return call.page("paging/rehearsal.html")


@router.post("/paging/rehearsal")
async def rehearse(call: Keeper) -> Response:
    """Raise an alarm that is none, through everything an alarm goes through."""
    return await call.record(actions.rehearse, then="/paging/attempts")


@router.get("/paging/standing")
async def standing(call: Anybody) -> Response:
    """Show keepers why an alarm might wake nobody; nothing to others, and nothing where all is well."""
    reasons = await deafness_now(call) if KEEPERS & call.actor.roles else ()
    return call.page("paging/_standing.html", reasons=reasons)


async def _attempts(call: Call) -> dict[str, Any]:
    return {"attempts": await call.read(attempts), "names": await _names(call), **_words()}


async def _tests(call: Call) -> dict[str, Any]:
    paging = call.house.settings.paging
    return {
        "tests": await call.read(tests),
        "names": await _names(call),
        "weekday": paging.test_weekday,
        "at": paging.test_at.strftime("%H:%M"),
    }


async def _names(call: Call) -> Mapping[UUID, str]:
    keyring = call.house.db.keyring
    return {one.contact_id: one.name for one in await call.read(lambda connection: contacts(connection, keyring))}


def _trials(call: Call) -> Mapping[str, Any]:
    trials = office_of(call).trials
    return {code: trial_shown(trial) for code, trial in trials.all().items()}


def _words() -> dict[str, Any]:
    """Return which kinds have words of their own, and what a reason is in words."""
    return {"kind_words": labels()["pager_kind"], "reason_words": reason_words}


def _pairs(field: str, lines: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines.splitlines() if line.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise ChannelRefused(findings=[field], reason="name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}
