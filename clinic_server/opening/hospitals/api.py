"""Hospitals over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.opening.hospitals import actions
from clinic_server.opening.hospitals.rules import Hospital, HospitalKind
from clinic_server.opening.rules import Variant
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["opening"])
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class HospitalBody(Body):
    """What is known of a hospital."""

    name: str = Field(min_length=1, max_length=80)
    kind: HospitalKind
    phone: str = Field(min_length=1, max_length=40)
    green_contact: str = Field("", max_length=80, repr=False)
    expert: str = Field("", max_length=80, repr=False)
    reserved_beds: int = Field(0, ge=0, le=1000)
    minutes_away: int = Field(ge=1, le=240)


class DesignationBody(Body):
    """Who is taken there."""

    variant: Variant


@router.post("/hospitals/{code}", status_code=201)
async def list_hospital(call: Lead, code: str, body: HospitalBody) -> Response:
    """Enter a hospital, or what is known of it now."""
    return await call.record(lambda tx: actions.list_hospital(tx, Hospital(code=code, **body.model_dump())))


@router.post("/hospitals/{code}/designation", status_code=201)
async def designate_hospital(call: Lead, code: str, body: DesignationBody) -> Response:
    """Say who is taken there from now on."""
    return await call.record(lambda tx: actions.designate_hospital(tx, body.variant, code))
