"""Markup that somebody types is words like any others."""

import pytest
from fastapi import FastAPI
from markupsafe import escape

from clinic_server.staff.rules import Role
from tests.api.callers import someone

TYPED = """<script>alert("1")</script>' onload='x' & <b>"""


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
async def test_markup_in_a_reason_is_shown_as_it_was_typed(app: FastAPI) -> None:
    lead = await someone(app, Role.SITE_LEAD)
    stopped = await lead.post("/api/v1/stops", json={"scope": "site", "target": "", "reason": TYPED})
    assert stopped.status_code == 201, stopped.text
    shown = (await lead.get("/stops")).text
    assert str(escape(TYPED)) in shown
    assert TYPED not in shown
