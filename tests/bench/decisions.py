"""How long one clinical decision takes to compute, beside the yardstick of the codecs."""

from collections.abc import Callable, Iterator
from datetime import date

from clinic_server.immunisations import rules
from clinic_server.injection.rules import findings_for_needle
from clinic_server.people.documents import Sex
from clinic_server.screening import rule_sets
from clinic_server.screening.rules import (
    Answer,
    AnswersGiven,
    Measurements,
    Recipient,
    findings_for,
    questions_for,
)
from clinic_server.stock import vaccines
from tests.bench.codecs import Speed, speeds_of
from tests.rules import needle
from tests.rules.schedule_cases import had, person, schedule_of

CHILD = "2023-03-15"
CARD = (
    "hepb 2023-03-15, bcg 2023-03-15, hepb 2023-04-15, ipv 2023-05-15, ipv 2023-06-15, dtap 2023-06-15, "
    "bopv 2023-07-15, dtap 2023-07-15, dtap 2023-08-15, hepb 2023-09-15, mpsv-a 2023-09-15, mmr 2023-11-15, "
    "je 2023-11-15, mpsv-a 2023-12-15, mmr 2024-09-15, dtap 2024-09-15, hepa-live 2024-09-15"
)


def measure(seconds: float) -> list[Speed]:
    """Run every decision for about so long altogether."""
    return speeds_of(dict(_decisions()), seconds)


def _decisions() -> Iterator[tuple[str, Callable[[], object]]]:
    catalogue, routine, on = vaccines.shipped(), schedule_of("cn-routine 2"), date(2025, 3, 16)
    child, doses = person(CHILD), had(CARD)
    yield (
        f"schedule: outlook of one vaccine, {len(doses)} doses",
        lambda: rules.outlook(routine, catalogue, child, doses, catalogue["je-live"], on),
    )
    yield (
        f"schedule: standings in {len(routine.series)} series, {len(doses)} doses",
        lambda: rules.standings(routine, catalogue, child, doses, on),
    )
    covid, adult, dose = schedule_of("cn-covid19 1"), person("1980-05-20"), had("bbibp 2021-04-01")
    yield (
        "schedule: outlook of a second dose",
        lambda: rules.outlook(covid, catalogue, adult, dose, catalogue["covid19-bbibp-corv"], date(2021, 4, 22)),
    )
    yield "permit: one decision", lambda: findings_for_needle(needle.FACTS)
    founding = rule_sets.of_version(rule_sets.shipped(), "founding-documents", 1)
    recipient = Recipient(30, Sex.FEMALE, 360)
    answers = {question.code: Answer.YES for question in questions_for(founding, recipient)}
    details = {"blood_products.blood_products_on": "2025-02-01", "component_allergy.which_component": "egg_protein"}
    given = AnswersGiven(answers, Measurements(36_600, 150, 95), recipient, on, details)
    chosen = catalogue["covid19-bbibp-corv"]
    yield f"screening: one round, {len(answers)} questions", lambda: findings_for(founding, given, chosen)
