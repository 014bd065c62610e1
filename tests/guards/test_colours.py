"""Every pair of colours that carries words keeps the contrast of WCAG 2.2 AA."""

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).parents[2] / "clinic_server" / "static" / "tokens.css"
COLOURS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", STYLE.read_text(encoding="utf-8")))
WORDS_ON = [
    *(("ink", ground) for ground in ("paper", "surface", "sunk")),
    *(("ink-soft", ground) for ground in ("paper", "surface", "sunk")),
    *((tone, f"{tone}-wash") for tone in ("good", "wait", "warn", "stop", "neutral")),
    ("surface", "brand"),
    ("surface", "brand-deep"),
    ("surface", "good"),
    ("brand-deep", "brand-wash"),
    ("alarm-ink", "alarm"),
    ("rehearsal-ink", "rehearsal"),
    ("stop", "surface"),
    ("ink", "stop-wash"),
]
DARK = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (STYLE.parent / "wall.css").read_text(encoding="utf-8")))
WORDS_IN_THE_DARK = [
    ("ink", "surface"),
    ("ink-soft", "surface"),
    ("ink-soft", "paper"),
    ("brand", "surface"),
    ("brand", "paper"),
    ("brand-deep", "surface"),
    ("ink", "wait-wash"),
    ("wait", "wait-wash"),
    ("warn", "paper"),
]
EDGES_ON = [("line-control", "surface"), ("line-control", "paper"), ("focus", "surface"), ("focus", "paper")]


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str, colours: dict[str, str] = COLOURS) -> float:
    lighter, darker = sorted((_luminance(colours[one]), _luminance(colours[other])), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("words", "ground"), WORDS_ON)
def test_words_stand_out_from_their_ground(words: str, ground: str) -> None:
    assert _contrast(words, ground) >= 4.5


@pytest.mark.parametrize(("edge", "ground"), EDGES_ON)
def test_edges_of_controls_stand_out(edge: str, ground: str) -> None:
    assert _contrast(edge, ground) >= 3


@pytest.mark.parametrize(("words", "ground"), WORDS_IN_THE_DARK)
def test_words_stand_out_on_a_dark_wall(words: str, ground: str) -> None:
    assert _contrast(words, ground, DARK) >= 4.5
