"""The rules of WCAG 2.2, levels A and AA, asked of a page by axe-core."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Words in the colour they stand on are to axe only something to look at; nobody can read them.
_ASKED = """async rules => {
  const asked = {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations', 'incomplete']};
  const {violations, incomplete} = await axe.run(document, asked);
  const isUnseen = node => node.any.some(check => check.data?.messageKey === 'equalRatio');
  const unseen = incomplete.map(found => ({id: 'unseen-words', nodes: found.nodes.filter(isUnseen)}));
  return [...violations, ...unseen].filter(found => found.nodes.length)
    .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 120))]);
}"""


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


async def hindrances_on(page: Page) -> dict[str, Any]:
    """Return what a page puts in somebody's way, by axe's name for the rule, with the elements at fault."""
    await page.evaluate(_axe())
    return dict(await page.evaluate(_ASKED, _RULES))
