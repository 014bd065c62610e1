"""A seat as a form names it."""

from typing import Annotated

from pydantic import Field

from clinic_server.kit.call import EMPTY_IS_NONE
from clinic_server.staff.rules import STATION_PATTERN

SeatCode = Annotated[Annotated[str, Field(pattern=STATION_PATTERN)] | None, EMPTY_IS_NONE]  # empty: standing
