"""Consent texts: what is told before anybody signs; one readable file for each version and language.

A text that was signed once is never edited: a change is a new file with the next version, in every language.
"""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from clinic_server.kit.editions import NothingInForce
from clinic_server.kit.i18n import LANGUAGES

_FOLDER = Path(__file__).parent
ANY_VACCINE = "any"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Item = Literal["kind", "effect", "contraindications", "adverse_reactions", "observation"]
_ITEMS: tuple[Item, ...] = ("kind", "effect", "contraindications", "adverse_reactions", "observation")


class ConsentTextFaulty(ValueError):
    """A consent text's file says something that cannot be meant; the words name the file and the place."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told about one of the five items."""

    item: Item
    heading: Words
    body: Words


class ConsentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version in one language, for one vaccine of the catalogue or any; the two ages are whole years."""

    vaccine: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    language: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    valid_from: date
    source: Words
    owner: Words
    sign_off: Words
    adult_from_age: Annotated[int, msgspec.Meta(ge=1, le=30)]
    child_signs_from_age: Annotated[int, msgspec.Meta(ge=1, le=30)]
    title: Words
    agreement: Words
    section: tuple[Section, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """What is read aloud one after the other: each section with its heading, then what is agreed to."""
        return (*(f"{one.heading}. {one.body}" for one in self.section), self.agreement)


def parse(text: str, name: str) -> ConsentText:
    """Return the consent text a file holds, or raise ConsentTextFaulty naming line or key."""
    try:
        consent_text = msgspec.convert(tomllib.loads(text), ConsentText)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConsentTextFaulty(f"{name}: {error}") from None
    if consent_text.language not in LANGUAGES:
        raise ConsentTextFaulty(f"{name}: the screens have no language {consent_text.language}")
    items = tuple(section.item for section in consent_text.section)
    if items != _ITEMS:
        raise ConsentTextFaulty(f"{name}: the sections must be {', '.join(_ITEMS)}, in this order")
    return consent_text


def active(texts: Iterable[ConsentText], vaccine: str, language: str, on: date) -> ConsentText:
    """Return the newest text valid on a day, the vaccine's own, else the one for any; or raise NothingInForce."""
    begun = [text for text in texts if text.language == language and text.valid_from <= on]
    fitting = [text for text in begun if text.vaccine == vaccine] or [
        text for text in begun if text.vaccine == ANY_VACCINE
    ]
    if not fitting:
        raise NothingInForce(what=f"consent text in {language}", on=f"{on}")
    return max(fitting, key=lambda text: (text.valid_from, text.version))


def version_of(texts: Iterable[ConsentText], vaccine: str, language: str, version: int) -> ConsentText | None:
    """Return one version of a text, None where there is none."""
    wanted = (vaccine, language, version)
    return next((text for text in texts if (text.vaccine, text.language, text.version) == wanted), None)


@cache
def shipped() -> tuple[ConsentText, ...]:
    """Return every text beside this file, read once; raise ConsentTextFaulty when a language lacks a version."""
    texts = tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(_FOLDER.glob("*.toml")))
    for vaccine, version in sorted({(text.vaccine, text.version) for text in texts}):
        _refuse_uneven([text for text in texts if (text.vaccine, text.version) == (vaccine, version)])
    return texts


def _refuse_uneven(texts: Sequence[ConsentText]) -> None:
    """Raise unless one version stands in every language once, with the same dates and ages."""
    name = f"Version {texts[0].version} of the text for {texts[0].vaccine}"
    languages = sorted(text.language for text in texts)
    if languages != sorted(LANGUAGES):
        raise ConsentTextFaulty(f"{name} stands in {', '.join(languages)}.")
    if len({(text.valid_from, text.adult_from_age, text.child_signs_from_age) for text in texts}) > 1:
        raise ConsentTextFaulty(f"{name} has other dates or ages in another language.")
