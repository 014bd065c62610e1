"""How the list of a group is read: one line a person, and what may be wrong with a line."""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from clinic_server.kit.errors import Malformed, NotFound, Refused
from clinic_server.people.documents import Document
from clinic_server.people.rules import IdentityFacts, IdentityIncomplete

MOST_PEOPLE: Final = 100
MOST_LABEL_CHARACTERS: Final = 20
MOST_LIST_CHARACTERS: Final = 20_000
_BETWEEN_WORDS = re.compile(r"[\s,，、;；]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class LineFault(StrEnum):
    """Why a line of the list checks nobody in."""

    UNCLEAR = "group_line_unclear"
    NUMBER_WRONG = "group_number_wrong"
    BORN_MISSING = "group_born_missing"
    AGE_OUTSIDE = "group_age_outside"
    HERE_ALREADY = "group_here_already"


class GroupLineRefused(Refused):
    """A line of the list is refused, and with it the group; ``line`` counts from 1, the finding says why."""

    code = "group_line_refused"


class GroupTooLarge(Refused):
    """More lines than one list may have; ``most`` says how many."""

    code = "group_too_large"


class GroupListEmpty(Malformed):
    """The list names nobody."""

    code = "group_list_empty"


class GroupUnknown(NotFound):
    """No group has this id."""

    code = "group_unknown"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a group, as their line of the list states them; ``line`` counts from 1, empty lines too."""

    line: int
    stated: IdentityFacts = field(repr=False)


def members_of(listed: str) -> tuple[Member, ...]:
    """Return whom a list names, or raise for the first line that cannot be read, or for too many."""
    filled = [(number, text) for number, text in enumerate(listed.splitlines(), 1) if _words_of(text)]
    if not filled:
        raise GroupListEmpty(findings=("listed",))
    if len(filled) > MOST_PEOPLE:
        raise GroupTooLarge(most=MOST_PEOPLE)
    return tuple(Member(number, _stated(number, _words_of(text))) for number, text in filled)


def refuse_line(line: int, fault: LineFault) -> GroupLineRefused:
    """Return the refusal of a line."""
    return GroupLineRefused(findings=(fault.value, "listed"), line=line)


def _words_of(text: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(text) if word]


def _stated(line: int, words: list[str]) -> IdentityFacts:
    """Read a name, the number of a document that tells its kind, and a birth date where the number tells none."""
    born_on = _day(line, words.pop()) if _DAY.fullmatch(words[-1]) else None
    if len(words) < 2:  # noqa: PLR2004  # a name and a number
        raise refuse_line(line, LineFault.UNCLEAR)
    *names, number = words
    try:
        return IdentityFacts.stated(Document.parse(number), name=" ".join(names), born_on=born_on)
    except IdentityIncomplete:
        raise refuse_line(line, LineFault.BORN_MISSING) from None
    except Refused:
        raise refuse_line(line, LineFault.NUMBER_WRONG) from None


def _day(line: int, said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise refuse_line(line, LineFault.BORN_MISSING) from None
