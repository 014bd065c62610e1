"""The command ``clinic`` as a person or systemd types it; servers run in processes of their own."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from clinic_server.kit.engines import is_sqlite, writer_engine
from tests import forked
from tests.console import Clinic, console

ROOT = Path(__file__).parents[2]
PIN = "730218"


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    """A site of its own in an empty folder, on a free port, on SQLite."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CLINIC_DATABASE__URL": f"sqlite:///{tmp_path / 'clinic.db'}",
        "CLINIC_SECURITY__KEY_FILE": str(tmp_path / "site.key"),
        "CLINIC_SERVER__PORT": free_port(),
    }


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@pytest.fixture(name="url_on_each_engine")
def _url_on_each_engine(environment: dict[str, str], database_url: str) -> str:
    """The same site on the engine under test."""
    environment["CLINIC_DATABASE__URL"] = database_url
    return database_url


@pytest.fixture(name="clinic")
def _clinic(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Clinic:
    return console(environment, tmp_path, monkeypatch, capsys)


def refused_start(environment: dict[str, str], folder: Path, **changed: str) -> tuple[int, str]:
    """Start a server that refuses to, in a process of its own; return its exit code and what it said of it."""
    said = folder / "refused.log"
    said.unlink(missing_ok=True)
    settings = environment | changed
    with forked.clinic("serve", folder=folder, environment=settings, out=folder / "said.log", err=said) as server:
        return server.wait(240), said.read_text()


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the server as systemd does, and yield it with what it printed until it listened."""
    command = [sys.executable, "-m", "clinic_server", "serve"]
    with subprocess.Popen(  # noqa: S603  # our own words
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as process:
        try:
            yield process, printed_until_listening(process)
        finally:
            process.kill()


def printed_until_listening(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while not (lines and lines[-1].startswith("Listening on ")):
            assert waiting.select(timeout=120), f"The server said nothing more than {lines}."
            line = process.stdout.readline()
            assert line, f"The server ended after {lines}."
            lines.append(line.strip())
    return lines


def test_a_site_is_set_up_and_its_staff_looked_after_from_the_console(clinic: Clinic) -> None:
    made = json.loads(clinic("init", "--json").out)
    assert (made["key_is_new"], made["has_owner"]) == (True, False)
    added = clinic("user", "add", "1001", "Li Ming", "--role", "owner", "--role", "registrar", typed=f"{PIN}\n")
    assert (added.code, added.err) == (0, "")
    assert clinic("user", "revoke", "1001", "registrar").code == 0
    assert clinic("user", "grant", "1001", "site_lead").code == 0
    assert clinic("user", "reset-pin", "1001", typed="402751\n").code == 0
    [listed] = json.loads(clinic("user", "list", "--json").out)
    assert (listed["number"], listed["name"], listed["roles"]) == ("1001", "Li Ming", ["owner", "site_lead"])
    assert clinic("user", "list").out == "1001\tLi Ming\towner site_lead\n"
    verified = json.loads(clinic("verify", "--json").out)
    assert (verified["lines"], verified["records"], verified["rounds"], verified["faults"]) == (4, 7, 0, [])
    again = json.loads(clinic("init", "--json").out)
    assert (again["key_is_new"], again["has_owner"]) == (False, True)


@pytest.mark.parametrize(
    ("code", "words", "typed", "changed"),
    [
        (1, "user add 1001 Li --role owner", "123456\n", {}),
        (1, "user grant 9999 owner", "", {}),
        (2, "user grant 1001 king", "", {}),
        (2, "user add 12 Li --role owner", f"{PIN}\n", {}),
        (3, "verify", "", {"CLINIC_SERVER__PORT": "many"}),
        (3, "verify", "", {"CLINIC_DEVICES": "no list"}),
        (3, "verify", "", {"CLINIC_SECURITY__KEY_FILE": "missing.key"}),
        (3, "verify", "", {"CLINIC_DATABASE__URL": "sqlite:///missing.db"}),
        (3, "verify", "", {"CLINIC_DATABASE__URL": "postgresql://nobody@/none?host=/missing"}),
        (3, "init", "", {"CLINIC_SECURITY__KEY_FILE": "/proc/none/site.key"}),
    ],
)
def test_what_is_refused_ends_with_a_sentence_and_its_code(
    clinic: Clinic, code: int, words: str, typed: str, changed: dict[str, str]
) -> None:
    clinic("init")
    ended = clinic(*words.split(), typed=typed, **changed)
    assert (ended.code, ended.out) == (code, "")
    assert code == 2 or len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.err


def test_asking_creates_no_database_and_no_key(clinic: Clinic, tmp_path: Path) -> None:
    assert clinic("verify").code == 3
    assert clinic("user", "list").code == 3
    assert list(tmp_path.iterdir()) == []


def test_every_command_shows_an_example_and_its_exit_codes(clinic: Clinic) -> None:
    commands = ("serve", "init", "verify", "doctor")
    for words in (*commands, *(f"user {verb}" for verb in ("list", "add", "reset-pin", "grant", "revoke"))):
        shown = clinic(*words.split(), "--help").out
        assert "Example: " in shown, words
        assert "Exit codes: " in shown, words


@pytest.mark.each_engine
def test_verify_finds_a_record_altered_behind_the_servers_back(clinic: Clinic, url_on_each_engine: str) -> None:
    clinic("user", "add", "1001", "Li Ming", "--role", "owner", typed=f"{PIN}\n")
    assert clinic("verify").code == 0
    alter(url_on_each_engine, "UPDATE staff SET number = '1002'")
    verified = clinic("verify")
    assert verified.code == 1
    assert "FAULT: the records of line 1 were altered, removed or added to" in verified.out


def alter(url: str, statement: str) -> None:
    """Do by hand what the database's triggers refuse."""
    engine = writer_engine(url)
    with engine.connect() as connection:
        if is_sqlite(url):
            for name in (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            ):
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(statement))
        connection.commit()
    engine.dispose()


def test_a_key_of_no_site_or_of_another_is_refused_at_the_start(
    clinic: Clinic, environment: dict[str, str], tmp_path: Path
) -> None:
    clinic("user", "add", "1001", "Li Ming", "--role", "owner", typed=f"{PIN}\n")
    for content, said in (
        (b"short", "A site's key file has 32 bytes, this one has 5.\n"),
        (bytes(32), "The key file is not the one this database was written with.\n"),
    ):
        (tmp_path / "site.key").write_bytes(content)
        assert refused_start(environment, tmp_path) == (3, said)


@pytest.mark.usefixtures("url_on_each_engine")
def test_a_served_site_tells_its_code_until_it_has_an_owner_and_stops_at_once_with_a_page_open(
    clinic: Clinic, environment: dict[str, str], tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{environment['CLINIC_SERVER__PORT']}"
    with serving(environment, tmp_path) as (process, said):
        assert (len(said), said[1]) == (2, f"Listening on {url}")
        with httpx2.Client(base_url=url, timeout=60) as client:
            owner = {"code": said[0].removeprefix("Set-up code: "), "number": "1001", "name": "Li Ming", "pin": PIN}
            made = client.post("/api/v1/set-up", json=owner, headers={"idempotency-key": "1"})
            assert (made.status_code, "server" in made.headers) == (201, False)
            opened = client.post("/api/v1/session", json={"number": "1001", "pin": PIN, "station": "office"}).json()
            client.headers["authorization"] = f"Bearer {opened['token']}"
            assert clinic("verify").code == 0
            assert clinic("user", "revoke", "1001", "owner").code == 3
            with client.stream("GET", "/live?topics=staff") as stream:
                events = stream.iter_lines()
                next(events)
                process.send_signal(signal.SIGTERM)
                assert list(events) is not None  # it ends as it should; cut off, it would be an error
                process.wait(60)
        assert process.stderr is not None
        assert process.stderr.read() == "", "nothing had to be cut off, which is told after three seconds of waiting"
    with serving(environment, tmp_path) as (_, said):
        assert said == [f"Listening on {url}"]


@pytest.mark.usefixtures("url_on_each_engine")
@pytest.mark.each_engine
def test_a_second_server_on_one_database_or_one_port_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    with forked.serving(tmp_path, environment):
        code, said = refused_start(environment, tmp_path)
        assert (code, said.startswith("Cannot listen on 127.0.0.1 port ")) == (3, True)
        code, said = refused_start(environment, tmp_path, CLINIC_SERVER__PORT=free_port())
        assert (code, said.startswith("Another server is running on ")) == (3, True), said
