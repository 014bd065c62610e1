"""What the reference table says of a drug as it was given. Nothing here is an order."""

from clinic_server.adverse_events.care.drug_tables import DrugTable, Reference
from clinic_server.adverse_events.care.rules import DrugFinding, DrugGiven


def findings_about(
    given: DrugGiven, table: DrugTable, age_months: int, weight_g: int | None
) -> tuple[DrugFinding, ...]:
    """Return what of a drug as given lies outside its reference; a drug without one is recorded as it is told."""
    reference = table.reference_for(given.drug, age_months)
    if reference is None:
        return ()
    found = []
    if given.dose_ug > most_ug(reference, weight_g):
        found.append(DrugFinding.DOSE_ABOVE_REFERENCE)
    if given.route not in reference.drug.routes or given.site not in reference.drug.sites:
        found.append(DrugFinding.ROUTE_NOT_REFERENCED)
    return tuple(found)


def most_ug(reference: Reference, weight_g: int | None) -> int:
    """Return the greatest dose of the reference: by weight where that is known, never above the age's greatest."""
    if weight_g is None or reference.band.per_kg_ug is None:
        return reference.band.most_ug
    return min(reference.band.most_ug, reference.band.per_kg_ug * weight_g // 1000)
