"""The catalogue of vaccines: what each one is, may be given to whom and how; one readable file for each group.

A site's product names its vaccine; rules and schedules speak of vaccines. What changes with time is dated, and an
entry is never edited in place once a dose rested on it: a change is a further dated line.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.stock.rules import BodySite, Platform, ProductFinding, Route

_FOLDER = Path(__file__).parent
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class VaccinesFaulty(ValueError):
    """A file of the catalogue says something that cannot be meant; the text names the file and the place."""


class Ages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a vaccine may be given to from a day on: from one age to below another, in whole months."""

    valid_from: date
    from_months: Annotated[int, msgspec.Meta(ge=0, le=1800)]
    below_months: Annotated[int, msgspec.Meta(ge=1, le=1800)]
    source: Words


class Handling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a vaccine is kept from a day on: the cold chain's profile, and how long an opened vial of it is good.

    ``open_vial_minutes`` is None for a vaccine that comes in units of one dose.
    """

    valid_from: date
    profile: Code
    is_freeze_sensitive: bool
    source: Words
    open_vial_minutes: Annotated[int, msgspec.Meta(ge=1, le=40_320)] | None = None


class Vaccine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One vaccine; ``volume_ul`` is one dose in microlitres, ``antigens`` are what it protects from."""

    code: Code
    name: Words
    platform: Platform
    antigens: tuple[Word, ...]
    ingredients: tuple[Word, ...]
    routes: tuple[Route, ...]
    body_sites: tuple[BodySite, ...]
    volume_ul: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    source: Words
    ages: tuple[Ages, ...]
    handling: tuple[Handling, ...]
    cvx: str | None = None

    def contradictions(self, platform: Platform, route: Route, volume_ul: int) -> tuple[ProductFinding, ...]:
        """Return what a product of this vaccine cannot be."""
        told = (
            (platform is not self.platform, ProductFinding.OTHER_PLATFORM),
            (route not in self.routes, ProductFinding.OTHER_ROUTE),
            (volume_ul != self.volume_ul, ProductFinding.OTHER_VOLUME),
        )
        return tuple(finding for contradicts, finding in told if contradicts)

    @property
    def is_live(self) -> bool:
        """Whether spacing to other live vaccines applies."""
        return self.platform is Platform.LIVE

    def ages_on(self, day: date) -> Ages | None:
        """Return whom it may be given to on a day, None before it may be given at all."""
        begun = [ages for ages in self.ages if ages.valid_from <= day]
        return max(begun, key=lambda ages: ages.valid_from, default=None)

    def admits(self, age_months: int, day: date) -> bool:
        """Tell whether it may be given on a day to somebody of an age in whole months."""
        ages = self.ages_on(day)
        return ages is not None and ages.from_months <= age_months < ages.below_months

    def handling_on(self, day: date) -> Handling | None:
        """Return how it is kept on a day, None before anybody said so."""
        begun = [handling for handling in self.handling if handling.valid_from <= day]
        return max(begun, key=lambda handling: handling.valid_from, default=None)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    owner: Words
    sign_off: Words
    vaccine: tuple[Vaccine, ...]


def parse(text: str, name: str) -> tuple[Vaccine, ...]:
    """Return the vaccines a file holds, or raise VaccinesFaulty naming line or key."""
    try:
        return msgspec.convert(tomllib.loads(text), _File).vaccine
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise VaccinesFaulty(f"{name}: {error}") from None


@cache
def shipped() -> Mapping[str, Vaccine]:
    """Return every vaccine beside this file by its code, read once."""
    return _by_code(
        vaccine for path in sorted(_FOLDER.glob("*.toml")) for vaccine in parse(path.read_text("utf-8"), path.name)
    )


def open_vial_minutes(vaccine_code: str, day: date) -> int | None:
    """Return how long an opened vial is good that is opened on a day, None where the catalogue does not say."""
    vaccine = shipped().get(vaccine_code)
    handling = vaccine.handling_on(day) if vaccine else None
    return handling.open_vial_minutes if handling else None


def _by_code(vaccines: Iterable[Vaccine]) -> Mapping[str, Vaccine]:
    catalogue: dict[str, Vaccine] = {}
    for vaccine in vaccines:
        if vaccine.code in catalogue:
            raise VaccinesFaulty(f"The vaccine {vaccine.code} is there twice.")
        catalogue[vaccine.code] = vaccine
    return catalogue
