"""The page of patterns shows every part the screens are made of, so that a part nobody looked at cannot be added."""

import re
from pathlib import Path

from clinic_server.kit.labels import Tone

ROOT = Path(__file__).parents[2] / "clinic_server"
TEMPLATES = ROOT / "templates"
PAGE = (TEMPLATES / "patterns.html").read_text(encoding="utf-8")
FRAME = ("base", "_header", "_navigation", "_stale", "_not_live")  # of every page, this one too
OF_A_WHOLE_PAGE = {"is-stale", "no-print"}  # what a page looks like that lost its server, or is printed
MACRO = re.compile(r"\{%-? *macro (\w+)(\(.*?-?%\}.*?)\{%-? *endmacro", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def of(template: str) -> str:
    return (TEMPLATES / f"{template}.html").read_text(encoding="utf-8")


def macros() -> dict[str, str]:
    """Return what each macro writes that every page may use."""
    return dict(found for one in ("_parts", "_signature") for found in MACRO.findall(of(one)))


def shown() -> dict[str, str]:
    """Return the macros that the page calls, by itself or by another one."""
    found: dict[str, str] = {}
    looked_at = "\n".join([PAGE, *map(of, FRAME)])
    while new := {name: body for name, body in macros().items() if name not in found and f"{name}(" in looked_at}:
        found |= new
        looked_at = "\n".join(new.values())
    return found


def sheets() -> list[str]:
    """Return the sheets that every page loads."""
    listed = re.search(r"in \(([^)]*)\)", of("_styles"))
    assert listed is not None
    return re.findall(r'"(\w+)"', listed[1])


def test_every_macro_is_shown() -> None:
    assert set(macros()) - set(shown()) == set()


def test_every_class_of_the_sheets_of_every_page_is_shown() -> None:
    styled = {
        name
        for sheet in sheets()
        for name in re.findall(
            r"\.([a-z][a-z-]*)(?=[^{}]*\{)", COMMENT.sub("", (ROOT / "static" / f"{sheet}.css").read_text("utf-8"))
        )
    }
    written = "\n".join([PAGE, *map(of, FRAME), *shown().values()])
    worn = {
        word
        for told in re.findall(r'class="([^"]*(?:\{\{[^}]*\}\}[^"]*)*)"', written)
        for word in re.findall(r"[a-z-]+", told)
    } | set(re.findall(r'tone="(\w+)"', written))
    assert len(styled) > 60
    assert styled - worn - set(Tone) - OF_A_WHOLE_PAGE == set()


def test_every_tone_is_shown_as_a_notice_and_the_alarm_colour_wherever_it_is_used() -> None:
    assert "for tone in tones" in PAGE
    alarming = {
        name
        for sheet in sheets()
        for selector, rule in re.findall(
            r"([^{}]+)\{([^{}]*)\}", COMMENT.sub("", (ROOT / "static" / f"{sheet}.css").read_text("utf-8"))
        )
        if "var(--alarm)" in rule
        for name in re.findall(r"\.([a-z][a-z-]*)", selector)
    }
    assert {"stale", "unanswered"} <= alarming
    assert [name for name in sorted(alarming) if not re.search(rf'class="[^"]*\b{name}\b', PAGE)] == []
