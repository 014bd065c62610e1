"""The confirmations at the bench: what has to be looked at before the needle, one readable file for each list.

A list is never edited in place once a permit was given by it: a change is a new file with the next version.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import NothingInForce

_FOLDER = Path(__file__).parent
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,29}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
NATIONAL = "cn-national"


class CheckListFaulty(ValueError):
    """A check list's file says something that cannot be meant; the text names the file and the place."""


class Group(StrEnum):
    """Which part of 三查七对一验证 a confirmation belongs to; ``further`` is what a place adds."""

    CHECK = "check"
    MATCH = "match"
    VERIFY = "verify"
    FURTHER = "further"


class Compared(StrEnum):
    """What the bench shows beside a confirmation, to be compared with what the hand holds."""

    DECISION = "decision"
    DOCUMENT = "document"
    LOT_AND_EXPIRY = "lot_and_expiry"
    NAME = "name"
    AGE = "age"
    PRODUCT = "product"
    PRESENTATION = "presentation"
    DOSE = "dose"
    BODY_SITES = "body_sites"
    ROUTE = "route"
    PRODUCT_AND_EXPIRY = "product_and_expiry"
    OBSERVATION = "observation"


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact that a person at the bench confirms."""

    code: Code
    group: Group
    source: Words
    compared: Compared | None = None


class CheckList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one list."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,30}$")]
    version: Annotated[int, msgspec.Meta(ge=1, le=999)]
    jurisdiction: Words
    source: Words
    valid_from: date
    owner: Words
    sign_off: Words
    confirmation: Annotated[tuple[Confirmation, ...], msgspec.Meta(min_length=1, max_length=20)]

    @property
    def edition(self) -> str:
        """What a bench says it confirmed by: code and version in one word."""
        return f"{self.code}/{self.version}"

    @property
    def codes(self) -> tuple[str, ...]:
        """Every confirmation's code, in the order of the list."""
        return tuple(confirmation.code for confirmation in self.confirmation)


def parse(text: str, name: str) -> CheckList:
    """Return the check list a file holds, or raise CheckListFaulty naming line or key."""
    try:
        check_list = msgspec.convert(tomllib.loads(text), CheckList)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CheckListFaulty(f"{name}: {error}") from None
    if len(set(check_list.codes)) < len(check_list.codes):
        raise CheckListFaulty(f"{name}: a confirmation is there twice")
    return check_list


def active(check_lists: Iterable[CheckList], code: str, on: date) -> CheckList:
    """Return the newest version of a list that is valid on a day, or raise NothingInForce."""
    begun = [one for one in check_lists if one.code == code and one.valid_from <= on]
    if not begun:
        raise NothingInForce(what=f"check list {code}", on=f"{on}")
    return max(begun, key=lambda one: (one.valid_from, one.version))


@cache
def shipped() -> tuple[CheckList, ...]:
    """Return every list beside this file, read once."""
    return tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(_FOLDER.glob("*.toml")))
