"""Identity documents and their numbers: one normal form each, checked as far as the number itself can be checked.

A region code is never a reason to refuse anybody: codes are abolished, numbers are for life.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Self

from clinic_server.kit.errors import Refused

CHINA = "CHN"
NEWBORN_JOINS = "/"  # no document's number has it
MOST_BORN_TOGETHER = 9
_EARLIEST_BIRTH = date(1800, 1, 1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, MOD 11-2
_CHECK_CHARACTERS = "10X98765432"
_ASCII_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


class DocumentKind(StrEnum):
    """What somebody can show of themselves."""

    RESIDENT_ID = "resident_id"
    RESIDENCE_PERMIT_HK = "residence_permit_hk"
    RESIDENCE_PERMIT_MO = "residence_permit_mo"
    RESIDENCE_PERMIT_TW = "residence_permit_tw"
    FOREIGN_PERMANENT_RESIDENT_2023 = "foreign_permanent_resident_2023"
    FOREIGN_PERMANENT_RESIDENT_2017 = "foreign_permanent_resident_2017"
    TRAVEL_PERMIT_HK_MACAU = "travel_permit_hk_macau"
    TRAVEL_PERMIT_TAIWAN = "travel_permit_taiwan"
    PASSPORT = "passport"
    BIRTH_CERTIFICATE = "birth_certificate"
    MOTHERS_DOCUMENT = "mothers_document"


SHOWN_KINDS = tuple(kind for kind in DocumentKind if kind is not DocumentKind.MOTHERS_DOCUMENT)  # to be typed as such


class Sex(StrEnum):
    """GB/T 2261.1, as far as a document says."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"

    @classmethod
    def of_gbt_2261(cls, code: str) -> Self:
        """Return the sex of a card's one-digit code; 0 and 9 say nothing."""
        return cls({"1": "male", "2": "female"}.get(code, "unknown"))


class NumberRefused(Refused):
    """A document's number cannot be right; the subclasses say why."""

    code = "number_refused"


class NumberLengthWrong(NumberRefused):
    """A character too many or too few."""

    code = "number_length"


class NumberDateWrong(NumberRefused):
    """The birth date inside the number is no date."""

    code = "number_date"


class NumberCheckDigitWrong(NumberRefused):
    """The check digit does not fit the rest."""

    code = "number_check_digit"


class NumberKindUnknown(NumberRefused):
    """No document known here has such a number."""

    code = "number_kind_unknown"


class NumberKindDiffers(NumberRefused):
    """The number is valid, and belongs to another kind of document than the one stated; ``kind`` says which."""

    code = "number_kind_differs"


class IssuingCountryMissing(NumberRefused):
    """A passport needs the country that issued it, as three letters (ISO 3166-1, ICAO 9303)."""

    code = "issuing_country_missing"


class NotAMothersDocument(NumberRefused):
    """A newborn is known by the document of its mother, not by one a child has."""

    code = "not_a_mothers_document"


@dataclass(frozen=True, slots=True)
class Document:
    """One document; make it with ``parse``, ``of`` or ``of_newborn``.

    ``number`` is in its normal form: NFKC, upper case, 18 digits.
    """

    kind: DocumentKind
    number: str = field(repr=False)
    issuing_country: str = field(default=CHINA, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the document whose number alone tells its kind, or raise a NumberRefused."""
        number = _normal(text)
        for shape, read in _SHAPES.items():
            if shape.fullmatch(number):
                return cls(*read(number))
        if _ALMOST.fullmatch(number):
            raise NumberLengthWrong
        raise NumberKindUnknown

    @classmethod
    def of(cls, kind: DocumentKind, text: str, issuing_country: str = "") -> Self:
        """Return the document of a stated kind, or raise a NumberRefused."""
        lengths = _OWN_LENGTHS.get(kind)
        if lengths is None:
            document = cls.parse(text)
            if document.kind is not kind:
                raise NumberKindDiffers(kind=document.kind.value)
            return document
        country = country_code(issuing_country) if kind is DocumentKind.PASSPORT else CHINA
        if not re.fullmatch("[A-Z]{3}", country):
            raise IssuingCountryMissing
        number = _normal(text)
        if not re.fullmatch("[A-Z0-9]*", number):
            raise NumberKindUnknown
        if len(number) not in lengths:
            raise NumberLengthWrong
        return cls(kind, number, country)

    @classmethod
    def of_newborn(cls, mother: Self, born_on: date, order: int) -> Self:
        """Return what a child without a number is known by: its mother's document, its birth, and which of these.

        ``order`` counts the children of one birth from 1: what tells twins apart for good, as neither names nor
        birth dates do. The sex is no part of it: a child is not another because a sex was mistyped.
        """
        if mother.kind in {DocumentKind.BIRTH_CERTIFICATE, DocumentKind.MOTHERS_DOCUMENT}:
            raise NotAMothersDocument
        parts = (mother.kind.value.upper(), mother.person_number, f"{born_on:%Y%m%d}", str(order))
        return cls(DocumentKind.MOTHERS_DOCUMENT, NEWBORN_JOINS.join(parts), mother.issuing_country)

    @property
    def person_number(self) -> str:
        """The part that stays with the person: the last two digits of an 11-character travel permit count renewals."""
        return self.number[:9] if self.kind is DocumentKind.TRAVEL_PERMIT_HK_MACAU else self.number

    @property
    def born_on(self) -> date | None:
        """The birth date, when the number tells it in full."""
        return _date_in(self.number) if self.kind in _NUMBERED_BY_GB_11643 else None

    @property
    def sex(self) -> Sex | None:
        """The sex, when the number tells it: an odd 17th digit is male."""
        if self.kind not in _NUMBERED_BY_GB_11643:
            return None
        return Sex.MALE if int(self.number[16]) % 2 else Sex.FEMALE


def country_code(text: str) -> str:
    """Return a country as alpha-3, whatever was written; passports say D where ISO 3166-1 says DEU (ICAO 9303-3)."""
    code = _normal(text).rstrip("<")
    return "DEU" if code == "D" else code


def _normal(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).translate(_ASCII_UPPER)


def _check_character(digits: str) -> str:
    """Return the 18th character of 17 digits (GB 11643-1999, MOD 11-2)."""
    return _CHECK_CHARACTERS[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11]


def _date_in(number: str) -> date:
    try:
        born_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise NumberDateWrong from None
    if born_on < _EARLIEST_BIRTH:
        raise NumberDateWrong
    return born_on


def _read_18(number: str) -> tuple[DocumentKind, str]:
    if number[0] == "0":
        raise NumberKindUnknown
    _date_in(number)
    if number[17] != _check_character(number[:17]):
        raise NumberCheckDigitWrong
    if number[0] == "9":
        return DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, number
    return _PERMITS.get(number[:6], DocumentKind.RESIDENT_ID), number


def _read_15(number: str) -> tuple[DocumentKind, str]:
    """Read a number of the first generation: the century was left out, and there was no check digit."""
    digits = number[:6] + "19" + number[6:]
    kind, completed = _read_18(digits + _check_character(digits))
    if kind is not DocumentKind.RESIDENT_ID:  # the other kinds came later and always had 18 digits
        raise NumberLengthWrong
    return kind, completed


def _read_2017(number: str) -> tuple[DocumentKind, str]:
    """Read a 2017 permanent resident's number: its last digit is the ICAO 7-3-1 check of the rest."""
    if int(number[14]) != icao_check_digit(number[:14]):
        raise NumberCheckDigitWrong
    return DocumentKind.FOREIGN_PERMANENT_RESIDENT_2017, number


def icao_check_digit(characters: str) -> int:
    """Return the check digit of ICAO 9303-3, 4.9: weights 7, 3, 1; A is 10, the filler ``<`` is 0."""
    values = (0 if character == "<" else int(character, 36) for character in characters)
    return sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10


_PERMITS = {
    "810000": DocumentKind.RESIDENCE_PERMIT_HK,
    "820000": DocumentKind.RESIDENCE_PERMIT_MO,
    "830000": DocumentKind.RESIDENCE_PERMIT_TW,
}
_NUMBERED_BY_GB_11643 = frozenset(
    {DocumentKind.RESIDENT_ID, DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, *_PERMITS.values()}
)
_SHAPES: Mapping[re.Pattern[str], Callable[[str], tuple[DocumentKind, str]]] = {
    re.compile("[0-9]{17}[0-9X]"): _read_18,
    re.compile("[0-9]{15}"): _read_15,
    re.compile("[A-Z]{3}[0-9]{12}"): _read_2017,
    re.compile("[HM](?:[0-9]{8}|[0-9]{10})"): lambda number: (DocumentKind.TRAVEL_PERMIT_HK_MACAU, number),
    re.compile("[0-9]{8}"): lambda number: (DocumentKind.TRAVEL_PERMIT_TAIWAN, number),
}
_ALMOST = re.compile("[0-9]+X?|[A-Z]{3}[0-9]{9,}|[HM][0-9]+")
_OWN_LENGTHS = {DocumentKind.PASSPORT: range(5, 16), DocumentKind.BIRTH_CERTIFICATE: range(8, 19)}
