"""The machine readable zone of a travel document. Source: ICAO Doc 9303, parts 3 to 6. Pure; the day is given.

Nothing is guessed: a zero that was read as an O fails its check digit or its place, and the document is read again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from devices.errors import BadFrame
from devices.events import DocumentKind, IdCard

FILLER: Final = "<"
WEIGHTS: Final = (7, 3, 1)
SEX_CODES: Final[Mapping[str, str]] = MappingProxyType({"M": "1", "F": "2", FILLER: "9"})
EXPIRES_WITHIN_YEARS: Final = 50
A_ZONE_AHEAD: Final = timedelta(days=1)  # the site's day may have begun before the day that is given, in UTC
CHARACTERS: Final = re.compile("[A-Z0-9<]+")
COUNTRY: Final = re.compile("[A-Z]{1,3}<{0,2}")
NAMES: Final = re.compile("[A-Z<]+")
DATE: Final = re.compile("[0-9]{6}")
DATE_IN_PART: Final = re.compile("[0-9]{4}<<|[0-9]{2}<{4}|<{6}")
CHINA: Final = "CHN"
CHINAS_PERMITS: Final = (
    (frozenset({"C<", "CR"}), re.compile("[HM](?:[0-9]{8}|[0-9]{10})"), DocumentKind.HK_MACAU_TRAVEL_PERMIT),
    (frozenset({"CT"}), re.compile("[0-9]{8}"), DocumentKind.TAIWAN_TRAVEL_PERMIT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things stand when the lines are joined; the check digit of a field is the character behind it."""

    names: slice
    number: slice
    nationality: slice
    birth: slice
    sex: int
    expiry: slice
    optional: slice
    is_optional_checked: bool
    composite: tuple[slice, ...]
    composite_check: int


TD1: Final = Layout(
    names=slice(60, 90),
    number=slice(5, 14),
    nationality=slice(45, 48),
    birth=slice(30, 36),
    sex=37,
    expiry=slice(38, 44),
    optional=slice(15, 30),
    is_optional_checked=False,
    composite=(slice(5, 37), slice(38, 45), slice(48, 59)),
    composite_check=59,
)
TD2: Final = Layout(
    names=slice(5, 36),
    number=slice(36, 45),
    nationality=slice(46, 49),
    birth=slice(49, 55),
    sex=56,
    expiry=slice(57, 63),
    optional=slice(64, 71),
    is_optional_checked=False,
    composite=(slice(36, 46), slice(49, 56), slice(57, 71)),
    composite_check=71,
)
TD3: Final = Layout(
    names=slice(5, 44),
    number=slice(44, 53),
    nationality=slice(54, 57),
    birth=slice(57, 63),
    sex=64,
    expiry=slice(65, 71),
    optional=slice(72, 86),
    is_optional_checked=True,
    composite=(slice(44, 54), slice(57, 64), slice(65, 87)),
    composite_check=87,
)
LAYOUT_OF_LENGTH: Final[Mapping[int, Layout]] = MappingProxyType({90: TD1, 72: TD2, 88: TD3})


def decode(zone: str, today: date) -> IdCard:
    """Decode the joined lines of a zone. Raises BadFrame and nothing else."""
    layout = LAYOUT_OF_LENGTH.get(len(zone))
    if layout is None:
        raise BadFrame("mrz_incomplete")
    if not CHARACTERS.fullmatch(zone):
        raise BadFrame("character_unknown")
    if zone[0] == "V":
        raise BadFrame("visa")  # says who may enter, not who somebody is
    number = _number(zone, layout)
    _refuse_wrong_digits(zone, layout)
    issuer = _country(zone[2:5])
    return IdCard(
        document_kind=_kind(zone[:2], issuer, number),
        number=number,
        name="",
        latin_name=_names(zone[layout.names]),
        sex=_sex(zone[layout.sex]),
        nationality=_country(zone[layout.nationality]),
        born_on=_born_on(zone[layout.birth], today + A_ZONE_AHEAD),
        valid_until=_valid_until(zone[layout.expiry], today),
        issuing_country=issuer,
    )


def check_digit(characters: str) -> int:
    """Return the check digit of Doc 9303 part 3, 4.9: weights 7, 3, 1; A is 10, the filler is 0."""
    values = (0 if character == FILLER else int(character, 36) for character in characters)
    return sum(value * WEIGHTS[place % len(WEIGHTS)] for place, value in enumerate(values)) % 10


def _refuse_wrong_digits(zone: str, layout: Layout) -> None:
    _check_field(zone, layout.birth, "birth")
    _check_field(zone, layout.expiry, "expiry")
    if layout.is_optional_checked and zone[layout.optional.start : layout.optional.stop + 1].strip(FILLER):
        _check_field(zone, layout.optional, "optional")
    _check("".join(zone[part] for part in layout.composite), zone[layout.composite_check], "composite")


def _check(characters: str, digit: str, what: str) -> None:
    if digit != str(check_digit(characters)):
        raise BadFrame(f"{what}_check_digit")


def _check_field(zone: str, field: slice, what: str) -> None:
    _check(zone[field], zone[field.stop], what)


def _number(zone: str, layout: Layout) -> str:
    """Return the document's number; in TD1 and TD2 a long one goes on in the optional data, its check digit last."""
    number, digit = zone[layout.number], zone[layout.number.stop]
    if digit == FILLER and not layout.is_optional_checked:
        rest = zone[layout.optional].partition(FILLER)[0]
        number, digit = number + rest[:-1], rest[-1:]
    _check(number, digit, "number")
    if not (bare := number.replace(FILLER, "")):
        raise BadFrame("number_missing")
    return bare


def _kind(code: str, issuer: str, number: str) -> DocumentKind:
    if code[0] == "P":
        return DocumentKind.PASSPORT
    if issuer == CHINA:
        for codes, shape, kind in CHINAS_PERMITS:
            if code in codes and shape.fullmatch(number):
                return kind
    return DocumentKind.OTHER_TRAVEL_DOCUMENT


def _names(field: str) -> str:
    """Return the name as cards print it, `FAMILY, GIVEN NAMES`; no check digit vouches for it."""
    if not NAMES.fullmatch(field):
        raise BadFrame("name_malformed")
    family, _, given = field.strip(FILLER).partition(FILLER * 2)
    words = [" ".join(part.replace(FILLER, " ").split()) for part in (family, given)]
    if not any(words):
        raise BadFrame("name_missing")
    return ", ".join(filter(None, words))


def _country(field: str) -> str:
    if not COUNTRY.fullmatch(field):
        raise BadFrame("country_malformed")
    return field.rstrip(FILLER)


def _sex(character: str) -> str:
    if character not in SEX_CODES:
        raise BadFrame("sex_code_unknown")
    return SEX_CODES[character]


def _born_on(field: str, latest: date) -> date | None:
    """Return the latest such day that is not in the future: of a hundred years' difference the zone says nothing."""
    if DATE_IN_PART.fullmatch(field):
        return None
    century = latest.year // 100 * 100
    for day in (_day(field, century), _day(field, century - 100)):
        if day is not None and day <= latest:
            return day
    raise BadFrame("birth_date_malformed")


def _valid_until(field: str, today: date) -> date | None:
    """Return the day within the hundred years of which the last lies fifty years ahead."""
    if DATE_IN_PART.fullmatch(field):
        return None
    last = today.year + EXPIRES_WITHIN_YEARS
    day = _day(field, last // 100 * 100)
    if day is not None and day.year > last:
        day = _day(field, last // 100 * 100 - 100)
    if day is None:
        raise BadFrame("expiry_date_malformed")
    return day


def _day(field: str, century: int) -> date | None:
    if not DATE.fullmatch(field):
        return None
    try:
        return date(century + int(field[:2]), int(field[2:4]), int(field[4:]))
    except ValueError:
        return None
