"""Templates are compiled at set-up; what was made from another text, or in another way, is never shown."""

from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader
from jinja2.bccache import Bucket

from clinic_server.kit import pages
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.compiled_pages import CompiledPages, WrittenPages
from clinic_server.kit.ids import Ids
from clinic_server.kit.pages import Pages
from clinic_server.settings import SiteSettings


class Folder:
    """One template, the file that says how it is compiled, and the place of what was compiled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.compiled = root / "compiled"
        self.compiled.mkdir()
        self.write("a page")
        self.maker.write_text("in one way")
        self._load(WrittenPages).get_template("page.html")

    @property
    def maker(self) -> Path:
        return self.root / "maker"

    def write(self, text: str) -> None:
        (self.root / "page.html").write_text(text)

    def is_compiled(self) -> bool:
        """Whether a server finds the template's code made already."""
        environment = self._load(CompiledPages)
        assert environment.bytecode_cache is not None
        source, name, _ = FileSystemLoader(self.root).get_source(environment, "page.html")
        return environment.bytecode_cache.get_bucket(environment, "page.html", name, source).code is not None

    def shown(self) -> str:
        return self._load(CompiledPages).get_template("page.html").render()

    def _load(self, kept: type[WrittenPages]) -> Environment:
        return Environment(
            loader=FileSystemLoader(self.root), autoescape=True, bytecode_cache=kept(self.compiled, self.maker)
        )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class Noting(CompiledPages):
    """Notes what a server has to compile for itself."""

    def __init__(self) -> None:
        super().__init__(pages.COMPILED, Path(pages.__file__))
        self.missing: list[str] = []

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.missing.append(bucket.key)


def test_every_template_of_the_house_is_compiled_at_set_up() -> None:
    environment = Pages(SiteSettings(), SystemClock(), Ids(SystemClock()), demo=False).environment
    environment.bytecode_cache = noted = Noting()
    names = environment.list_templates(extensions=["html"])
    for name in names:
        environment.get_template(name)
    assert len(names) > 100
    assert noted.missing == [], "changed since `python3 run.py set-up`"


def test_a_changed_template_is_shown_as_it_is_now_and_no_server_writes_its_code(folder: Folder) -> None:
    assert folder.is_compiled()
    before = {path: path.read_bytes() for path in folder.compiled.iterdir()}
    folder.write("another page")
    assert folder.shown() == "another page"
    assert not folder.is_compiled()
    assert {path: path.read_bytes() for path in folder.compiled.iterdir()} == before


def test_code_made_in_another_way_is_not_taken(folder: Folder) -> None:
    folder.maker.write_text("in another way")
    assert not folder.is_compiled()


def test_torn_code_is_not_taken(folder: Folder) -> None:
    for path in folder.compiled.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    assert folder.shown() == "a page"
