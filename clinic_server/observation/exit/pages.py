"""The exit's screen, which nobody signs in at, and the nurses' page of who was at it.

The screen stands in public with nobody beside it, so it never holds a nurse's session: its address can do one thing,
ask whether somebody may leave, for one shift. A nurse opens it from her own desk and types its code here.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.access import Actor
from clinic_server.kit.call import Call, Form, House, allows, anyone, go_to
from clinic_server.kit.codes import WrongCodes
from clinic_server.kit.inbox import Delivery
from clinic_server.kit.labels import Tone
from clinic_server.kit.live import events
from clinic_server.observation.exit import lookup
from clinic_server.observation.exit.actions import Answered, AtExit, answer_at_exit, open_reader
from clinic_server.observation.exit.rules import ExitReaderUnknown, ShownBy
from clinic_server.observation.exit.shown import Screen, screen_of, standing_screen
from clinic_server.observation.presenting import newest_at
from clinic_server.staff.actions import stations
from clinic_server.staff.rules import STATION_PATTERN, Role, StationKind

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.SITE_LEAD)]
Anyone = Annotated[Call, anyone()]  # the address itself lets in, for one shift
SHOWN_S: Final = 8


async def _address(request: Request, token: Annotated[str, Path(max_length=64)]) -> lookup.Reader:
    house: House = request.app.state.house
    keyring, now = house.db.keyring, house.db.clock.now()
    return await house.db.read(lambda connection: lookup.reader_of_token(connection, keyring, token, now))


class CodeForm(Form):
    """The code of an exit reader, from the nurse who opened it."""

    code: str = Field(min_length=1, max_length=32, repr=False)


class ScanForm(Form):
    """A code typed by a scanner that plays keyboard."""

    scanned: str = Field(min_length=1, max_length=200, repr=False)


class TicketForm(Form):
    """A ticket, and the last signs of its holder's document."""

    ticket: int = Field(ge=1, le=999_999)
    digits: str = Field(pattern=f"^[0-9A-Za-z]{{{lookup.LAST_DIGITS}}}$", repr=False)


class ReaderForm(Form):
    """Where an exit reader is opened."""

    station: str = Field(pattern=STATION_PATTERN)


@router.get("/exit")
async def wait_for_code(call: Anyone) -> HTMLResponse:
    """Wait for the code that makes this screen an exit's."""
    return _screen(call).page("observation/exit_code.html", here="/exit")


@router.post("/exit")
async def open_by_code(call: Anyone) -> Response:
    """Become the screen a code stands for; nothing is recorded."""
    form, keyring, now = await call.form(CodeForm), call.house.db.keyring, call.house.db.clock.now()
    wrong, origin = _wrong_codes(call)
    try:
        found = await call.read(lambda connection: lookup.reader_of_code(connection, keyring, form.code, now))
    except ExitReaderUnknown:
        wrong.note(origin)
        raise
    return go_to(call.request, found.path)


@router.get("/exit/{token}")
async def exit_screen(call: Anyone, reader: Annotated[lookup.Reader, Depends(_address)]) -> HTMLResponse:
    """Invite whoever comes to show a slip or a card."""
    return _screen(call, reader).page(
        "observation/exit.html",
        reader=reader,
        rest=standing_screen("rest"),
        trouble=standing_screen("trouble"),
        shown_s=SHOWN_S,
    )


@router.get("/exit/{token}/live", response_class=EventSourceResponse)
async def exit_live(
    call: Anyone, reader: Annotated[lookup.Reader, Depends(_address)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream that something was shown at the exit."""
    async for event in events(call.house, frozenset({f"station-{reader.station}"})):
        yield event


@router.post("/exit/{token}/shown")
async def answer_shown(call: Anyone, reader: Annotated[lookup.Reader, Depends(_address)]) -> Response:
    """Answer the card or scan that came last to the exit's own devices."""
    newest = newest_at(call.house.inbox, reader.station)
    if newest is None:
        return Response(status_code=204)
    delivery, kind = newest
    return await _answer_delivery(call, reader, delivery, ShownBy(kind))


@router.post("/exit/{token}/scan")
async def answer_scan(call: Anyone, reader: Annotated[lookup.Reader, Depends(_address)]) -> Response:
    """Answer what a scanner typed that plays keyboard, as if the exit's own had read it."""
    form = await call.form(ScanForm)
    scanned = call.house.recognise(form.scanned)
    delivery = call.house.inbox.put(reader.station, ShownBy.SCAN.value, scanned)
    return await _answer_delivery(call, reader, delivery, ShownBy.SCAN)


@router.post("/exit/{token}/ticket")
async def answer_ticket(call: Anyone, reader: Annotated[lookup.Reader, Depends(_address)]) -> Response:
    """Answer a ticket that was typed with the last signs of its holder's document."""
    form = await call.form(TicketForm)
    keyring, today = call.house.db.keyring, call.business_day(call.house.db.clock.now())
    wrong, origin = _wrong_codes(call)
    shown = await call.read(lambda connection: lookup.who_typed(connection, keyring, form.ticket, form.digits, today))
    if shown.visit_id is None:
        wrong.note(origin)
    # Typed again it is asked again: who has left is told so, and nothing is done twice.
    return _shown(call, await _answer(call, reader, shown, uuid4().hex))


@router.get("/observation/exits")
async def exits(call: Nurse) -> HTMLResponse:
    """Show who was at the exits lately, how many left in each hour, and the screens that are open."""
    places = [place.code for place in await call.read(stations) if place.kind is StationKind.EXIT]
    return call.page("observation/exits.html", stations=places, **await _exits(call))


@router.get("/observation/exits/now")
async def exits_now(call: Nurse) -> HTMLResponse:
    """Show them again."""
    return call.page("observation/_exits.html", **await _exits(call))


@router.post("/observation/exits")
async def open_exit(call: Nurse) -> Response:
    """Open a screen at an exit; the one before it there ends."""
    form = await call.form(ReaderForm)
    return await call.record(lambda tx: open_reader(tx, form.station), then="/observation/exits")


async def _answer_delivery(call: Call, reader: lookup.Reader, delivery: Delivery, shown_by: ShownBy) -> Response:
    """Answer a delivery once, however often the screen asks, and let the device hear whether its person goes."""
    keyring, now = call.house.db.keyring, call.house.db.clock.now()
    shown = await call.read(lambda connection: lookup.who_showed(connection, keyring, shown_by, delivery.content, now))
    screen = await _answer(call, reader, shown, delivery.id.hex)
    call.house.inbox.judge(reader.station, delivery.id, accepted=screen.tone is Tone.GOOD)
    return _shown(call, screen)


async def _answer(call: Call, reader: lookup.Reader, shown: AtExit, key: str) -> Screen:
    answer = await _screen(call, reader).record(lambda tx: answer_at_exit(tx, reader.reader_id, shown), key=key)
    answered, keyring = msgspec.json.decode(answer.body, type=Answered), call.house.db.keyring
    seen = await call.read(lambda connection: lookup.seen_at_exit(connection, keyring, answered))
    return screen_of(call.house.pages, seen)


def _shown(call: Call, screen: Screen) -> Response:
    return call.page("observation/_exit_answer.html", screen=screen)


async def _exits(call: Call) -> dict[str, Any]:
    db, zone = call.house.db, call.house.settings.site.zone
    now = db.clock.now()
    today = call.business_day(now)

    def look(connection: Connection) -> dict[str, Any]:
        return {
            "readers": lookup.open_readers(connection, db.keyring, now),
            "hours": lookup.exits_by_hour(connection, today, zone),
            "scans": lookup.last_scans(connection),
        }

    return await call.read(look)


def _wrong_codes(call: Call) -> tuple[WrongCodes, str]:
    """Return who counts wrong codes, and for where; raise TooManyCodes where there were too many."""
    wrong: WrongCodes = call.request.app.state.wrong_codes
    origin = call.request.client.host if call.request.client else ""
    wrong.refuse_more(origin)
    return wrong, origin


def _screen(call: Call, reader: lookup.Reader | None = None) -> Call:
    """Return the call as one by the exit's screen, whoever is signed in at this browser."""
    name = f"exit:{reader.reader_id}" if reader else "anonymous"
    return Call(call.request, call.house, Actor(name, station=reader.station if reader else None))
