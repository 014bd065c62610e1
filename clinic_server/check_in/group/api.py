"""A group's check-in and its people, as JSON."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.api import Desk
from clinic_server.check_in.group.actions import Group, check_in_group
from clinic_server.check_in.group.lookup import GroupSeen, group_seen
from clinic_server.check_in.group.rules import MOST_LABEL_CHARACTERS, MOST_LIST_CHARACTERS
from clinic_server.check_in.rules import TypedReason
from clinic_server.kit.call import Body

router = APIRouter(prefix="/api/v1", tags=["check-in"])


class GroupBody(Body):
    """A group's name for the floor, why no cards were read, and its list: a line a person, name before number."""

    label: str = Field(min_length=1, max_length=MOST_LABEL_CHARACTERS)
    typed_reason: TypedReason
    listed: str = Field(max_length=MOST_LIST_CHARACTERS)


@router.post("/groups", status_code=201)
async def check_in_whole_group(call: Desk, body: GroupBody) -> Response:
    """Check everybody of a list in, or nobody."""
    site = call.house.settings.site
    group, admission_on = Group(body.label, body.typed_reason, body.listed), admission_of(call)
    return await call.record(lambda tx: check_in_group(tx, site, group, admission_on))


@router.get("/groups/{group_id}")
async def group(call: Desk, group_id: UUID) -> GroupSeen:
    """Return a group with its people, in ticket order."""
    keyring, roles = call.house.db.keyring, call.actor.roles
    return await call.read(lambda connection: group_seen(connection, keyring, group_id, roles))
