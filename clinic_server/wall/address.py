"""The address of a public display: it holds the site's token, and what this display is to show."""

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request

from clinic_server.kit.i18n import LANGUAGES
from clinic_server.wall.rules import Part, check_token


@dataclass(frozen=True, slots=True)
class Address:
    """What stands behind the question mark; ``language`` is None where the display's languages take turns."""

    token: str = field(repr=False)
    part: Part
    language: str | None

    @property
    def query(self) -> str:
        """The same again, for what the display refreshes."""
        known = {"token": self.token, "part": self.part.value, "language": self.language}
        return urlencode({name: value for name, value in known.items() if value})


async def _wall_address(request: Request, token: str = "", part: Part = Part.ALL, language: str = "") -> Address:
    check_token(request.app.state.house.settings.wall.token, token)
    return Address(token, part, language if language in LANGUAGES else None)


WallAddress = Annotated[Address, Depends(_wall_address)]
