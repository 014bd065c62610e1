"""The pattern page: every component, the labels of a group, every alarm colour, for those who make screens."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.kit.call import Call, as_problem, signed_in
from clinic_server.kit.errors import NotPermitted
from clinic_server.kit.i18n import say
from clinic_server.kit.labels import Tone, labels

router = APIRouter(include_in_schema=False)


@router.get("/patterns")
async def patterns(call: Annotated[Call, signed_in()], group: str = "") -> HTMLResponse:
    """Show the parts pages are made of, and the labels of one group."""
    groups = labels()
    shown = group if group in groups else next(iter(groups))
    example = as_problem(NotPermitted(findings=["name"]))
    return call.page("patterns.html", groups=groups, group=shown, said=say, tones=tuple(Tone), problem=example)
