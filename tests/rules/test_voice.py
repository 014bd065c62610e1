"""What is said of a call: every digit, the station, and nothing else."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_server.kit.speech import WRITTEN
from clinic_server.staff.rules import StationKind
from clinic_server.wall.voice.rules import CalledTicket, pieces, sentence
from clinic_server.wall.voice.words import FOLDER, VoiceFileFaulty, parse, shipped

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LANGUAGES = ("zh-CN", "zh-TW", "en")
ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def a_call(ticket_number: int, station: str = "bench-2", kind: StationKind = StationKind.INJECTION) -> CalledTicket:
    return CalledTicket(ticket_number, station, kind, NOW)


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("zh-CN", "请零四七号到二号接种台。", "qing3 ling2 si4 qi1 hao4 dao4 er4 hao4 jie1 zhong4 tai2"),
        ("zh-TW", "請零四七號到二號接種台。", "qing3 ling2 si4 qi1 hao4 dao4 er4 hao4 jie1 zhong4 tai2"),
        (
            "en",
            "Number zero four seven, please go to injection bench two.",
            "Number zero four seven, please go to injection bench two.",
        ),
    ],
)
def test_digits_are_read_one_by_one(language: str, written: str, spoken: str) -> None:
    said = sentence(shipped()[language], a_call(47))
    assert (said.written, said.spoken) == (written, spoken)


def test_a_station_is_named_by_its_kind_and_number() -> None:
    english, chinese = shipped()["en"], shipped()["zh-CN"]
    assert sentence(english, a_call(1, "screening-12", StationKind.SCREENING)).written.endswith(
        "to screening desk one two."
    )
    assert sentence(chinese, a_call(1, "room-007", StationKind.CONSENT)).written == "请零零一号到七号知情同意台。"
    assert sentence(english, a_call(1, "by-the-door", StationKind.CONSENT)).written.endswith("to consent desk.")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 99_999), st.sampled_from(StationKind), st.integers(0, 99))
def test_every_number_is_heard_back(ticket_number: int, kind: StationKind, station: int) -> None:
    said = sentence(shipped()["en"], a_call(ticket_number, f"desk-{station}", kind)).spoken
    digits = "".join(str(ENGLISH.index(word)) for word in re.findall("[a-z]+", said) if word in ENGLISH)
    assert digits == f"{ticket_number:03d}{station}"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 99_999), st.sampled_from(StationKind), st.sampled_from(LANGUAGES))
def test_the_synthesiser_is_told_nothing_it_misreads(ticket_number: int, kind: StationKind, language: str) -> None:
    assert sentence(shipped()[language], a_call(ticket_number, "desk-1", kind)).spoken.isascii()


@pytest.mark.parametrize(
    ("group", "language", "heard"),
    [
        ("A", "en", [("en", "Group", "en"), ("en", "A", "en")]),
        ("A", "zh-CN", [("en", "A", "en")]),
        ("三年二班", "en", [("en", "Group", "en"), ("zh-CN", "三年二班", "cmn")]),
        ("三年二班", "zh-TW", [("zh-TW", "三年二班", "cmn")]),
        ("B 2班\x07", "zh-CN", [("zh-CN", "B 2班", "cmn")]),
    ],
)
def test_a_group_is_named_first_in_a_voice_that_can_read_it(
    group: str, language: str, heard: list[tuple[str, str, str]]
) -> None:
    called = replace(a_call(47), group=group)
    *before, call = pieces(shipped()[language], called, WRITTEN)
    assert [(one.language, one.said.spoken, one.synthesiser) for one in before] == heard
    assert call.said == sentence(shipped()[language], a_call(47))
    assert pieces(shipped()[language], a_call(47), WRITTEN) == (call,)


def test_only_a_group_may_go_without_a_word() -> None:
    text = (FOLDER / "voice-zh-cn.toml").read_text("utf-8").replace('written = "出口"', 'written = ""')
    with pytest.raises(VoiceFileFaulty, match="only a group"):
        parse(text, "voice-zh-cn.toml")


def test_a_call_is_news_for_thirty_seconds_and_a_recall_is_another() -> None:
    called = a_call(5)
    assert called.is_news(NOW + timedelta(seconds=29))
    assert not called.is_news(NOW + timedelta(seconds=30))
    again = CalledTicket(5, "bench-2", StationKind.INJECTION, NOW + timedelta(milliseconds=1))
    assert again.key != called.key


def test_every_language_that_may_be_set_has_words() -> None:
    assert set(shipped()) == set(LANGUAGES)


def test_a_file_without_words_for_a_station_stops_the_start() -> None:
    text = (FOLDER / "voice-en.toml").read_text("utf-8").replace("exit = ", "# exit = ")
    with pytest.raises(VoiceFileFaulty, match=r"voice-en\.toml: no words for exit"):
        parse(text, "voice-en.toml")
