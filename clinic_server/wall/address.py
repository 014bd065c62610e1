"""The address of a public display: it holds the site's token."""

from typing import Annotated

from fastapi import Depends, Request

from clinic_server.wall.rules import check_token


async def _wall_address(request: Request, token: str = "") -> str:
    check_token(request.app.state.house.settings.wall.token, token)
    return token


Token = Annotated[str, Depends(_wall_address)]
