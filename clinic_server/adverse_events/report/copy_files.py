"""A copy as bytes: JSON of stable keys, or a table of one line a card that spreadsheets find nothing to compute in."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Final

import msgspec

from clinic_server.adverse_events.report.card import OF_CLAIMS, Card, CardField, Place, places, value_at
from clinic_server.adverse_events.report.copies import CopiedCard, Copy
from clinic_server.adverse_events.report.rules import Conclusion
from clinic_server.adverse_events.report.terms import CopyFor, ExportForm
from clinic_server.adverse_events.report.wording import words_of
from clinic_server.adverse_events.rules import MOST_SUSPECTS, EventStepKind
from clinic_server.kit.labels import label
from clinic_server.kit.spreadsheets import MEDIA_TYPES, FileFormat, Written, as_file

_JSON_TYPE: Final = "application/json"


class CopyColumn(StrEnum):
    """The columns of a copy beside those of the card itself."""

    EVENT = "event"
    CARD_NUMBER = "card_number"
    VERSION = "version"
    REPORTED_AT = "reported_at"
    FINAL_CLASS = "final_class"
    WHO_CLASS = "who_class"
    HARM = "harm"
    CONCLUDED_ON = "concluded_on"
    CLAIMS = "claims"
    COPIED_FOR = "copied_for"
    EXPORTED_AT = "exported_at"
    EXPORTED_BY = "exported_by"


_BEFORE: Final = tuple(CopyColumn)[:4]
_AFTER: Final = tuple(CopyColumn)[4:]
_OF_SURVEILLANCE: Final = frozenset({"steps", "class"})  # what a case has for the county alone


def media_type_of(form: ExportForm) -> str:
    """Return what a browser is told of a copy."""
    return _JSON_TYPE if form is ExportForm.JSON else MEDIA_TYPES[FileFormat(form.value)]


def file_of(copy: Copy, zone: tzinfo) -> bytes:
    """Return a copy as a file; a table is in the reader's language and the site's time."""
    if copy.form is ExportForm.JSON:
        return msgspec.json.format(msgspec.json.encode(_as_json(copy)))
    of_card = [one for one in places(MOST_SUSPECTS) if _is_for(copy.copied_for, one.field)]
    headings = [*map(_heading, _BEFORE), *map(place_words, of_card), *map(_heading, _AFTER)]
    return as_file(FileFormat(copy.form.value), headings, [_line(copy, one, of_card, zone) for one in copy.cards])


def place_words(place: Place) -> str:
    """Return what a place of the card is called."""
    words = label("finding", place.field.value).text
    return words if place.vaccine is None else f"{words} ({place.vaccine})"


def _heading(column: CopyColumn) -> str:
    return label("copy_column", column.value).text


def _line(copy: Copy, one: CopiedCard, of_card: Sequence[Place], zone: tzinfo) -> Sequence[Written]:
    concluded = _conclusion(one)
    reported_at = one.steps.get(EventStepKind.REPORTED.value)
    before = (one.event, one.card_number, one.version.version, _local(reported_at, zone) if reported_at else None)
    said = (
        label("final_class", concluded.final_class.value).text if concluded else None,
        label("who_class", concluded.who_class.value).text if concluded else None,
        label("harm_grade", concluded.harm.value).text if concluded and concluded.harm else None,
        concluded.concluded_on if concluded else None,
    )
    after = (
        _claims(one),
        label("copy_for", copy.copied_for.value).text,
        _local(copy.exported_at, zone),
        copy.staff_number,
    )
    return (*before, *(words_of(value_at(one.version.card, place)) for place in of_card), *said, *after)


def _claims(one: CopiedCard) -> str:
    """Return who was asked to bear costs since when, and until when that was open."""
    return "; ".join(
        f"{label('claim', claim.kind.value).text} {claim.claimed_on} – {claim.settled_on or ''}".rstrip()
        for claim in one.claims
    )


def _local(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="minutes")


def _as_json(copy: Copy) -> dict[str, Any]:
    return {
        "exported_at": copy.exported_at,
        "exported_by": copy.staff_number,
        "for": copy.copied_for,
        "reason": copy.reason,
        "cards": [_case(one, copy.copied_for) for one in copy.cards],
    }


def _case(one: CopiedCard, copied_for: CopyFor) -> dict[str, Any]:
    concluded = _conclusion(one)
    told = {
        "event": one.event,
        "card_number": one.card_number,
        "version": one.version.version,
        "steps": one.steps,
        "class": asdict(one.classes[-1].classed) if one.classes else None,
        "card": _card(one.version.card, copied_for),
        "conclusion": asdict(concluded) | {"who_class": concluded.who_class} if concluded else None,
        "claims": [asdict(claim) for claim in one.claims],
    }
    return {key: value for key, value in told.items() if copied_for.claim is None or key not in _OF_SURVEILLANCE}


def _card(card: Card, copied_for: CopyFor) -> dict[str, Any]:
    """Return what of a card is for somebody, by the keys of its fields."""
    kept = {one.key for one in CardField if _is_for(copied_for, one)}
    of_vaccine = [
        {key: value for key, value in asdict(one).items() if f"vaccine_{key}" in kept} for one in card.vaccines
    ]
    said = {key: value for key, value in asdict(card).items() if key in kept}
    return said | {"vaccines": of_vaccine}


def _is_for(copied_for: CopyFor, field: CardField) -> bool:
    return copied_for is CopyFor.COUNTY_CDC or field in OF_CLAIMS


def _conclusion(one: CopiedCard) -> Conclusion | None:
    return one.conclusions[-1].conclusion if one.conclusions else None
