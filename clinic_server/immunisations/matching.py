"""Which vaccines a schedule means, and which of them a fact of health forbids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from clinic_server.immunisations.schedules import Contraindication, Schedule, Series, Spacing, TargetDose, Which
from clinic_server.immunisations.terms import PastDose, Reason, Subject
from clinic_server.stock.rules import Platform
from clinic_server.stock.vaccines import Vaccine


@dataclass(frozen=True, slots=True)
class Substance:
    """What was or would be given, as far as a schedule asks; what is not known of it is None or empty."""

    code: str | None
    antigens: tuple[str, ...]
    platform: Platform | None


def substance_of(given: Vaccine | PastDose) -> Substance:
    """Return what a vaccine or a past dose is."""
    if isinstance(given, PastDose):
        return Substance(given.vaccine_code, given.antigens, given.platform)
    return Substance(given.code, given.antigens, given.platform)


def selects(which: Which, given: Substance) -> bool:
    """Tell whether these are the vaccines meant; what is unknown is not meant by name or platform."""
    if given.code in which.except_vaccines or set(given.antigens) & set(which.except_antigens):
        return False
    if not (which.vaccines or which.platforms or which.antigens):
        return True
    return (
        given.code in which.vaccines
        or given.platform in which.platforms
        or not set(given.antigens).isdisjoint(which.antigens)
    )


def reason_against_vaccine(target: TargetDose, given: Substance) -> Reason | None:
    """Return why a dose of this does not count as the target dose, None when it does."""
    accepted = [which for which in (target.preferable, target.allowable) if which is not None]
    if not accepted or any(selects(which, given) for which in accepted):
        return None
    if given.code is None and given.platform is None:
        return Reason.VACCINE_UNKNOWN
    platforms = {platform for which in accepted for platform in which.platforms}
    return Reason.WRONG_PLATFORM if platforms and given.platform not in platforms else Reason.WRONG_VACCINE


def spacings_between(spacings: Iterable[Spacing], planned: Substance, past: PastDose) -> Iterator[Spacing]:
    """Yield which spacings two doses must keep; a past dose whose platform nobody knows may be of any."""
    if set(planned.antigens) & set(past.antigens):
        return
    known = substance_of(past)
    guesses = [known] if known.platform else [replace(known, platform=platform) for platform in Platform]
    for spacing in spacings:
        pairs = ((spacing.between, spacing.other), (spacing.other, spacing.between))
        if any(selects(one, planned) and any(selects(two, guess) for guess in guesses) for one, two in pairs):
            yield spacing


def spacing_ends(
    spacings: Sequence[Spacing], planned: Substance, doses: Iterable[PastDose], on: date
) -> Iterator[tuple[Spacing, date]]:
    """Yield each spacing to doses given before, with its first free day; one that allows the same day is not broken.

    Sub-standard doses were given too, and keep others away like any.
    """
    for dose in doses:
        for spacing in spacings_between(spacings, planned, dose):
            if not (spacing.may_be_same_day and dose.given_on == on):
                yield spacing, spacing.minimum.after(dose.given_on)


def contraindications_of(
    schedule: Schedule, subject: Subject, vaccine: Vaccine, on: date
) -> Iterator[Contraindication]:
    """Yield what the observations of a day hold against a vaccine."""
    codes = {observation.code for observation in subject.observations if observation.holds_on(on)}
    for contraindication in schedule.contraindication:
        if _observed_as(contraindication, vaccine) in codes and selects(
            contraindication.against, substance_of(vaccine)
        ):
            yield contraindication


def accepted_vaccines(
    target: TargetDose, series: Series, vaccines: Iterable[Vaccine]
) -> Iterator[tuple[Vaccine, bool]]:
    """Yield the vaccines that count as a target dose, and whether each is preferable."""
    for vaccine in vaccines:
        given = substance_of(vaccine)
        if series.antigen in vaccine.antigens and reason_against_vaccine(target, given) is None:
            yield vaccine, target.preferable is None or selects(target.preferable, given)


def _observed_as(contraindication: Contraindication, vaccine: Vaccine) -> str:
    if contraindication.same is None:
        return contraindication.observation
    suffix = vaccine.code if contraindication.same == "vaccine" else vaccine.platform.value
    return f"{contraindication.observation}:{suffix}"
