"""Words and tone of every stable code; the words stand in ``locale/labels.toml``, in English, for the catalogues."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

from clinic_server.kit.i18n import say

_LABELS = Path(__file__).parents[1] / "locale" / "labels.toml"


class Tone(StrEnum):
    """How a label is shown; never by colour alone."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WAIT = "wait"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Label:
    """What people read for a code: a sentence or word, its tone, and what they can do about it."""

    text: str
    tone: Tone = Tone.NEUTRAL
    fix: str = ""


def label(group: str, code: str, **facts: object) -> Label:
    """Return the label of a code in the current language, with its facts filled in."""
    known = labels()[group][code]
    return Label(say(known.text).format(**facts), known.tone, say(known.fix).format(**facts))


@cache
def labels() -> dict[str, dict[str, Label]]:
    """Return every label by group and code, in English."""
    groups = tomllib.loads(_LABELS.read_text(encoding="utf-8"))
    return {
        group: {
            code: Label(entry["text"], Tone(entry.get("tone", "neutral")), entry.get("fix", ""))
            for code, entry in entries.items()
        }
        for group, entries in groups.items()
    }


def extract(file: BufferedReader, *_babel: Any, **_options: Any) -> Iterator[tuple[int, None, str, list[str]]]:
    """Yield the sentences of ``labels.toml`` for the message catalogue (a Babel extraction method)."""
    groups = tomllib.loads(file.read().decode())
    for entries in groups.values():
        for code, entry in entries.items():
            for field in ("text", "fix"):
                if entry.get(field):
                    yield 1, None, entry[field], [code]
