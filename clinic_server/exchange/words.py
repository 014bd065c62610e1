"""Headings and listed words as people write them: each has one stable code and a label in every language."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import TypeVar

from clinic_server.exchange.rules import Column, heading_key
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.kit.labels import label

ListT = TypeVar("ListT", bound=StrEnum)


@cache
def headings() -> Mapping[str, Column]:
    """Return the columns by every heading they may have."""
    return words_of(Column, "column")


@cache
def words_of(listed: type[ListT], group: str) -> Mapping[str, ListT]:
    """Return the values of a closed list by their codes and by their labels in every language."""
    return {heading_key(word): one for one in listed for word in (one.value, *_in_every_language(group, one))}


def _in_every_language(group: str, code: str) -> list[str]:
    spoken = []
    for language in LANGUAGES:
        before = current_language.set(language)
        spoken.append(label(group, code).text)
        current_language.reset(before)
    return spoken
