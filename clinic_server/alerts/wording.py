"""What an alert tells in the reader's language: wherever more fits than a pager's line of ASCII."""

from collections.abc import Mapping
from typing import Final

from clinic_server.alerts.telling import FINDINGS, Figure, Told
from clinic_server.kit.degrees import celsius
from clinic_server.kit.labels import label, labels

_LISTED: Final = frozenset({"stop_scope", "similar_scope", "event_step"})  # figures named like the list they are of


def words_of(told: Told, places: Mapping[str, str]) -> str:
    """Say it in the current language, with places by their names."""
    figures = {name: _figure(name, value, places) for name, value in told.figures.items()}
    return label("told", told.phrase.value, **figures).text


def where_words(code: str, places: Mapping[str, str]) -> str:
    """Say what an alert is about: a place by its name, with the code its door carries; else what has no place."""
    name = places.get(code)
    return f"{name} ({code})" if name else subject_words(code)


def subject_words(code: str) -> str:
    """Say what an alert is about that stands in no place of the site: the site itself, its records, events."""
    known = labels()["alert_subject"]
    family, _, number = code.rpartition("-")
    if number.isdigit() and family in known:
        return label("alert_subject", family, number=number).text
    subject = code or "site"
    return label("alert_subject", subject).text if subject in known else code


def reason_words(reason: str) -> str:
    """Return a driver's reason in words: its own, its family's with the number the service gave, or those of any."""
    known = labels()["page_reason"]
    if reason in known or not reason:
        return label("page_reason", reason).text if reason else ""
    family, _, number = reason.rpartition("_")
    is_of_family = number.isdigit() and f"{family}_other" in known
    return label("page_reason", f"{family}_other" if is_of_family else "other", number=number).text


def _figure(name: str, value: Figure, places: Mapping[str, str]) -> str:
    words = str(value)
    if name == "milli_celsius":
        return f"{celsius(int(value), '+')} °C"
    if name in {"other", "spot"}:
        return places.get(words, words)
    if name in FINDINGS:
        return " ".join(label("finding", one).text for one in words.split())
    if name == "reason":
        return reason_words(words)
    if name == "backup":
        return label("backup", words, about="–").text if words in labels()["backup"] else words
    return label(name, words).text if name in _LISTED else words
