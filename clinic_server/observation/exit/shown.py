"""What the exit's screen says: the words of an answer in two languages at once, its colour, and its sound."""

from collections.abc import Sequence
from dataclasses import dataclass

from clinic_server.kit.i18n import DEFAULT_LANGUAGE, current_language
from clinic_server.kit.labels import Label, Tone, label
from clinic_server.kit.pages import Pages
from clinic_server.observation.exit.lookup import ExitSeen


@dataclass(frozen=True, slots=True)
class Said:
    """The words of an answer in one language."""

    language: str
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Screen:
    """One answer as it is shown; ``tone`` decides its colour and which sound is played."""

    code: str
    tone: Tone
    said: Sequence[Said]
    ticket_number: int | None = None
    masked_name: str = ""


def screen_of(pages: Pages, seen: ExitSeen) -> Screen:
    """Return what is shown of an answer."""
    code = seen.answer.value
    told = [(language, _answer_in(language, pages, seen)) for language in _languages()]
    said = [Said(language, one.text, one.fix) for language, one in told]
    return Screen(code, told[0][1].tone, said, seen.ticket_number, seen.masked_name)


def standing_screen(code: str) -> Screen:
    """Return what is shown while nobody is answered: the invitation, or that the server does not answer."""
    told = [(language, _label_in(language, "exit_screen", code)) for language in _languages()]
    return Screen(code, told[0][1].tone, [Said(language, one.text, one.fix) for language, one in told])


def _answer_in(language: str, pages: Pages, seen: ExitSeen) -> Label:
    place = seen.called_to or (_label_in(language, "stage", seen.stage).text if seen.stage else "")
    since = pages.clock_time(seen.since_at) if seen.since_at else ""
    return _label_in(language, "exit_answer", seen.answer, minutes=seen.minutes, place=place, since=since)


def _label_in(language: str, group: str, code: str, **facts: object) -> Label:
    token = current_language.set(language)
    try:
        return label(group, code, **facts)
    finally:
        current_language.reset(token)


def _languages() -> tuple[str, str]:
    first = current_language.get()
    return first, DEFAULT_LANGUAGE if first == "en" else "en"
