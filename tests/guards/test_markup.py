"""Whatever is typed anywhere is shown as it was typed: no page takes it for markup, no script makes markup of it."""

import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2] / "clinic_server"
TEMPLATES = sorted(ROOT.rglob("templates/**/*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
OWN_TEMPLATE_AS_MARKUP = {"wall/pages.py"}  # the banner of a frozen wall, rendered by itself
MAKES_MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|\beval\(")
UNQUOTED = re.compile(r"<[^<>{}]*\s[\w-]+=\{\{")  # an attribute whose value ends at its first blank


def _tree(template: Path) -> nodes.Template:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    return environment.parse(template.read_text(encoding="utf-8"))


def _told_safe(template: Path) -> Iterator[str]:
    """Yield what a template tells to be markup and is not written in the template itself."""
    for told in _tree(template).find_all(nodes.Filter):
        if told.name == "safe" and not isinstance(told.node, nodes.Const):
            yield f"{template.relative_to(ROOT)}: line {told.lineno}"


def test_no_template_takes_a_value_for_markup() -> None:
    assert len(TEMPLATES) > 100
    assert [line for template in TEMPLATES for line in _told_safe(template)] == []
    switched = [template.name for template in TEMPLATES if _tree(template).find(nodes.ScopedEvalContextModifier)]
    assert switched == []


def test_every_attribute_with_a_value_is_quoted() -> None:
    assert [one.name for one in TEMPLATES if UNQUOTED.search(one.read_text(encoding="utf-8"))] == []


def test_no_template_asks_for_a_role() -> None:
    """A page offers what the route itself allows (``may``), or says what the page found out; roles are the routes'."""
    asking = [one.name for one in TEMPLATES if "actor.roles" in one.read_text(encoding="utf-8")]
    assert asking == ["_navigation.html"]  # which asks what the bar holds for them


def test_no_code_makes_markup_of_what_it_is_given() -> None:
    made = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"\bMarkup\(|autoescape=False", path.read_text(encoding="utf-8"))
    }
    assert made == OWN_TEMPLATE_AS_MARKUP
    assert [script.name for script in SCRIPTS if MAKES_MARKUP.search(script.read_text(encoding="utf-8"))] == []
