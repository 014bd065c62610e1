"""The observation area's calls."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation import actions
from clinic_server.observation.area import Seated, area
from clinic_server.observation.record import Record, record_of
from clinic_server.observation.rules import (
    MOST_VOUCHING_CHARACTERS,
    EarlyReason,
    ExtensionMinutes,
    ExtensionReason,
)
from clinic_server.people.signature_forms import SignatureBody
from clinic_server.staff.rules import Role
from clinic_server.visits.watch import Watched, watched

router = APIRouter(prefix="/api/v1", tags=["observation"])
Observer = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class LeaveBody(Body):
    """Why somebody may go whose time nobody can prove."""

    vouching: str = Field("", max_length=MOST_VOUCHING_CHARACTERS, repr=False)


class EarlyLeaveBody(Body):
    """Why somebody leaves before the time is over, and the signature under what they were told."""

    reason: EarlyReason
    signature: SignatureBody | None = None


class ExtensionBody(Body):
    """For how long somebody is watched in addition, and why."""

    minutes: ExtensionMinutes
    reason: ExtensionReason


@router.get("/observation")
async def under_observation(call: Observer) -> list[Watched]:
    """Return everyone under observation, the first to be due first."""
    return list(await call.read(watched))


@router.get("/observation/area")
async def under_observation_by_urgency(call: Observer) -> list[Seated]:
    """Return everyone under observation with seat, checks and reaction, whom to look at first at the top."""
    keyring = call.house.db.keyring
    return list((await call.read(lambda connection: area(connection, keyring))).people)


@router.get("/visits/{visit_id}/observation")
async def one_observation(call: Observer, visit_id: UUID) -> Record:
    """Return the record of one person's observation."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    return await call.read(lambda connection: record_of(connection, keyring, visit_id, today))


@router.post("/visits/{visit_id}/leave", status_code=201)
async def let_go(call: Observer, visit_id: UUID, body: LeaveBody | None = None) -> Response:
    """Let a person go whose observation is over."""
    vouching = body.vouching if body else ""
    return await call.record(lambda tx: actions.leave(tx, visit_id, vouching))


@router.post("/visits/{visit_id}/early-leave", status_code=201)
async def let_go_early(call: Observer, visit_id: UUID, body: EarlyLeaveBody) -> Response:
    """Record that a person left early, told by the caller what it means."""
    leaving = actions.EarlyLeaving(body.reason, body.signature.signature() if body.signature else None)
    return await call.record(lambda tx: actions.leave_early(tx, visit_id, leaving))


@router.post("/visits/{visit_id}/observation-extensions", status_code=201)
async def extend(call: Observer, visit_id: UUID, body: ExtensionBody) -> Response:
    """Let a person be watched for longer, and answer until when."""
    return await call.record(lambda tx: actions.extend(tx, visit_id, body.minutes, body.reason))
