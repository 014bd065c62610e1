"""run.py stands alone: any Python can read it, it says what it wants, and it does nothing twice."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN_PY = ROOT / "run.py"
INPUTS = (
    *("requirements.lock", "requirements-dev.lock", "requirements-cards.lock"),
    *("requirements-agent.lock", "requirements-tools.lock", "requirements-node.lock"),
)
WAIT_S = 90  # on a machine that has much else to do


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="bootstrap")
def _bootstrap() -> ModuleType:
    """The real run.py, imported and not started."""
    return _load(RUN_PY)


def _executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class ReadyFolder:
    """A copy of run.py in a folder where all is made already; its .venv/bin/python tells how it was called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(RUN_PY, root)
        for name in (*INPUTS, "package-lock.json"):
            shutil.copy(ROOT / name, root)
        self.python = root / ".venv" / "bin" / "python"
        _executable(self.python, f'[ "$1" = -ISc ] && exec {sys.executable} "$@"\necho "started: $PWD: $*"; exit 7')
        module = _load(root / "run.py")
        for name in module.ASSETS:
            (module.VENDOR / name).parent.mkdir(parents=True, exist_ok=True)
            (module.VENDOR / name).write_text("asset")
        (root / ".tools").mkdir()
        stamp = module.digest(module.NPM_LOCK) + repr(sorted(module.ASSETS.items()))
        (root / ".tools" / "assets.sha256").write_text(stamp)
        module.PAGES_STAMP.parent.mkdir(parents=True)
        module.PAGES_STAMP.write_text(module.pages_digest())
        self.stamp_as("dev")

    def stamp_as(self, kind: str) -> None:
        module = _load(self.root / "run.py")
        locks = module.digest(module.RUNTIME_LOCK, module.DEV_LOCK, module.CARDS_LOCK)
        (self.root / ".venv" / "locks.sha256").write_text(f"{kind}\n{module.interpreter()}\n{locks}")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Call run.py with a path on which nothing that could install anything is found."""
        nothing = self.root / "nothing"
        nothing.mkdir(exist_ok=True)
        return subprocess.run(  # noqa: S603  # our own script
            [sys.executable, str(self.root / "run.py"), *arguments],
            env={"PATH": str(nothing), "HOME": str(self.root), **environment},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> ReadyFolder:
    return ReadyFolder(tmp_path)


def _call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUN_PY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)  # noqa: S603  # ours


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_python_3_6_can_read_it_to_hear_that_it_is_too_old() -> None:
    ast.parse(RUN_PY.read_text(), feature_version=(3, 6))


def test_it_needs_the_standard_library_alone() -> None:
    assert set(_imports(ast.parse(RUN_PY.read_text()))) - set(sys.stdlib_module_names) == set()


def test_an_unknown_command_is_refused_with_the_help() -> None:
    done = _call("dmeo")
    assert done.returncode == 2
    assert "no such command: dmeo" in done.stderr
    assert "usage:" in done.stderr
    assert done.stdout == ""


def test_no_command_at_all_is_refused_with_the_help() -> None:
    done = _call()
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_the_help_goes_to_standard_output(word: str) -> None:
    done = _call(word)
    assert done.returncode == 0
    assert "exit codes:" in done.stdout
    assert done.stderr == ""


def test_every_command_is_in_the_help(bootstrap: ModuleType) -> None:
    documented = {line.split()[0] for line in bootstrap.HELP.split("examples:")[0].splitlines() if line[:2] == "  "}
    assert documented == set(bootstrap.COMMANDS) - {"set-up"}


def test_every_example_of_the_help_names_a_command(bootstrap: ModuleType) -> None:
    examples = [line.split()[2] for line in bootstrap.HELP.splitlines() if line.startswith("  python3 run.py")]
    assert examples
    assert set(examples) <= set(bootstrap.COMMANDS)


def test_the_standard_output_of_a_ready_folder_is_the_programs_own(folder: ReadyFolder) -> None:
    done = folder.run("demo", "--speed", "60")
    assert done.stdout == f"started: {folder.root}: -m clinic_server demo --speed 60\n"
    assert done.returncode == 7
    assert done.stderr == ""


def test_a_changed_lock_is_installed_before_anything_starts(folder: ReadyFolder) -> None:
    with (folder.root / "requirements.lock").open("a") as lock:
        lock.write("\n")
    done = folder.run("serve", PIP_NO_INDEX="1")
    assert "Installing Python packages" in done.stdout
    assert "started" not in done.stdout
    assert not (folder.root / ".venv" / "locks.sha256").exists(), (
        "an interrupted installation passes for a finished one"
    )


@pytest.mark.parametrize(
    ("stamp", "found", "dev", "expected"),
    [
        pytest.param("", "", False, ("runtime", True, True), id="the first run"),
        pytest.param("", "", True, ("dev", True, True), id="the first run of the tests"),
        pytest.param("runtime\n3.11 /a\nL", "3.11 /a", False, ("runtime", False, False), id="nothing to do"),
        pytest.param("dev\n3.11 /a\nL", "3.11 /a", False, ("dev", False, False), id="the developers' set serves too"),
        pytest.param("runtime\n3.11 /a\nL", "3.11 /a", True, ("dev", False, True), id="the server's set is not enough"),
        pytest.param("dev\n3.11 /a\nK", "3.11 /a", False, ("dev", False, True), id="a changed lock"),
        pytest.param("dev\n3.11 /a\nL", "3.13 /a", False, ("dev", True, True), id="an upgraded Python"),
        pytest.param("runtime\n3.11 /a\nL", "3.11 /b", False, ("runtime", True, True), id="a moved folder"),
        pytest.param("runtime\n3.11 /a\nL", "", False, ("runtime", True, True), id="a python that does not start"),
        pytest.param("", "3.11 /a", True, ("dev", False, True), id="somebody's own .venv"),
        pytest.param("dev", "3.11 /a", False, ("dev", True, True), id="a damaged stamp"),
    ],
)
def test_what_is_made_again_follows_from_the_stamp(
    bootstrap: ModuleType, stamp: str, found: str, *, dev: bool, expected: tuple[str, bool, bool]
) -> None:
    assert bootstrap.plan(stamp, found, "L", dev) == expected


@pytest.mark.parametrize(
    ("made", "dev", "cards", "expected"),
    [
        pytest.param("runtime", False, True, ("runtime+cards", True), id="a site gets a smart card reader"),
        pytest.param("runtime+cards", False, False, ("runtime+cards", False), id="and keeps it at every start"),
        pytest.param("dev", True, True, ("dev+cards", True), id="the tests after the quick checks"),
        pytest.param("dev+cards", True, False, ("dev+cards", False), id="the quick checks after the tests"),
        pytest.param("runtime+cards", True, False, ("dev+cards", True), id="the developers' set beside the cards'"),
    ],
)
def test_what_smart_cards_need_is_added_once_and_never_taken_away(
    bootstrap: ModuleType, made: str, *, dev: bool, cards: bool, expected: tuple[str, bool]
) -> None:
    wanted, new_python, new_packages = bootstrap.plan(f"{made}\n3.11 /a\nL", "3.11 /a", "L", dev, cards)
    assert (wanted, new_packages) == expected
    assert not new_python


def test_smart_cards_without_a_compiler_are_one_line_to_type_and_nothing_is_touched(folder: ReadyFolder) -> None:
    """As on a site that never compiled anything: what works goes on working."""
    script = folder.root / "run.py"
    absent = '"swig": "/usr/bin/swig"'
    assert absent in script.read_text()
    script.write_text(script.read_text().replace(absent, '"swig": "/nowhere/absent-swig"'))
    folder.stamp_as("runtime")
    done = folder.run("cards", PIP_NO_INDEX="1")
    assert done.returncode == 3
    assert [line for line in done.stderr.splitlines() if "apt-get" in line] == [done.stderr.splitlines()[-1]]
    assert "swig" in done.stderr
    assert done.stdout == ""
    assert folder.run("serve").stdout.startswith("started: ")


def test_a_folder_with_smart_cards_has_nothing_left_to_do_for_them(folder: ReadyFolder) -> None:
    folder.stamp_as("runtime+cards")
    done = folder.run("cards", PIP_NO_INDEX="1")
    assert done.returncode == 0
    assert "pcsc://" in done.stdout


def test_the_tests_have_every_peer_that_smart_cards_need(bootstrap: ModuleType) -> None:
    assert {"pcscd", "libpcsclite-dev", "swig", "gcc", "libc6-dev"} <= set(bootstrap.CARD_PEERS)
    assert "vsmartcard-vpcd" in bootstrap.PEERS
    headers = [file for name, file in bootstrap.CARD_PEERS.items() if name.startswith("python3.")]
    assert [Path(file).name for file in headers] == ["Python.h"]


def test_a_missing_asset_is_fetched_again(folder: ReadyFolder) -> None:
    (folder.root / "clinic_server" / "static" / "vendor" / "htmx.min.js").unlink()
    done = folder.run("serve", PIP_NO_INDEX="1")
    assert "Fetching what the pages load" in done.stdout
    assert done.returncode == 1


def test_a_newer_catalogue_is_compiled_and_a_compiled_one_left_alone(folder: ReadyFolder) -> None:
    catalogue = folder.root / "clinic_server" / "locale" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text("")
    _executable(folder.root / ".venv" / "bin" / "pybabel", f'echo called >> {folder.root}/calls; echo mo > "$5"')
    folder.run("set-up")
    folder.run("set-up")
    assert (folder.root / "calls").read_text() == "called\n"
    os.utime(catalogue, (2_000_000_000, 2_000_000_000))
    folder.run("set-up")
    assert (folder.root / "calls").read_text() == "called\ncalled\n"


def test_the_first_failing_check_ends_the_run_with_its_code(folder: ReadyFolder) -> None:
    for name, code in (("ruff", 0), ("mypy", 9), ("lint-imports", 0)):
        _executable(folder.root / ".venv" / "bin" / name, f"exit {code}")
    done = folder.run("check")
    assert done.returncode == 9
    outcomes = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert outcomes == ["passed", "passed", "failed", "run", "run"]
    assert "not run" in done.stdout


def test_further_arguments_of_test_go_to_pytest(folder: ReadyFolder) -> None:
    for name in ("ruff", "mypy", "lint-imports"):
        _executable(folder.root / ".venv" / "bin" / name, "exit 0")
    done = folder.run("check", "-k", "interval")
    assert done.stdout.split("started: ")[1].splitlines()[0].endswith("tests/guards -k interval")
    assert done.returncode == 7


def test_only_what_is_missing_is_asked_for(bootstrap: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    peers = {"present": f"{tmp_path}/th*", "absent": f"{tmp_path}/*/absent-program", "on-the-path": "/nowhere/sh"}
    assert bootstrap.missing_packages(peers) == ["absent"]


def test_a_peer_that_cannot_be_installed_is_named_with_the_line_to_type(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine without apt: no test may go on without its real peer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.Halt, match="apt-get install -y --no-install-recommends absent") as refused:
        bootstrap.require_peers({"absent": str(tmp_path / "absent-program")})
    assert refused.value.code == bootstrap.BY_HAND


def test_a_failure_shows_what_the_program_said(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.Halt, match="sh failed with exit code 4:\nno such luck"):
        bootstrap.quietly(["sh", "-c", "echo no such luck; exit 4"])


def test_the_systems_authorities_are_shown_to_tools_that_bring_their_own(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/site/ca.pem")
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/chosen/by/the/user.pem")
    environment = bootstrap.installer_environment()
    assert environment["NODE_EXTRA_CA_CERTS"] == "/site/ca.pem"
    assert environment["REQUESTS_CA_BUNDLE"] == "/chosen/by/the/user.pem"


def test_a_second_set_up_waits_for_the_first(folder: ReadyFolder) -> None:
    module = _load(folder.root / "run.py")
    command = [sys.executable, str(folder.root / "run.py"), "serve"]
    with module.one_at_a_time():
        second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own script
        assert second.stdout
        assert "waiting for another set-up" in second.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=0.5)
    said, _ = second.communicate(timeout=WAIT_S)
    assert "started: " in said


def test_an_interruption_ends_it_without_a_trace_back(folder: ReadyFolder) -> None:
    module = _load(folder.root / "run.py")
    command = [sys.executable, str(folder.root / "run.py"), "serve"]
    with module.one_at_a_time():
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests begun in the background ignore it
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603  # ours
        signal.signal(signal.SIGINT, before)
        assert waiting.stdout
        assert "waiting" in waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        _, complaint = waiting.communicate(timeout=WAIT_S)
    assert waiting.returncode == 130
    assert complaint == "\nrun.py: stopped\n"
