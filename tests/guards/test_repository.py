"""What the repository promises as a whole: layout, sizes, names, and no trace of the machine it was written on."""

import ast
import fnmatch
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUR_CODE = ("clinic_server", "devices", "firmware_stubs")
FOLDERS = {".ci", "clinic_server", "deploy", "devices", "firmware_stubs", "tests"}
ROOT_FILES = {
    *(".editorconfig", ".gitattributes", ".gitignore", ".npmrc"),
    *("CHANGELOG.md", "DECISIONS.md", "LICENSE", "README.md", "README.zh-CN.md", "SECURITY.md"),
    "babel.cfg",
    *("package-lock.json", "package.json", "pyproject.toml", "run.py", "site.env.example"),
    *("requirements.lock", "requirements-dev.lock", "requirements-cards.lock"),
    *("requirements-agent.lock", "requirements-tools.lock", "requirements-node.lock"),
    "requirements-mutation.lock",
}
LOCKS = [*sorted(ROOT.glob("requirements*.lock")), ROOT / "package-lock.json"]

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50
EMPTY_NAMES = {"common", "data", "helper", "helpers", "info", "manager", "managers", "misc", "service", "services"} | {
    *("util", "utils", "processor", "handler", "handlers")
}
INHERITED_NAMES = {"handle_exit", "handle_error", "handle_RCPT", "handle_DATA"}  # of uvicorn, socketserver and aiosmtpd
# In pieces, because this file is read as well.
REGISTRIES = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("npmmirror", "com"))
]


def _ignored(relative: str, *, is_folder: bool) -> bool:
    """Apply our own .gitignore, which keeps to anchored names and name patterns, also where there is no git."""
    for line in (ROOT / ".gitignore").read_text().split():
        pattern = line.strip("/")
        name = relative if line.startswith("/") else relative.rsplit("/", 1)[-1]
        if fnmatch.fnmatch(name, pattern) and (is_folder or not line.endswith("/")):
            return True
    return False


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        relative = path.relative_to(ROOT).as_posix()
        if relative == ".git" or _ignored(relative, is_folder=path.is_dir()):
            continue
        yield from _walk(path) if path.is_dir() else [path]


def _text(path: Path) -> str | None:
    """Return a text file's text, or None for a binary one."""
    content = path.read_bytes()
    return None if b"\0" in content else content.decode()


def _texts() -> Iterator[tuple[str, str]]:
    for path in _walk(ROOT):
        text = _text(path)
        if text is not None:
            yield path.relative_to(ROOT).as_posix(), text


def _our_modules() -> list[Path]:
    """Return what people write and read; Alembic writes the migrations."""
    modules = [path for folder in OUR_CODE for path in _walk(ROOT / folder) if path.suffix == ".py"]
    return [path for path in modules if path.parent != ROOT / "clinic_server" / "migrations" / "versions"]


def _long_functions(path: Path) -> list[str]:
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = ((node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for name, lines in lengths
        if lines > MOST_LINES_OF_A_FUNCTION
    ]


def test_the_top_level_is_the_layout_and_nothing_else() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in _walk(ROOT)}
    assert found == FOLDERS | ROOT_FILES


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    """Neither anybody's home, nor where this checkout lies unless that is where a site is told to put it."""
    here = {str(ROOT), str(Path.home())} - {"/opt/clinic-server", "/var/lib/clinic-server", "/"}
    personal = re.compile(
        "|".join([r"/(?:home|Users)/\w", r"C:\\Users", *(rf"{re.escape(place)}\b" for place in here)])
    )
    assert [f"{name}: {found[0]}" for name, text in _texts() for found in personal.finditer(text)] == []


def test_a_readme_shows_small_pictures_that_are_there_and_every_one_is_shown() -> None:
    folder = ROOT / "tests" / "pages" / "readme"
    shown = [
        (ROOT / named).relative_to(folder).name
        for readme in ("README.md", "README.zh-CN.md")
        for named in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / readme).read_text())
    ]
    bytes_of = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sorted(shown) == sorted(bytes_of)
    assert max(bytes_of.values()) < 150_000


def test_no_file_names_a_package_registry() -> None:
    assert [f"{name}: {host}" for name, text in _texts() for host in REGISTRIES if host in text] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "sha512-" in text if lock.suffix == ".json" else "--hash=sha256:" in text


def test_the_npm_lock_does_not_say_where_a_package_came_from() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in packages.items() if name}
    assert fetched
    assert [name for name, entry in fetched.items() if "resolved" in entry or "integrity" not in entry] == []


def test_the_assets_are_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    wanted = package["dependencies"] | package["devDependencies"]
    assert [version for version in wanted.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][^\s;=]*==[^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_developers_lock_contains_the_servers_lock() -> None:
    assert _pins("requirements.lock")
    assert _pins("requirements.lock") - _pins("requirements-dev.lock") == set()


def test_what_is_compiled_on_linux_is_locked_apart_and_is_what_the_extras_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    assert extras["cards"] == project["dependency-groups"]["cards"]
    assert _pins("requirements-cards.lock") & _pins("requirements-dev.lock") == set()


def test_every_dependency_that_is_asked_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {"requirements.lock": project["project"]["dependencies"]}
    groups |= {"requirements-dev.lock": project["dependency-groups"]["dev"]}
    others = ("agent", "cards", "tools", "node", "mutation")
    groups |= {f"requirements-{name}.lock": project["dependency-groups"][name] for name in others}
    for lock, wanted in groups.items():
        names = {re.split(r"[\[<>=!; ]", requirement)[0] for requirement in wanted}
        assert names - {pin.split("==")[0] for pin in _pins(lock)} == set(), lock


def test_the_program_of_desk_pcs_is_built_of_what_its_wheel_asks_for_in_this_version() -> None:
    wheel = tomllib.loads((ROOT / "deploy" / "agent" / "pyproject.toml").read_text())["project"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(wheel["dependencies"]) - set(project["dependency-groups"]["agent"]) == set()
    assert set(wheel["dependencies"]) - set(project["project"]["dependencies"]) == set()
    assert wheel["optional-dependencies"].items() <= project["project"]["optional-dependencies"].items()
    assert wheel["scripts"].items() <= project["project"]["scripts"].items()
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "devices/agent/__init__.py").read_text(), re.MULTILINE)
    assert version
    assert version[1] == project["project"]["version"]


def test_every_text_ends_with_a_newline_and_has_no_carriage_return() -> None:
    wrong = [name for name, text in _texts() if text and (not text.endswith("\n") or "\r" in text)]
    assert wrong == []


def test_no_file_of_ours_is_longer_than_400_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in _our_modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_of_ours_is_longer_than_50_lines() -> None:
    assert [line for path in [*_our_modules(), ROOT / "run.py"] for line in _long_functions(path)] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {path: {path.stem, *path.relative_to(ROOT).parts[:-1]} for path in _our_modules()}
    assert [str(path.relative_to(ROOT)) for path, parts in names.items() if parts & EMPTY_NAMES] == []


def test_no_function_is_called_handle_something() -> None:
    functions = [
        (path, node.name)
        for path in _our_modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    named = [(path, name) for path, name in functions if name.lstrip("_").startswith("handle_")]
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in named if name not in INHERITED_NAMES] == []


def test_only_the_database_module_commits() -> None:
    """One request is one transaction, and nobody below it may end it."""
    committing = {
        path.relative_to(ROOT).as_posix()
        for path in _our_modules()
        if path.is_relative_to(ROOT / "clinic_server") and ".commit(" in path.read_text()
    }
    assert committing == {"clinic_server/kit/db.py"}


def test_the_first_command_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"python3 run\.py (\S+)", readme)
    assert found
    assert re.search(rf"^  {found[1].strip('`')} ", (ROOT / "run.py").read_text(), re.MULTILINE)


def test_the_changelog_speaks_of_this_version_or_the_next() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {version, "Unreleased"} & set(headings)


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec python3 run.py test"
    assert "python3 run.py test" in (ROOT / "README.md").read_text()
