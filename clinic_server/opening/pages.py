"""The opening's page: what is named, what is missing, and the banner that says why injections pause."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field, model_validator
from sqlalchemy import Connection

from clinic_server.kit.call import Call, Form, allows, signed_in
from clinic_server.kit.crypto import Keyring
from clinic_server.opening import actions, checklists, lookup
from clinic_server.opening.hospitals.lookup import designated
from clinic_server.opening.officer import actions as officers
from clinic_server.opening.officer.lookup import officer_now
from clinic_server.opening.rules import Named, Safeguard, Variant
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]
Said = Annotated[str, Field(max_length=120)]


class NamesForm(Form):
    """One field ``<safeguard>-<name>`` for each name a checklist asks for."""

    named: dict[Safeguard, dict[Named, Said]] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather_names(cls, given: Mapping[str, str]) -> dict[str, Any]:
        named: dict[str, dict[str, str]] = {}
        others: dict[str, Any] = {}
        for field, said in given.items():
            safeguard, is_name, name = field.partition("-")
            if is_name:
                named.setdefault(safeguard, {})[name] = said
            else:
                others[field] = said
        return others | {"named": named}


class OpeningForm(NamesForm):
    """For whom the site opens, and every name."""

    variant: Variant
    unclosed_reason: str = Field("", max_length=200)


class OfficerForm(Form):
    """Who reports adverse events, by staff number."""

    number: str = Field(min_length=1, max_length=20)


class WithdrawalForm(Form):
    """Why a safeguard is gone."""

    reason: str = Field(min_length=1, max_length=400, repr=False)


@router.get("/opening")
async def opening(call: Watchful, variant: Variant = Variant.ADULT) -> Response:
    """Show how the site stands, its checklist and its emergency kit."""
    today = call.business_day(call.house.db.clock.now())
    unclosed_on = await call.read(lambda connection: lookup.unclosed_before(connection, today))
    seen = {**await _now(call, variant), "asked": _asked(variant), "unclosed_on": unclosed_on}
    return call.page("opening/opening.html", variants=list(Variant), **seen)


@router.get("/opening/now")
async def opening_again(call: Watchful) -> Response:
    """Show the state alone."""
    return call.page("opening/_now.html", **await _now(call))


@router.get("/opening/pauses")
async def pauses(call: Annotated[Call, signed_in()]) -> Response:
    """Show why injections pause, or nothing."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    paused = await call.read(lambda connection: lookup.injections_paused(connection, now, zone))
    return call.page("opening/_pauses.html", paused=paused)


@router.post("/opening")
async def open_site(call: Lead) -> Response:
    """Open the site for the running clinic day."""
    form = await call.form(OpeningForm)
    new = actions.NewOpening(form.variant, form.named, form.unclosed_reason)
    return await call.record(lambda tx: actions.open_site(tx, call.house.settings, new), then="/opening")


@router.post("/opening/closing")
async def close_site(call: Lead) -> Response:
    """Close the site before its day is over."""
    return await call.record(actions.close_site, then="/opening")


@router.post("/opening/safeguards/{safeguard}/withdrawal")
async def withdraw(call: Watchful, safeguard: Safeguard) -> Response:
    """Record that a safeguard is gone."""
    form = await call.form(WithdrawalForm)
    return await call.record(lambda tx: actions.withdraw_safeguard(tx, safeguard, form.reason), then="/opening")


@router.post("/opening/safeguards/{safeguard}/restoration")
async def restore(call: Lead, safeguard: Safeguard) -> Response:
    """Record that a safeguard is there again."""
    named = (await call.form(NamesForm)).named.get(safeguard, {})
    return await call.record(lambda tx: actions.restore_safeguard(tx, safeguard, named), then="/opening")


@router.post("/opening/officer")
async def name_officer(call: Lead) -> Response:
    """Name who reports adverse events from now on."""
    form = await call.form(OfficerForm)
    return await call.record(lambda tx: officers.name_officer(tx, form.number), then="/opening")


def _asked(variant: Variant) -> checklists.Checklist:
    return checklists.shipped()[variant]


def _foreseen(connection: Connection, keyring: Keyring, variant: Variant) -> dict[tuple[Safeguard, Named], str]:
    """Return what the opening's form says already: the green channel leads to the hospital designated."""
    own = designated(connection, keyring).get(variant)
    if own is None:
        return {}
    return {(Safeguard.GREEN_CHANNEL, Named.HOSPITAL): own.name, (Safeguard.GREEN_CHANNEL, Named.PHONE): own.phone}


async def _now(call: Call, variant: Variant = Variant.ADULT) -> dict[str, Any]:
    now, keyring = call.house.db.clock.now(), call.house.db.keyring
    terms = actions.terms_of(call.house.settings, variant)

    def question(connection: Connection) -> dict[str, Any]:
        seen = lookup.opening_now(connection, now, terms)
        said = lookup.said_of_safeguards(connection, keyring) if seen.is_open else ()
        officer = officer_now(connection, keyring)
        return {"seen": seen, "said": said, "officer": officer, "foreseen": _foreseen(connection, keyring, variant)}

    shown = await call.read(question)
    opened = shown["seen"].opened
    standing = _asked(opened.variant).asked if opened else {}
    return shown | {
        "standing": standing,
        "runs_site": Role.SITE_LEAD in call.actor.roles,
        "leads": bool({Role.OWNER, Role.SITE_LEAD} & call.actor.roles),
    }
