"""The pages of signing in, setting up, and looking after the staff."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Call,
    Form,
    allows,
    anyone,
    cookie_name,
    go_to,
    session_cookie,
    signed_in,
)
from clinic_server.kit.i18n import choose_language
from clinic_server.staff import actions, sessions
from clinic_server.staff.rules import (
    NUMBER_PATTERN,
    STATION_PATTERN,
    Certificate,
    Newcomer,
    PinsDiffer,
    QualificationKind,
    Role,
    SetUpDone,
    StationKind,
)

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Call, anyone()]
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
STATION_COOKIE = "clinic_station"
_A_YEAR_S = 365 * 24 * 3600


class SignInForm(Form):
    """Who, by what, and where."""

    number: str = Field(min_length=1, max_length=64, repr=False)
    pin: str = Field(min_length=1, max_length=64, repr=False)
    station: str = Field(min_length=1, max_length=32)


class SetUpForm(Form):
    """The code on the console, and the first owner, whose PIN is typed twice."""

    code: str = Field(min_length=1, max_length=32, repr=False)
    number: str = Field(pattern=NUMBER_PATTERN)
    name: str = Field(min_length=1, max_length=60)
    pin: str = Field(min_length=1, max_length=64, repr=False)
    pin_again: str = Field(max_length=64, repr=False)


class StaffForm(Form):
    """Someone who joins, with a first role; more are granted afterwards."""

    number: str = Field(pattern=NUMBER_PATTERN)
    name: str = Field(min_length=1, max_length=60)
    pin: str = Field(min_length=1, max_length=64, repr=False)
    role: Role


class PinForm(Form):
    """A new PIN."""

    pin: str = Field(min_length=1, max_length=64, repr=False)


class RoleForm(Form):
    """A role to grant or to revoke."""

    role: Role
    granted: bool


class QualificationForm(Form):
    """A certificate, valid on both dates and between."""

    kind: QualificationKind
    certificate_number: str = Field(min_length=1, max_length=40)
    valid_from: date
    valid_until: date


class StationForm(Form):
    """A place to sign in at."""

    code: str = Field(pattern=STATION_PATTERN)
    kind: StationKind


class LanguageForm(Form):
    """The language to read in, and the page to go on with."""

    language: str = Field(max_length=16)
    back: str = Field("/", max_length=200, pattern=r"^/([^/\\].*)?$")


@router.get("/sign-in")
async def sign_in_page(call: Anyone) -> Response:
    """Ask for number and PIN at the station this browser last stood at."""
    if not await call.read(actions.has_owner):
        return go_to(call.request, "/set-up")
    places = await call.read(actions.stations)
    remembered = call.request.cookies.get(STATION_COOKIE, "")
    return call.page("staff/sign_in.html", stations=places, remembered=remembered)


@router.post("/sign-in")
async def sign_in(call: Anyone) -> Response:
    """Open a session under a new token, and remember the station."""
    form = await call.form(SignInForm)
    opened = await sessions.sign_in(
        call.house.db, form.number, form.pin, form.station, replaces=session_cookie(call.request)
    )
    answer = go_to(call.request, "/")
    _keep(call, answer, cookie_name(call.house.settings, SESSION_COOKIE), opened.token)
    _keep(call, answer, STATION_COOKIE, opened.station, max_age=_A_YEAR_S)
    return answer


@router.post("/sign-out")
async def sign_out(call: Annotated[Call, signed_in()]) -> Response:
    """End the session at once."""
    await sessions.sign_out(call.house.db, call.actor)
    answer = go_to(call.request, "/sign-in")
    settings = call.house.settings
    answer.delete_cookie(cookie_name(settings, SESSION_COOKIE), secure=settings.server.secure_cookies, httponly=True)
    return answer


@router.get("/set-up")
async def set_up_page(call: Anyone) -> Response:
    """Ask for the first owner."""
    if await call.read(actions.has_owner):
        raise SetUpDone
    return call.page("staff/set_up.html")


@router.post("/set-up")
async def set_up(call: Anyone) -> Response:
    """Make the first owner."""
    form = await call.form(SetUpForm)
    if form.pin != form.pin_again:
        raise PinsDiffer
    code: sessions.SetUpCode | None = call.request.app.state.set_up_code
    newcomer = Newcomer(form.number, form.name, await sessions.hash_pin(call.house.db.keyring, form.pin))
    return await call.record(lambda tx: sessions.create_owner_by_code(tx, code, form.code, newcomer), then="/sign-in")


@router.post("/language")
async def choose(call: Anyone) -> Response:
    """Remember the language of this browser."""
    form = await call.form(LanguageForm)
    answer = go_to(call.request, form.back)
    _keep(call, answer, LANGUAGE_COOKIE, choose_language(form.language, ""), max_age=_A_YEAR_S)
    return answer


@router.get("/staff")
async def staff_page(call: Lead) -> Response:
    """Show everyone who works here, and the stations."""
    keyring = call.house.db.keyring
    people = await call.read(lambda connection: actions.members(connection, keyring))
    places = await call.read(actions.stations)
    today = call.local_date(call.house.db.clock.now())
    return call.page(
        "staff/staff.html",
        members=people,
        stations=places,
        today=today,
        every_role=list(Role),
        every_kind=list(QualificationKind),
        every_station_kind=list(StationKind),
    )


@router.post("/staff")
async def add_staff(call: Lead) -> Response:
    """Add someone."""
    form = await call.form(StaffForm)
    newcomer = Newcomer(form.number, form.name, await sessions.hash_pin(call.house.db.keyring, form.pin))
    return await call.record(lambda tx: actions.add_staff(tx, newcomer, (form.role,)), then="/staff")


@router.post("/staff/{staff_id}/pins")
async def set_pin(call: Lead, staff_id: UUID) -> Response:
    """Give someone a new PIN; their sessions end."""
    form = await call.form(PinForm)
    pin_hash = await sessions.hash_pin(call.house.db.keyring, form.pin)
    return await call.record(lambda tx: actions.set_pin(tx, staff_id, pin_hash), then="/staff")


@router.post("/staff/{staff_id}/roles")
async def decide_role(call: Lead, staff_id: UUID) -> Response:
    """Grant or revoke a role."""
    form = await call.form(RoleForm)
    decide = actions.grant_role if form.granted else actions.revoke_role
    return await call.record(lambda tx: decide(tx, staff_id, form.role), then="/staff")


@router.post("/staff/{staff_id}/qualifications")
async def add_qualification(call: Lead, staff_id: UUID) -> Response:
    """Enter or correct a certificate."""
    form = await call.form(QualificationForm)
    certificate = Certificate(**form.model_dump())
    return await call.record(lambda tx: actions.add_qualification(tx, staff_id, certificate), then="/staff")


@router.post("/staff/{staff_id}/end")
async def end_staff(call: Lead, staff_id: UUID) -> Response:
    """Record that someone no longer works here."""
    return await call.record(lambda tx: actions.end_staff(tx, staff_id), then="/staff")


@router.post("/stations")
async def add_station(call: Lead) -> Response:
    """Add a place to sign in at."""
    form = await call.form(StationForm)
    return await call.record(lambda tx: actions.add_station(tx, form.code, form.kind), then="/staff")


def _keep(call: Call, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
    secure = call.house.settings.server.secure_cookies
    answer.set_cookie(name, value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=secure)
