"""The reference doses shown beside a drug's entry; one readable file for each version.

A table that a log refers to is never edited: a change is a new file with the next version. The site's physician
answers for it; the software shows it and orders nothing.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.adverse_events.care.rules import DrugRoute, DrugSite
from clinic_server.adverse_events.care.wordings import Line, Wording
from clinic_server.kit.editions import Edition, newest_in, read_edition

_FOLDER = Path(__file__).parent
Months = Annotated[int, msgspec.Meta(ge=0, le=200 * 12)]
Micrograms = Annotated[int, msgspec.Meta(ge=1)]


class DrugTableFaulty(ValueError):
    """A table's file says something that cannot be meant; the words name the file and the place."""


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The greatest dose from an age on until the next band's."""

    from_months: Months
    most_ug: Micrograms
    per_kg_ug: Micrograms | None = None


class Drug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A drug as the protocol gives it; ``also`` are further names, in whatever language people write them."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{2,40}$")]
    words: Wording
    concentration: Line
    routes: Annotated[tuple[DrugRoute, ...], msgspec.Meta(min_length=1)]
    sites: Annotated[tuple[DrugSite, ...], msgspec.Meta(min_length=1)]
    source: Line
    band: Annotated[tuple[Band, ...], msgspec.Meta(min_length=1)]
    strength_ug_per_ml: Micrograms | None = None
    also: tuple[Line, ...] = ()

    def is_called(self, name: str) -> bool:
        """Tell whether a name is one of this drug's."""
        names = (self.code, self.words.zh_cn, self.words.zh_tw, self.words.en, *self.also)
        return name.strip().casefold() in {one.casefold() for one in names}

    def band_at(self, age_months: int) -> Band | None:
        """Return the band of an age, None below the first."""
        return next((one for one in reversed(self.band) if age_months >= one.from_months), None)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the table says of a drug at an age."""

    drug: Drug
    band: Band


class DrugTable(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the reference doses."""

    jurisdiction: Line
    drug: Annotated[tuple[Drug, ...], msgspec.Meta(min_length=1)]

    @property
    def digest(self) -> str:
        """What a physician answers for: the table as it reads."""
        return sha256(msgspec.json.encode(self)).hexdigest()

    def drug_of(self, code: str) -> Drug | None:
        """Return the drug of a code."""
        return next((one for one in self.drug if one.code == code), None)

    def code_named(self, name: str) -> str:
        """Return the code of the drug of a name, and a name that the table does not know as it is."""
        return next((one.code for one in self.drug if one.is_called(name)), name.strip())

    def reference_for(self, code: str, age_months: int) -> Reference | None:
        """Return what the table says of a drug at an age, None where it says nothing."""
        drug = self.drug_of(code)
        band = drug.band_at(age_months) if drug else None
        return Reference(drug, band) if drug and band else None


def parse(text: str, name: str) -> DrugTable:
    """Return the table a file holds, or raise DrugTableFaulty naming file and key."""
    table = read_edition(text, name, DrugTable, DrugTableFaulty)
    if len({one.code for one in table.drug}) != len(table.drug):
        raise DrugTableFaulty(f"{name}: a drug stands twice")
    for drug in table.drug:
        ages = [one.from_months for one in drug.band]
        if ages != sorted(set(ages)):
            raise DrugTableFaulty(f"{name}: the bands of {drug.code} must be in order of age")
    return table


@cache
def shipped() -> DrugTable:
    """Return the newest table beside this file, read once; raise DrugTableFaulty without one."""
    return newest_in(_FOLDER, parse, DrugTableFaulty)
