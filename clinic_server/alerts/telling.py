"""What an alert tells, as data: a phrase and its figures, and how a pager of ASCII alone says them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clinic_server.kit.degrees import celsius

MOST_SHORT: Final = 80  # characters a pager shows
FINDINGS: Final = frozenset({"lapses", "barring"})  # figures that are the codes of findings
Figure = str | int


class Phrase(StrEnum):
    """What can be told of an alert; ``AS_WRITTEN`` is what an earlier version stored as words alone."""

    AS_WRITTEN = "as_written"
    OUT_OF_RANGE = "out_of_range"
    NO_READING = "no_reading"
    CLOCK_SET_BACK = "clock_set_back"
    READINGS_SET_ASIDE = "readings_set_aside"
    CHECK_PROBE = "check_probe"
    IMPOSSIBLE_LEAPS = "impossible_leaps"
    SAME_VALUE = "same_value"
    PROBE_CLOCK = "probe_clock"
    SWAPPED_WITH = "swapped_with"
    CHARGE = "charge"
    NO_MAINS = "no_mains"
    CALIBRATION_ENDED = "calibration_ended"
    MORNING_NOT_READ = "morning_not_read"
    AFTERNOON_NOT_READ = "afternoon_not_read"
    STOPPED = "stopped"
    TO_ASSESS = "to_assess"
    BARRED_VIAL = "barred_vial"
    COME_TO_SEAT = "come_to_seat"
    COME_TO_PLACE = "come_to_place"
    COME_TO_TICKET = "come_to_ticket"
    STEP_BY = "step_by"
    STEP_LATE = "step_late"
    EVENTS_ROUND = "events_round"
    INJECTIONS_PAUSE = "injections_pause"
    NO_BACKUP = "no_backup"
    BACKUP_FAILED = "backup_failed"
    RECORDS_LOST = "records_lost"
    OTHER_RECORDS = "other_records"
    CHANNEL_FAILS = "channel_fails"
    SEARCHES = "searches"
    REHEARSED = "rehearsed"


_SHORT: Final[Mapping[Phrase, str]] = MappingProxyType(
    {
        Phrase.AS_WRITTEN: "{words}",
        Phrase.OUT_OF_RANGE: "{milli_celsius} {minutes}MIN",
        Phrase.NO_READING: "NO DATA SINCE {since}",
        Phrase.CLOCK_SET_BACK: "NOT JUDGED, CLOCK SET BACK BEFORE {since}",
        Phrase.READINGS_SET_ASIDE: "CLOCK WAS SET, SOME READINGS SET ASIDE",
        Phrase.CHECK_PROBE: "CHECK PROBE, NO DATA SINCE {since}",
        Phrase.IMPOSSIBLE_LEAPS: "IMPOSSIBLE LEAPS, NO DATA SINCE {since}",
        Phrase.SAME_VALUE: "SAME VALUE SINCE {since}",
        Phrase.PROBE_CLOCK: "PROBE CLOCK WRONG",
        Phrase.SWAPPED_WITH: "WITH {other}",
        Phrase.CHARGE: "BATTERY {percent}%",
        Phrase.NO_MAINS: "NO MAINS",
        Phrase.CALIBRATION_ENDED: "CALIBRATION ENDED {day}",
        Phrase.MORNING_NOT_READ: "AM {day} NOT READ",
        Phrase.AFTERNOON_NOT_READ: "PM {day} NOT READ",
        Phrase.STOPPED: "{count} STOPPED, LAST A {stop_scope}",
        Phrase.TO_ASSESS: "{count} TO ASSESS",
        Phrase.BARRED_VIAL: "LOT {lot} WAS GIVEN, {barring}",
        Phrase.COME_TO_SEAT: "TICKET {ticket} SEAT {spot}",
        Phrase.COME_TO_PLACE: "TICKET {ticket} AT {spot}",
        Phrase.COME_TO_TICKET: "TICKET {ticket}",
        Phrase.STEP_BY: "{event_step} BY {due}",
        Phrase.STEP_LATE: "{event_step} LATE SINCE {due}",
        Phrase.EVENTS_ROUND: "{count} EVENTS ROUND {similar_scope} {thing}",
        Phrase.INJECTIONS_PAUSE: "{lapses}",
        Phrase.NO_BACKUP: "NO BACKUP",
        Phrase.BACKUP_FAILED: "NO BACKUP {backup}",
        Phrase.RECORDS_LOST: "{count} RECORDS LOST AFTER {line}",
        Phrase.OTHER_RECORDS: "OTHER RECORDS AT {line}",
        Phrase.CHANNEL_FAILS: "CHANNEL {reason}",
        Phrase.SEARCHES: "{count} SEARCHES IN {minutes} MIN",
        Phrase.REHEARSED: "REHEARSAL, NOTHING IS WRONG",
    }
)
_SHORT_STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reported": "REPORT",
        "investigation_begun": "INVESTIGATION",
        "preliminary_card_sent": "PRELIMINARY CARD",
        "field_report_sent": "FIELD REPORT",
        "diagnosed": "DIAGNOSIS",
    }
)
_CODES: Final = frozenset({"stop_scope", "similar_scope", "backup"})


@dataclass(frozen=True, slots=True)
class Told:
    """A phrase and its figures, without any person's data.

    ``milli_celsius`` is rounded to what is shown; ``since`` and ``due`` are the site's clock; what has a list
    of its own (``stop_scope``, ``lapses``, ``barring``) is its codes.
    """

    phrase: Phrase
    figures: Mapping[str, Figure]

    @property
    def short(self) -> str:
        """Say it to a pager: ASCII, of 80 characters at most ("+9.4C 12MIN")."""
        figures = {name: _short_figure(name, value) for name, value in self.figures.items()}
        return _SHORT[self.phrase].format(**figures).strip()[:MOST_SHORT]


def tell(phrase: Phrase, **figures: Figure) -> Told:
    """Return what is told by a phrase."""
    return Told(phrase, figures)


def as_written(words: str) -> Told:
    """Return words that were stored without their figures, or that have none."""
    return tell(Phrase.AS_WRITTEN, words=words)


def kept(told: Told) -> str:
    """Return the figures as they are stored."""
    return json.dumps(dict(told.figures), ensure_ascii=False, sort_keys=True)


def found(phrase: Phrase, figures_json: str) -> Told:
    """Return what was stored."""
    return Told(phrase, json.loads(figures_json))


def _short_figure(name: str, value: Figure) -> str:
    words = str(value)
    if name == "milli_celsius":
        return f"{celsius(int(value), '+')}C"
    if name in {"spot", "lot"}:  # people named these
        return re.sub(r"[^A-Z0-9 -]", "", words.upper())
    if name in FINDINGS:
        return ", ".join(_spoken(one) for one in words.split())
    if name == "event_step":
        return _SHORT_STEPS[words]
    return _spoken(words) if name in _CODES else words


def _spoken(code: str) -> str:
    return code.upper().replace("_", " ")
