"""What the reference table says of a drug as it was given. Nothing here is an order."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from clinic_server.adverse_events.care.drug_tables import Drug, DrugTable, Reference
from clinic_server.adverse_events.care.rules import DrugFinding, DrugGiven

_UG_PER: Final = {"g": 1_000_000, "mg": 1_000, "ug": 1, "µg": 1, "μg": 1}
_NUMBER, _MASS = r"(\d+(?:\.\d+)?)", r"(g|mg|ug|µg|μg)"
_PARTS: Final = re.compile(r"1\s*[:\uff1a]\s*([1-9]\d*)(?!\d|\s*(?:ml|mg|g|ug))")
_MASS_IN_VOLUME: Final = re.compile(rf"{_NUMBER}\s*{_MASS}\s*[/:\uff1a]\s*{_NUMBER}?\s*ml")
_VOLUME_WITH_MASS: Final = re.compile(rf"{_NUMBER}\s*ml\s*[:\uff1a]\s*{_NUMBER}\s*{_MASS}")
_PERCENT: Final = re.compile(rf"{_NUMBER}\s*%")
_UG_PER_ML_OF_ONE_PERCENT: Final = 10_000
_ROUNDED: Final = Decimal("0.05")  # of the dose: a syringe is read to its marks


def findings_about(
    given: DrugGiven, table: DrugTable, age_months: int, weight_g: int | None
) -> tuple[DrugFinding, ...]:
    """Return what is to be doubted in a drug as given; one that the table does not know is recorded as it is told."""
    drug = table.drug_of(given.drug)
    found = [DrugFinding.VOLUME_CONTRADICTS_DOSE] if _contradicts_volume(given, drug) else []
    if drug is not None:
        found += _about_dose(given, table.reference_for(drug.code, age_months), weight_g)
        found += _about_preparation(given, drug)
    return tuple(found)


def most_ug(reference: Reference, weight_g: int | None) -> int:
    """Return the greatest dose of the reference: by weight where that is known, never above the age's greatest."""
    if weight_g is None or reference.band.per_kg_ug is None:
        return reference.band.most_ug
    return min(reference.band.most_ug, reference.band.per_kg_ug * weight_g // 1000)


def strength_of(concentration: str) -> Decimal | None:
    """Return the micrograms in a millilitre of what an ampoule says: "1:1000", "1 mg/ml", "1ml:1mg", "0.1%".

    None where it says something else.
    """
    told = concentration.casefold()
    if found := _VOLUME_WITH_MASS.search(told):
        millilitres, mass, unit = found.groups()
        return _divided(Decimal(mass) * _UG_PER[unit], millilitres)
    if found := _MASS_IN_VOLUME.search(told):
        mass, unit, millilitres = found.groups()
        return _divided(Decimal(mass) * _UG_PER[unit], millilitres or "1")
    if found := _PARTS.search(told):
        return Decimal(_UG_PER["g"]) / int(found[1])
    if found := _PERCENT.search(told):
        return Decimal(found[1]) * _UG_PER_ML_OF_ONE_PERCENT
    return None


def _divided(micrograms: Decimal, millilitres: str) -> Decimal | None:
    return micrograms / Decimal(millilitres) if Decimal(millilitres) else None


def _about_dose(given: DrugGiven, reference: Reference | None, weight_g: int | None) -> Iterator[DrugFinding]:
    if reference is None:
        yield DrugFinding.AGE_NOT_REFERENCED
    elif given.dose_ug > most_ug(reference, weight_g):
        yield DrugFinding.DOSE_ABOVE_REFERENCE


def _about_preparation(given: DrugGiven, drug: Drug) -> Iterator[DrugFinding]:
    if given.route not in drug.routes or given.site not in drug.sites:
        yield DrugFinding.ROUTE_NOT_REFERENCED
    states_one, told = drug.strength_ug_per_ml is not None, given.concentration.strip()
    if states_one and told and strength_of(told) != drug.strength_ug_per_ml:
        yield DrugFinding.STRENGTH_NOT_REFERENCED


def _contradicts_volume(given: DrugGiven, drug: Drug | None) -> bool:
    """Tell whether the volume drawn up holds another dose: of the strength told, else of the table's."""
    usual = Decimal(drug.strength_ug_per_ml) if drug and drug.strength_ug_per_ml else None
    strength = strength_of(given.concentration) if given.concentration.strip() else usual
    if given.volume_ul is None or strength is None:
        return False
    return abs(strength * given.volume_ul / 1000 - given.dose_ug) > given.dose_ug * _ROUNDED
