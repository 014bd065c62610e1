"""The page of the hospitals."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import Call, Form, allows
from clinic_server.opening.hospitals import actions
from clinic_server.opening.hospitals.lookup import designated, hospitals
from clinic_server.opening.hospitals.rules import Hospital, HospitalKind
from clinic_server.opening.rules import Variant
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
PAGE = "/opening/hospitals"


class HospitalForm(Form):
    """What is known of a hospital."""

    code: str = Field(pattern=r"^[A-Za-z0-9-]{1,32}$")
    name: str = Field(min_length=1, max_length=80)
    kind: HospitalKind
    phone: str = Field(min_length=1, max_length=40)
    green_contact: str = Field("", max_length=80, repr=False)
    expert: str = Field("", max_length=80, repr=False)
    reserved_beds: int = Field(0, ge=0, le=1000)
    minutes_away: int = Field(ge=1, le=240)


class DesignationForm(Form):
    """Which hospital is whose."""

    variant: Variant
    code: str = Field(max_length=32)


@router.get(PAGE)
async def show_hospitals(call: Lead) -> Response:
    """Show the hospitals, and whose each is."""
    keyring = call.house.db.keyring

    def question(connection: Connection) -> dict[str, Any]:
        return {"hospitals": hospitals(connection, keyring), "designated": designated(connection, keyring)}

    return call.page("opening/hospitals.html", **await call.read(question), kinds=HospitalKind, variants=Variant)


@router.post(PAGE)
async def list_hospital(call: Lead) -> Response:
    """Enter a hospital, or what is known of it now."""
    form = await call.form(HospitalForm)
    return await call.record(lambda tx: actions.list_hospital(tx, Hospital(**form.model_dump())), then=PAGE)


@router.post(f"{PAGE}/designations")
async def designate_hospital(call: Lead) -> Response:
    """Say who is taken where from now on."""
    form = await call.form(DesignationForm)
    return await call.record(lambda tx: actions.designate_hospital(tx, form.variant, form.code), then=PAGE)
