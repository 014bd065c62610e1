"""What stands on a card in the reader's words: values of lists, dates, and the care log as a course in words."""

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from clinic_server.adverse_events.care.drug_tables import DrugTable
from clinic_server.adverse_events.care.rules import (
    Ambulance,
    CareEntry,
    DrugGiven,
    Laid,
    Note,
    Oxygen,
    Said,
    Symptoms,
    Vitals,
    that_count,
)
from clinic_server.adverse_events.care.symptoms import SymptomList
from clinic_server.adverse_events.report.card import Value
from clinic_server.adverse_events.report.terms import (
    CaseOutcome,
    FeverBand,
    FirstClass,
    FoundBy,
    Organised,
    Pregnancy,
    Programme,
    SizeBand,
)
from clinic_server.kit.i18n import current_language
from clinic_server.kit.labels import label
from clinic_server.people.documents import Sex
from clinic_server.stock.rules import BodySite, Route

GROUP_OF: Final[dict[type[StrEnum], str]] = {
    Sex: "sex",
    Pregnancy: "pregnancy",
    Programme: "vaccine_programme",
    Organised: "organised",
    Route: "route",
    BodySite: "body_site",
    FeverBand: "fever_band",
    SizeBand: "size_band",
    CaseOutcome: "case_outcome",
    FirstClass: "first_class",
    FoundBy: "found_by",
}


def words_of(value: Value) -> str:
    """Return what stands in a place of a card as people read it; nothing where it is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return label("answer", "yes" if value else "no").text
    if isinstance(value, StrEnum):
        return label(GROUP_OF[type(value)], value.value).text
    return value.isoformat() if isinstance(value, date) else str(value)


def course_of(entries: Iterable[CareEntry], symptoms: SymptomList, table: DrugTable, zone: tzinfo) -> str:
    """Return the lines of a log that count, one a line, as the course a card tells."""
    lines = ((one.happened_at, _said(one.said, symptoms, table)) for one in that_count(list(entries)))
    return "\n".join(f"{_minute(at, zone)} {words}" for at, words in lines if words)


def _minute(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def _said(said: Said, symptoms: SymptomList, table: DrugTable) -> str:
    match said:
        case Vitals():
            return _measured(said)
        case Symptoms(codes=codes):
            language = current_language.get()
            return ", ".join(symptoms.by_code[code].words.in_language(language) for code in codes)
        case DrugGiven():
            return _drug(said, table)
        case Oxygen(ml_per_min=flow):
            return f"O₂ {flow / 1000:g} l/min"
        case Note(words=words):
            return words
        case _:
            return _labelled(said)


def _labelled(said: Laid | Ambulance) -> str:
    if isinstance(said, Laid):
        return label("body_position", said.position.value).text
    return label("ambulance", said.step.value).text


def _measured(vitals: Vitals) -> str:
    told = [
        (vitals.systolic_mmhg, f"BP {vitals.systolic_mmhg}/{vitals.diastolic_mmhg} mmHg"),
        (vitals.pulse_per_min, f"P {vitals.pulse_per_min}/min"),
        (vitals.spo2_percent, f"SpO₂ {vitals.spo2_percent} %"),
        (vitals.breaths_per_min, f"R {vitals.breaths_per_min}/min"),
        (vitals.milli_celsius, f"T {(vitals.milli_celsius or 0) / 1000:.1f} °C"),
    ]
    words = [text for value, text in told if value is not None]
    if vitals.consciousness is not None:
        words.append(label("consciousness", vitals.consciousness.value).text)
    return ", ".join(words)


def _drug(given: DrugGiven, table: DrugTable) -> str:
    known = table.drug_of(given.drug)
    name = known.words.in_language(current_language.get()) if known else given.drug
    where = f"{label('drug_route', given.route.value).text} {label('drug_site', given.site.value).text}"
    return f"{name} {given.dose_ug / 1000:g} mg {where}"
