"""The page that takes a group's list, and the one that shows its tickets."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.group.actions import Group, GroupCheckedIn, check_in_group
from clinic_server.check_in.group.lookup import group_seen
from clinic_server.check_in.group.rules import MOST_LABEL_CHARACTERS, MOST_LIST_CHARACTERS, MOST_PEOPLE
from clinic_server.check_in.pages import Desk
from clinic_server.check_in.rules import TypedReason
from clinic_server.kit.call import Form

router = APIRouter(include_in_schema=False)
PAGE = "/check-in/group"


class GroupForm(Form):
    """A group's name for the floor, why no cards were read, and its list."""

    label: str = Field(min_length=1, max_length=MOST_LABEL_CHARACTERS)
    typed_reason: TypedReason
    listed: str = Field(max_length=MOST_LIST_CHARACTERS)


@router.get(PAGE)
async def group_form(call: Desk) -> HTMLResponse:
    """Show the form for a group."""
    most = {"most_label": MOST_LABEL_CHARACTERS, "most_list": MOST_LIST_CHARACTERS, "most_people": MOST_PEOPLE}
    return call.page("check_in/group.html", reasons=TypedReason, **most)


@router.post(PAGE)
async def check_in_whole_group(call: Desk) -> Response:
    """Check everybody of a list in, or nobody."""
    form, site = await call.form(GroupForm), call.house.settings.site
    group, admission_on = Group(form.label, form.typed_reason, form.listed), admission_of(call)
    return await call.record(lambda tx: check_in_group(tx, site, group, admission_on), then=_page_of)


@router.get(f"{PAGE}/{{group_id}}")
async def group(call: Desk, group_id: UUID) -> HTMLResponse:
    """Show a group's tickets, to call out and to print."""
    keyring, roles = call.house.db.keyring, call.actor.roles
    seen = await call.read(lambda connection: group_seen(connection, keyring, group_id, roles))
    return call.page("check_in/group_tickets.html", group=seen)


def _page_of(recorded: GroupCheckedIn) -> str:
    return f"{PAGE}/{recorded.group_id}"
