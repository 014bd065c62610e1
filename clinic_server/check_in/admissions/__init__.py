"""From which age a site gives tickets until a rule set that it adopted says so; one readable file for each version.

What a check-in was judged by is never edited: a change is a new file with the next version.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, newest_in, read_edition
from clinic_server.visits.rules import Admission

_FOLDER = Path(__file__).parent


class AdmissionFaulty(ValueError):
    """The file says something that cannot be meant; the words name the file and the place."""


class ShippedAdmission(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of what a site begins with."""

    jurisdiction: Words
    source: Words
    from_months: Annotated[int, msgspec.Meta(ge=0, le=1800)]

    @property
    def admission(self) -> Admission:
        """What a desk goes by."""
        return Admission(self.name, self.from_months)


def parse(text: str, name: str) -> ShippedAdmission:
    """Return what a file says, or raise AdmissionFaulty naming line or key."""
    return read_edition(text, name, ShippedAdmission, AdmissionFaulty)


@cache
def shipped() -> ShippedAdmission:
    """Return the newest file beside this one, read once; raise AdmissionFaulty without one."""
    return newest_in(_FOLDER, parse, AdmissionFaulty)
