"""Who somebody is by what they show, how old they are, and how little of it a screen may tell."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Self
from uuid import UUID

from clinic_server.kit.errors import NotFound, Refused
from clinic_server.people.documents import NEWBORN_JOINS, Document, DocumentKind, Sex, country_code
from clinic_server.people.signatures import Relationship

MOST_NAME_CHARACTERS = 100
PHONE = r"^[0-9+][0-9 \-]+$"  # digits as they are written, a country's plus before them
PHONE_OR_NONE = f"{PHONE}|^$"
MOST_PHONE_CHARACTERS = 30
MOST_FOUND = 9  # a digit chooses each; a longer list is leafed through and not compared
_COUNTRY = re.compile("[A-Z]{3}")
_NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})  # private-use characters stay: cards have them


class Source(StrEnum):
    """How we came to know."""

    CARD = "card"
    TYPED = "typed"
    IMPORT = "import"


class LinkReason(StrEnum):
    """Why two records may be one person."""

    SAME_NAME_AND_BIRTH_DATE = "same_name_and_birth_date"


class PersonUnknown(NotFound):
    """Nobody here has this id or this document."""

    code = "person_unknown"


class TooManyAlike(Refused):
    """More people are like this than can be compared; ``most`` is how many can."""

    code = "too_many_alike"


class GuardianMissing(Refused):
    """No guardian is named with a newborn; ``findings`` name the field."""

    code = "guardian_missing"


class IdentityIncomplete(Refused):
    """Name or birth date is missing, and the number does not tell it; ``findings`` name the fields."""

    code = "identity_incomplete"


class BirthDateContradicted(Refused):
    """The birth date stated is not the one inside the number: one of them is mistyped."""

    code = "birth_date_contradicted"


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """Who somebody is by one document; make it with ``stated``. ``nationality`` is alpha-3, or empty."""

    document: Document
    name: str = field(repr=False)
    sex: Sex = field(repr=False)
    born_on: date = field(repr=False)
    latin_name: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)

    @classmethod
    def stated(  # noqa: PLR0913  # one field each of an identity card
        cls,
        document: Document,
        *,
        name: str,
        sex: Sex = Sex.UNKNOWN,
        born_on: date | None = None,
        latin_name: str = "",
        nationality: str = "",
    ) -> Self:
        """Complete what was stated with what the number tells, or raise a Refused."""
        if born_on and document.born_on and born_on != document.born_on:
            raise BirthDateContradicted
        born_on = born_on or document.born_on
        name, latin_name = tidy_name(name), tidy_name(latin_name)
        if not (name or latin_name) or born_on is None:
            raise IdentityIncomplete(findings=["born_on"] if name or latin_name else ["name"])
        if sex is Sex.UNKNOWN:
            sex = document.sex or sex
        return cls(document, name or latin_name, sex, born_on, latin_name, nationality)


@dataclass(frozen=True, slots=True)
class CardFacts(IdentityFacts):
    """What a reader tells of a card; ``valid_until`` is None on a card for life."""

    valid_until: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CardHolder:
    """Whom a card names that nobody is registered by, a foreign card or a health insurance's: it fills in the form.

    ``wanted`` is the document to ask for instead.
    """

    wanted: DocumentKind
    name: str = field(repr=False)
    sex: Sex = field(default=Sex.UNKNOWN, repr=False)
    born_on: date | None = field(default=None, repr=False)
    latin_name: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CardFault:
    """A card lies on the reader and cannot be used; ``code`` says why: a refused number, or the reader's own word."""

    code: str


def card_from(  # noqa: PLR0913  # one field each of an identity card
    *,
    number: str,
    name: str,
    latin_name: str = "",
    gbt_2261_sex: str = "",
    born_on: date | None = None,
    nationality: str = "",
    valid_until: date | None = None,
    kind: DocumentKind | None = None,
    issuing_country: str = "",
) -> CardFacts:
    """Return what a card says, its document checked, or raise a Refused; without a kind the number tells it."""
    facts = CardFacts.stated(
        Document.parse(number) if kind is None else Document.of(kind, number, issuing_country),
        name=name,
        sex=Sex.of_gbt_2261(gbt_2261_sex),
        born_on=born_on,
        latin_name=latin_name,
        nationality=_country_or_nothing(nationality),
    )
    return replace(facts, valid_until=valid_until)


def holder_from(  # noqa: PLR0913  # one field each of an identity card
    *, wanted: DocumentKind, name: str, latin_name: str, gbt_2261_sex: str, born_on: date | None, nationality: str
) -> CardHolder:
    """Return whom a card names, or raise IdentityIncomplete when it names nobody."""
    name, latin_name = tidy_name(name), tidy_name(latin_name)
    if not (name or latin_name):
        raise IdentityIncomplete(findings=["name"])
    sex = Sex.of_gbt_2261(gbt_2261_sex)
    return CardHolder(wanted, name or latin_name, sex, born_on, latin_name, _country_or_nothing(nationality))


def _country_or_nothing(nationality: str) -> str:
    """Return a nationality as a card has it, or nothing when it is no code."""
    code = country_code(nationality)
    return code if _COUNTRY.fullmatch(code) else ""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What we hold of a person: the latest demographics, and one document with its number masked."""

    name: str = field(repr=False)
    latin_name: str = field(repr=False)
    sex: Sex = field(repr=False)
    born_on: date = field(repr=False)
    nationality: str = field(repr=False)
    source: Source
    document_kind: DocumentKind
    masked_number: str = field(repr=False)

    @property
    def masked_name(self) -> str:
        """The name as public screens show it."""
        return mask_name(self.name)

    def age_on(self, day: date) -> int:
        """Return the age in full years."""
        return age_on(self.born_on, day)


@dataclass(frozen=True, slots=True)
class GuardianTold:
    """Who came with a child, as the desk was told; make it with ``of``."""

    name: str = field(repr=False)
    relationship: Relationship

    @classmethod
    def of(cls, name: str, relationship: Relationship) -> Self:
        """Return a guardian, or raise GuardianMissing where nobody is named who may be one."""
        if not name_key(name) or relationship is Relationship.SELF:
            raise GuardianMissing(findings=["guardian_name" if not name_key(name) else "relationship"])
        return cls(tidy_name(name), relationship)


@dataclass(frozen=True, slots=True)
class BirthFacts:
    """What rules ask of a person: when they were born, and their sex."""

    born_on: date = field(repr=False)
    sex: Sex = field(repr=False)

    def age_on(self, day: date) -> int:
        """Return the age in full years."""
        return age_on(self.born_on, day)


def differs_from_held(stated: IdentityFacts, held: PersonFacts) -> bool:
    """Tell whether a document says something else than what we hold; what it leaves out is no difference.

    A passport's lines know no Chinese name: the Latin one that is held is the same name.
    """
    held_names = {name_key(held.name)} | ({name_key(held.latin_name)} if stated.name == stated.latin_name else set())
    return (
        name_key(stated.name) not in held_names
        or stated.born_on != held.born_on
        or (stated.sex is not Sex.UNKNOWN and stated.sex is not held.sex)
        or bool(stated.latin_name and name_key(stated.latin_name) != name_key(held.latin_name))
        or bool(stated.nationality and stated.nationality != held.nationality)
    )


def completed_by(stated: IdentityFacts, held: PersonFacts) -> IdentityFacts:
    """Return what a document says, with what it leaves out taken from what we hold."""
    return replace(
        stated,
        sex=held.sex if stated.sex is Sex.UNKNOWN else stated.sex,
        latin_name=stated.latin_name or held.latin_name,
        nationality=stated.nationality or held.nationality,
    )


def may_replace(held: Source, new: Source) -> bool:
    """Tell whether what was read this way may stand in place of what was read that way, once confirmed."""
    return new is Source.CARD or held is not Source.CARD


def refuse_too_many(alike: Collection[UUID]) -> None:
    """Raise TooManyAlike where a search found more people than anybody compares."""
    if len(alike) > MOST_FOUND:
        raise TooManyAlike(most=MOST_FOUND)


def tidy_name(name: str) -> str:
    """Return a name with single blanks and no control characters; its letters stay as they were written."""
    return " ".join("".join(" " if unicodedata.category(sign) in _NOT_IN_NAMES else sign for sign in name).split())


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common: width, case, blanks and middle dots do not count."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] not in "PZ")


def phone_key(phone: str) -> str:
    """Return the digits two spellings of one number have in common: China's 86 and a trunk's zeros do not count."""
    digits = "".join(sign for sign in unicodedata.normalize("NFKC", phone) if sign in "+0123456789")
    return digits.replace("+", "00").removeprefix("0086").lstrip("0")


def mask_name(name: str) -> str:
    """Return a name for public screens: 王*明, 李*, and the initials of a Latin name."""
    if name.isascii() or unicodedata.name(name[0], "").startswith("LATIN"):
        return " ".join(f"{word[0]}***" for word in name.split())
    if len(name) <= 2:  # noqa: PLR2004  # surname and one character
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """Return a number for screens: 110105********002X, or less of a short one; of a newborn its mother's and which."""
    if NEWBORN_JOINS in number:
        _, mothers, _, order = number.split(NEWBORN_JOINS)
        return f"{mask_number(mothers)} {NEWBORN_JOINS} {order}"
    head, tail = (6, 4) if len(number) >= 15 else (1, 3)  # noqa: PLR2004  # numbers that hold a birth date
    if len(number) <= head + tail:
        return "*" * len(number)
    return number[:head] + "*" * (len(number) - head - tail) + number[-tail:]


def age_on(born_on: date, day: date) -> int:
    """Return full years; a year is full on the birthday itself, and on 1 March for those born on 29 February."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def age_in_months(born_on: date, day: date) -> int:
    """Return full months; one that lacks the day of birth is full on the first of the next (CDSi)."""
    return 12 * (day.year - born_on.year) + day.month - born_on.month - (day.day < born_on.day)
