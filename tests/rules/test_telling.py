"""Every phrase has words for a pager and for people, and what was stored says the same again."""

import pytest

from clinic_server.alerts.telling import MOST_SHORT, Figure, Phrase, Told, found, kept, tell
from clinic_server.alerts.wording import words_of
from clinic_server.kit.i18n import current_language

PLACES = {"fridge-2": "二号冰箱", "seat-3": "三号座"}
FIGURES: dict[Phrase, dict[str, Figure]] = {
    Phrase.AS_WRITTEN: {"words": "+9.4C 12MIN"},
    Phrase.OUT_OF_RANGE: {"milli_celsius": -600, "minutes": 13},
    Phrase.NO_READING: {"since": "03:12"},
    Phrase.CLOCK_SET_BACK: {"since": "03:12"},
    Phrase.CHECK_PROBE: {"since": "03:12"},
    Phrase.IMPOSSIBLE_LEAPS: {"since": "03:12"},
    Phrase.SAME_VALUE: {"since": "03:12"},
    Phrase.SWAPPED_WITH: {"other": "fridge-2"},
    Phrase.CHARGE: {"percent": 9},
    Phrase.CALIBRATION_ENDED: {"day": "2026-03-02"},
    Phrase.MORNING_NOT_READ: {"day": "2026-03-02"},
    Phrase.AFTERNOON_NOT_READ: {"day": "2026-03-02"},
    Phrase.STOPPED: {"count": 2, "stop_scope": "lot"},
    Phrase.BARRED_VIAL: {"lot": "批202601-A", "barring": "lot_expired unit_on_hold product_stopped"},
    Phrase.TO_ASSESS: {"count": 3},
    Phrase.COME_TO_SEAT: {"ticket": 17, "spot": "seat-3"},
    Phrase.COME_TO_PLACE: {"ticket": 17, "spot": "bench-1"},
    Phrase.COME_TO_TICKET: {"ticket": 17},
    Phrase.STEP_BY: {"event_step": "reported", "due": "03-02 19:00"},
    Phrase.STEP_LATE: {"event_step": "diagnosed", "due": "03-02 19:00"},
    Phrase.EVENTS_ROUND: {"count": 3, "similar_scope": "lot", "thing": "zifivax/202601001", "name": "智飞 · 202601001"},
    Phrase.INJECTIONS_PAUSE: {"lapses": "emergency_staff_gone ambulance_gone emergency_kit_short green_channel_gone"},
    Phrase.BACKUP_FAILED: {"backup": "backup_folder_missing"},
    Phrase.RECORDS_LOST: {"count": 4, "line": 4711},
    Phrase.OTHER_RECORDS: {"line": 4711},
    Phrase.CHANNEL_FAILS: {"reason": "http_500"},
    Phrase.SEARCHES: {"count": 120, "minutes": 60},
}


@pytest.mark.parametrize("phrase", Phrase)
def test_a_phrase_is_said_to_a_pager_and_in_every_language(phrase: Phrase) -> None:
    told = Told(phrase, FIGURES.get(phrase, {}))
    assert told.short.isascii()
    assert 0 < len(told.short) <= MOST_SHORT
    assert found(phrase, kept(told)) == told
    said = [_in(language, told) for language in ("en", "zh-CN", "zh-TW")]
    assert not [words for words in said if "{" in words or not words]
    assert phrase is Phrase.AS_WRITTEN or len(set(said)) == len(said)


def test_people_read_places_by_their_names_and_degrees_with_their_sign() -> None:
    assert "二号冰箱" in _in("zh-CN", tell(Phrase.SWAPPED_WITH, other="fridge-2"))
    assert tell(Phrase.SWAPPED_WITH, other="fridge-2").short == "WITH fridge-2"
    assert _in("en", tell(Phrase.OUT_OF_RANGE, milli_celsius=-600, minutes=13)).startswith("-0.6 °C")
    assert tell(Phrase.OUT_OF_RANGE, milli_celsius=-600, minutes=13).short == "-0.6C 13MIN"
    for language in ("en", "zh-CN", "zh-TW"):
        assert _in(language, tell(Phrase.OUT_OF_RANGE, milli_celsius=8_040, minutes=13)).startswith("+8.04 °C")
    assert tell(Phrase.OUT_OF_RANGE, milli_celsius=8_040, minutes=13).short == "+8.04C 13MIN"


def test_people_read_what_events_gather_round_by_its_name_and_a_pager_of_ascii_by_its_code() -> None:
    told = tell(Phrase.EVENTS_ROUND, **FIGURES[Phrase.EVENTS_ROUND])
    assert _in("zh-CN", told).endswith("智飞 · 202601001")
    assert told.short == "3 EVENTS ROUND LOT zifivax/202601001"


def _in(language: str, told: Told) -> str:
    before = current_language.set(language)
    try:
        return words_of(told, PLACES)
    finally:
        current_language.reset(before)
