"""Languages of the screens: zh-CN first, zh-TW and English complete. Source sentences are English."""

import gettext
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES: Mapping[str, str] = {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"}
DEFAULT_LANGUAGE = "zh-CN"
_CATALOGUES = {"zh-CN": "zh_Hans_CN", "zh-TW": "zh_Hant_TW"}
_ASKED = {"zh": "zh-CN", "zh-cn": "zh-CN", "zh-sg": "zh-CN", "zh-hans": "zh-CN"} | {
    "zh-tw": "zh-TW",
    "zh-hk": "zh-TW",
    "zh-mo": "zh-TW",
    "zh-hant": "zh-TW",
}
_LOCALE_FOLDER = Path(__file__).parents[1] / "locale"

current_language: ContextVar[str] = ContextVar("current_language", default=DEFAULT_LANGUAGE)


def choose_language(preferred: str | None, accept_language: str) -> str:
    """Return the person's own choice, or the best the browser asks for, or zh-CN."""
    if preferred in LANGUAGES:
        return preferred or DEFAULT_LANGUAGE
    for wish in accept_language.split(","):
        tag = wish.split(";")[0].strip().lower()
        known = _ASKED.get(tag) or _ASKED.get("-".join(tag.split("-")[:2])) or ("en" if tag[:2] == "en" else None)
        if known:
            return known
    return DEFAULT_LANGUAGE


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything in one language for a while, whatever the caller reads."""
    before = current_language.set(language)
    try:
        yield
    finally:
        current_language.reset(before)


def say(message: str) -> str:
    """Return an English source sentence in the current language."""
    return _translations(current_language.get()).gettext(message) if message else ""


def say_context(context: str, message: str) -> str:
    """Return a word whose meaning depends on where it stands."""
    return _translations(current_language.get()).pgettext(context, message)


def say_count(one: str, many: str, count: int) -> str:
    """Return the sentence for a number of things."""
    return _translations(current_language.get()).ngettext(one, many, count)


def missing_catalogues() -> list[str]:
    """Return the languages whose compiled catalogue is not there."""
    return [
        language
        for language, catalogue in _CATALOGUES.items()
        if gettext.find("messages", _LOCALE_FOLDER, [catalogue]) is None
    ]


@cache
def _translations(language: str) -> gettext.NullTranslations:
    catalogue = _CATALOGUES.get(language)
    if catalogue is None:
        return gettext.NullTranslations()
    # Without the compiled catalogue it says it in English: somebody woken at night in another language is woken.
    return gettext.translation("messages", _LOCALE_FOLDER, languages=[catalogue], fallback=True)
