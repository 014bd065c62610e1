"""The alerts' pages: what is wrong now, one alert's story, the roster, the contacts, and the link without sign-in."""

from datetime import date, time
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.alerts import answering, contacts, duties, shelving, shown
from clinic_server.alerts.ladders import shipped
from clinic_server.alerts.links import LinkTarget, Tries, read_link
from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.naming import place_names_of
from clinic_server.alerts.roster import OtherDay, Shift, Weekly
from clinic_server.alerts.rules import AlertFacts, AlertLinkUnknown, AlertState, AnswerWay, Severity
from clinic_server.alerts.tables import alert_now
from clinic_server.alerts.wording import subject_words, words_of
from clinic_server.kit.access import Actor
from clinic_server.kit.call import Call, Form, allows, anyone, signed_in
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import members
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Anybody = Annotated[Call, signed_in()]
RosterKeeper = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]
FridgeWorker = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.VACCINATOR)]
Anyone = Annotated[Call, anyone()]  # the link itself lets in, to one alert and for a day
Token = Annotated[str, Path(max_length=100)]
Words = Annotated[str, Field(min_length=1, max_length=200)]
MOST_ADDRESSES = 3


class CommentForm(Form):
    """What somebody is doing about an alert."""

    comment: str = Field(max_length=400)


class ShelvingForm(Form):
    """Which place somebody works on, for how long, and why."""

    place_code: str = Field(min_length=1, max_length=32)
    minutes: int
    reason: Words


class ContactForm(Form):
    """Somebody to be paged; an address counts where its channel is told."""

    name: str = Field(min_length=1, max_length=80, repr=False)
    language: Literal["zh-CN", "zh-TW", "en"]
    channel_1: str = Field("", max_length=40)
    address_1: str = Field("", max_length=200, repr=False)
    channel_2: str = Field("", max_length=40)
    address_2: str = Field("", max_length=200, repr=False)
    channel_3: str = Field("", max_length=40)
    address_3: str = Field("", max_length=200, repr=False)

    @property
    def contact(self) -> contacts.NewContact:
        """The contact it tells of."""
        told = (
            (self.channel_1, self.address_1),
            (self.channel_2, self.address_2),
            (self.channel_3, self.address_3),
        )
        addresses = tuple(contacts.Address(*one) for one in told if all(one))
        return contacts.NewContact(self.name, addresses, self.language)


class ShiftForm(Form):
    """A contact on a step from one local time to another."""

    contact_id: UUID
    step: int
    starts: time
    ends: time

    @property
    def shift(self) -> Shift:
        """The shift it tells of."""
        return Shift(self.contact_id, self.step, self.starts, self.ends)


class DutyForm(ShiftForm):
    """A shift of these days of every week, as digits; Monday is 0."""

    weekdays: str = Field(pattern=r"^[0-6]{1,7}$")


class OtherDayForm(ShiftForm):
    """A day on which somebody stands in, or is away."""

    on_date: date
    is_on: bool


@router.get("/alerts")
async def alerts(call: Anybody) -> Response:
    """Show every open alert, then what was over of late."""
    return call.page("alerts/alerts.html", longest=shipped().longest_shelving_min, **await _now(call))


@router.get("/alerts/now")
async def alerts_again(call: Anybody) -> Response:
    """Show the open alerts alone."""
    return call.page("alerts/_now.html", **await _now(call))


@router.get("/alerts/banner")
async def banner(call: Anybody) -> Response:
    """Say on every page what nobody has answered; nothing else is worth a disturbance."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    seen = await call.read(lambda connection: shown.alerts_now(connection, now, zone))
    unanswered = [one for one in seen.open if one.hush is None and one.facts.severity is not Severity.WARNING]
    places = await call.read(place_names_of(call)) if unanswered else {}
    return call.page("alerts/_banner.html", unanswered=unanswered, places=places, subject_words=subject_words)


@router.post("/alerts/shelvings")
async def shelve(call: FridgeWorker) -> Response:
    """Silence a place that somebody works on."""
    new = shelving.NewShelving(**(await call.form(ShelvingForm)).model_dump())
    return await call.record(lambda tx: shelving.shelve_place(tx, new), then="/alerts")


@router.post("/alerts/shelvings/{place_code}/end")
async def end_shelving(call: FridgeWorker, place_code: str) -> Response:
    """Say that the work on a place is done."""
    return await call.record(lambda tx: shelving.end_shelving(tx, place_code), then="/alerts")


@router.get("/alerts/roster")
async def roster(call: Anybody) -> Response:
    """Show who is on which step when, and where people are missing."""
    now, keyring, site = call.house.db.clock.now(), call.house.db.keyring, call.house.settings.site

    def question(connection: Connection) -> dict[str, Any]:
        today = now.astimezone(site.zone).date()
        return {
            "duties": duties.standing_duties(connection),
            "differing": duties.days_that_differ(duties.roster_of(connection), today),
            "holes": shown.holes_ahead(connection, now, site.zone),
            "people": contacts.contacts(connection, keyring),
            "names": contacts.contact_names(connection, keyring),
            "today": today,
        }

    return call.page("alerts/roster.html", ladder=shipped(), **await call.read(question), **_may(call))


@router.post("/alerts/roster/duties")
async def add_duty(call: RosterKeeper) -> Response:
    """Put a contact on a step on days of every week."""
    form = await call.form(DutyForm)
    weekly = Weekly(frozenset(map(int, form.weekdays)), form.shift)
    return await call.record(lambda tx: duties.add_duty(tx, weekly), then="/alerts/roster")


@router.post("/alerts/roster/duties/{duty_id}/end")
async def end_duty(call: RosterKeeper, duty_id: UUID) -> Response:
    """Take a weekly duty away."""
    return await call.record(lambda tx: duties.end_duty(tx, duty_id), then="/alerts/roster")


@router.post("/alerts/roster/exceptions")
async def except_day(call: RosterKeeper) -> Response:
    """Say that a day differs."""
    form = await call.form(OtherDayForm)
    day = OtherDay(form.on_date, form.is_on, form.shift)
    return await call.record(lambda tx: duties.except_day(tx, day), then="/alerts/roster")


@router.get("/alerts/contacts")
async def contact_list(call: RosterKeeper) -> Response:
    """Show who can be paged, by which channels."""
    keyring = call.house.db.keyring
    people = await call.read(lambda connection: contacts.contacts(connection, keyring))
    return call.page("alerts/contacts.html", people=people, most_addresses=MOST_ADDRESSES)


@router.post("/alerts/contacts")
async def add_contact(call: RosterKeeper) -> Response:
    """Add somebody who can be paged."""
    new = (await call.form(ContactForm)).contact
    return await call.record(lambda tx: contacts.add_contact(tx, new), then="/alerts/contacts")


@router.post("/alerts/contacts/{contact_id}/restatement")
async def restate_contact(call: RosterKeeper, contact_id: UUID) -> Response:
    """Put a contact's name, addresses or language right."""
    new = (await call.form(ContactForm)).contact
    return await call.record(lambda tx: contacts.restate_contact(tx, contact_id, new), then="/alerts/contacts")


@router.post("/alerts/contacts/{contact_id}/end")
async def end_contact(call: RosterKeeper, contact_id: UUID) -> Response:
    """Page somebody no more."""
    return await call.record(lambda tx: contacts.end_contact(tx, contact_id), then="/alerts/contacts")


@router.get("/alerts/answer/{token}")
async def answer_page(call: Anyone, token: Token) -> Response:
    """Show whoever holds a link the alert's place and kind, and ask what they are doing about it."""
    target, facts = await _linked(call, token)
    return _holder(call, target).page(
        "alerts/answer.html",
        here=f"/alerts/answer/{token}",
        alert=facts,
        is_over=facts.state is AlertState.CLOSED,
        places=await call.read(place_names_of(call)),
        subject_words=subject_words,
    )


@router.post("/alerts/answer/{token}")
async def answer(call: Anyone, token: Token) -> Response:
    """Acknowledge an alert by its link."""
    form, (target, facts) = await call.form(CommentForm), await _linked(call, token)

    def act(tx: Tx) -> answering.Answered:
        return answering.acknowledge_by_contact(
            tx, facts.number, target.contact_id, AnswerWay.LINK, answering.required(form.comment)
        )

    return await _holder(call, target).record(act, then=f"/alerts/answer/{token}")


@router.get("/alerts/{number}")
async def alert(call: Anybody, number: int) -> Response:
    """Show all that happened to an alert."""
    now, keyring, zone = call.house.db.clock.now(), call.house.db.keyring, call.house.settings.site.zone
    places = place_names_of(call)

    def question(connection: Connection) -> dict[str, Any]:
        staff = {one.staff_id: one.name for one in members(connection, keyring)}
        names = contacts.contact_names(connection, keyring)
        story = shown.story_of(connection, number, now, zone)
        return {"story": story, "names": staff | dict(names), "places": places(connection)}

    return call.page("alerts/alert.html", words_of=words_of, subject_words=subject_words, **await call.read(question))


@router.post("/alerts/{number}/acknowledgement")
async def acknowledge(call: Anybody, number: int) -> Response:
    """Acknowledge an alert and say what is done about it."""
    form = await call.form(CommentForm)
    return await call.record(lambda tx: answering.acknowledge(tx, number, form.comment), then=f"/alerts/{number}")


async def _now(call: Call) -> dict[str, Any]:
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    seen = await call.read(lambda connection: shown.alerts_now(connection, now, zone))
    holes = await call.read(lambda connection: shown.holes_ahead(connection, now, zone))
    places = await call.read(place_names_of(call))
    words = {"words_of": words_of, "subject_words": subject_words}
    return {"seen": seen, "has_holes": bool(holes), "places": places, **words, **_may(call)}


def _may(call: Call) -> dict[str, bool]:
    keeps = {Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER}
    return {
        "may_edit": bool(keeps & call.actor.roles),
        "may_shelve": bool((keeps | {Role.VACCINATOR}) & call.actor.roles),
    }


async def _linked(call: Call, token: str) -> tuple[LinkTarget, AlertFacts]:
    """Return what a link answers, or raise AlertLinkUnknown; too many tries from one place are refused."""
    tries: Tries = call.request.app.state.alert_link_tries
    tries.count(call.request.client.host if call.request.client else "")
    target = read_link(call.house.db.keyring, token, call.house.db.clock.now())
    found = await call.read(lambda connection: alerts_where(connection, alert_now.c.alert_id == target.alert_id))
    if not found:
        raise AlertLinkUnknown
    return target, found[0]


def _holder(call: Call, target: LinkTarget) -> Call:
    """Return the call as one by the link's holder, whoever is signed in at this browser."""
    return Call(call.request, call.house, Actor(f"contact:{target.contact_id}"))
