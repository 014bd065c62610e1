"""The text of a logger's report as an outline: ``Key: value`` lines, one space of indentation for each level.

Keys nobody knows stay in it; a key that comes again (an alarm's second episode) keeps every one of its values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Entry:
    """One key with its value and what is indented below it; ``rows`` are its lines of tab-separated cells."""

    key: str
    value: str = ""
    below: list["Entry"] = field(default_factory=list)
    rows: list[tuple[str, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a text's outline; its own key is empty."""
        root = cls("")
        at_level: list[Entry] = [root]
        for line in text.splitlines():
            if line.startswith("\t"):
                at_level[-1].rows.append(tuple(cell.strip() for cell in line[1:].split("\t")))
                continue
            level = len(line) - len(line.lstrip(" "))
            del at_level[level + 1 :]
            entries = [cls(key, value) for key, value in _pairs(line.strip())]
            if entries:
                at_level[-1].below.extend(entries)
                at_level.append(entries[-1])
        return root

    def all(self, *path: str) -> Sequence["Entry"]:
        """Return every entry at a path of keys."""
        here = [self]
        for key in path:
            here = [below for one in here for below in one.below if below.key == key]
        return here

    def get(self, *path: str) -> str:
        """Return the first value at a path of keys, or nothing."""
        return next((one.value for one in self.all(*path)), "")


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Take apart what shares a line: ``Min T: 0.9, TS Min T: 2022-11-08 12:49``."""
    for part in line.split(", "):
        key, colon, value = part.partition(":")
        if colon:
            yield key.strip(), value.strip().rstrip(",")
