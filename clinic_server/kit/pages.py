"""HTML: one Jinja environment over every slice's ``templates`` folder, and the assets they use."""

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from clinic_server.kit.clock import Clock, SystemClock
from clinic_server.kit.compiled_pages import CompiledPages, WrittenPages
from clinic_server.kit.i18n import LANGUAGES, current_language, say, say_context, say_count
from clinic_server.kit.ids import Ids
from clinic_server.kit.labels import label
from clinic_server.settings import SiteSettings

_PACKAGE = Path(__file__).parents[1]
STATIC = _PACKAGE / "static"
COMPILED = _PACKAGE / "templates" / "__pycache__"


class Pages:
    """Renders templates: ``base.html`` from the shared folder, ``check_in/desk.html`` from the slice's own."""

    def __init__(self, site: SiteSettings, clock: Clock, ids: Ids, *, demo: bool) -> None:
        self._site = site
        self._clock = clock
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(_PACKAGE / "templates"), _slice_templates()]),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a server keeps to the pages it was started with, whatever is installed meanwhile
            bytecode_cache=CompiledPages(COMPILED, Path(__file__)),
        )
        self.environment.install_gettext_callables(say, say_count, newstyle=True, pgettext=say_context)  # type: ignore[attr-defined]  # added by the i18n extension
        self.environment.globals.update(
            label=label,
            asset=asset_url,
            new_key=lambda: ids.new().hex,
            languages=LANGUAGES,
            language=current_language.get,
            site=site,
            demo=demo,
            now=clock.now,
        )
        self.environment.filters.update(clock=self.clock_time, day=self.day)

    def render(self, template: str, **context: Any) -> str:
        """Return a template's text."""
        return self.environment.get_template(template).render(**context)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a template as an answer."""
        return HTMLResponse(self.render(template, **context), status_code=status)

    def compile_ahead(self) -> None:
        """Write every template's code to where servers look for it."""
        COMPILED.mkdir(exist_ok=True)
        self.environment.bytecode_cache = WrittenPages(COMPILED, Path(__file__))
        for template in self.environment.list_templates(extensions=["html"]):
            self.environment.get_template(template)

    def clock_time(self, at: datetime) -> str:
        """Show an instant as the wall clock of the site shows it."""
        return at.astimezone(self._site.zone).strftime("%H:%M")

    def day(self, on: date | datetime) -> str:
        """Show a date unambiguously in every language."""
        if isinstance(on, datetime):
            on = on.astimezone(self._site.zone).date()
        return on.isoformat()


def _slice_templates() -> PrefixLoader:
    folders = sorted(_PACKAGE.glob("*/templates"))
    return PrefixLoader({folder.parent.name: FileSystemLoader(folder) for folder in folders})


@cache
def asset_url(path: str) -> str:
    """Return the address of a static file, with its content's digest so that browsers may keep it for ever."""
    content = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={content}"


if __name__ == "__main__":
    Pages(SiteSettings(), SystemClock(), Ids(SystemClock()), demo=False).compile_ahead()
