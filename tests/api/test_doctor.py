"""``clinic doctor``: each fault is provoked for real and named with its fix; a healthy site is told it is one."""

import ast
import asyncio
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import serial
from paho.mqtt import publish
from sqlalchemy import text

from clinic_server.command import main
from clinic_server.doctor import hardware, machine
from clinic_server.kit.engines import writer_engine
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.kit.labels import Tone, labels
from devices.adapter import DeviceSpec
from devices.events import DeviceState, TemperatureMeasured
from devices.supervisor import Supervisor
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from tests.devices.parts import Receiver
from tests.forked import serving
from tests.peers import free_port, mosquitto

ROOT = Path(__file__).parents[2]
SECRET = "open-sesame"
NOBODY = 65534


@dataclass(frozen=True)
class Report:
    """What the doctor said, by its codes."""

    code: int
    printed: str
    checks: dict[str, dict[str, str]]

    def fix_of(self, code: str) -> str:
        return self.checks[code]["fix"]


Doctor = Callable[..., Report]


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    """A site of its own in an empty folder, on a free port, on SQLite."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CLINIC_SITE__NAME": "东门接种点",
        "CLINIC_DATABASE__URL": f"sqlite:///{tmp_path / 'clinic.db'}",
        "CLINIC_SECURITY__KEY_FILE": str(tmp_path / "site.key"),
        "CLINIC_SERVER__PORT": str(free_port()),
    }


@pytest.fixture(name="clinic")
def _clinic(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run ``clinic WORDS`` in this process and this site."""

    def clinic(*words: str, **changed: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patched:
            for name, value in (environment | changed).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["clinic", *words])
            patched.chdir(environment.get("PWD", tmp_path))
            with pytest.raises(SystemExit) as ended:
                copy_context().run(main)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return clinic


@pytest.fixture(name="doctor")
def _doctor(clinic: Callable[..., tuple[int, str, str]]) -> Doctor:
    def doctor(*devices: dict[str, object], **changed: str) -> Report:
        listed = {"CLINIC_DEVICES": json.dumps(devices)} if devices else {}
        code, out, err = clinic("doctor", "--json", "--language", "en", **listed, **changed)
        assert err == ""
        return Report(code, out, {check["code"]: check for check in json.loads(out)["checks"]})

    return doctor


@pytest.fixture(name="site")
def _site(clinic: Callable[..., tuple[int, str, str]], blank_sqlite: Path, tmp_path: Path) -> None:
    """A site that was set up."""
    shutil.copy(blank_sqlite, tmp_path / "clinic.db")
    assert clinic("init")[0] == 0


def device(kind: str, url: str, **options: str) -> dict[str, object]:
    return {"device_id": "desk-1", "kind": kind, "url": url, "options": options}


@contextmanager
def as_nobody_special() -> Iterator[None]:
    """Root may read and write everything; for a moment we are somebody else."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=False)
@pytest.mark.usefixtures("engine")
def test_a_healthy_site_is_told_so(doctor: Doctor, clinic: Callable[..., object], database_url: str) -> None:
    clinic("init", CLINIC_DATABASE__URL=database_url)
    with PtyPlug() as plug:
        IdCardReaderStub(plug)
        report = doctor(device("id_card_reader", plug.url), CLINIC_DATABASE__URL=database_url)
    good = {code for code, check in report.checks.items() if check["verdict"] == "good"}
    wanted = {"versions_good", "parts_good", "settings_good", "zone_good", "key_good", "schema_current"}
    assert good >= wanted | {"database_free", "disk_good", "address_free", "device_answers"}
    assert set(report.checks) - good <= {"clock_alone", "group_missing", "found", "found_not_permitted", "backup_none"}
    assert report.code == 0


def test_a_site_not_set_up_is_warned_and_nothing_is_made(doctor: Doctor, tmp_path: Path) -> None:
    report = doctor()
    assert report.code == 0
    assert {"key_missing", "database_missing"} <= set(report.checks)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("CLINIC_SERVER__PORT", SECRET, "settings_wrong"),
        ("CLINIC_DEVICES", SECRET, "settings_wrong"),
        ("CLINIC_SITE__TIME_ZONE", "Mars/Base", "zone_unknown"),
        ("CLINIC_DATABASE__URL", "postgresql://nobody@/none?host=/missing", "database_unreachable"),
        ("CLINIC_DATABASE__URL", SECRET, "database_unreachable"),
        ("CLINIC_SERVER__HOST", "192.0.2.1", "address_unusable"),
    ],
)
def test_a_setting_that_cannot_work_is_named_without_its_value(
    doctor: Doctor, setting: str, value: str, code: str
) -> None:
    report = doctor(**{setting: value})
    assert (report.code, report.checks[code]["verdict"]) == (1, "stop")
    assert report.fix_of(code)
    assert SECRET not in report.printed
    assert (
        code != "settings_wrong" or setting.partition("__")[0].removeprefix("CLINIC_").lower() in report.printed.lower()
    )


@pytest.mark.usefixtures("site")
def test_the_key_is_looked_at_closely(doctor: Doctor, clinic: Callable[..., object], tmp_path: Path) -> None:
    key = tmp_path / "site.key"
    key.chmod(0o644)
    assert "chmod 600" in doctor().fix_of("key_exposed")
    key.chmod(0o600)
    key.write_bytes(b"short")
    assert "key_unusable" in doctor().checks
    write_a_line(clinic, key)
    key.write_bytes(bytes(32))
    report = doctor()
    assert (report.code, "key_wrong" in report.checks) == (1, True)
    key.unlink()
    assert "key_lost" in doctor().checks
    assert not key.exists()


def write_a_line(clinic: Callable[..., object], key: Path) -> None:
    """Write a journal line with a key of its own."""
    key.write_bytes(bytes(range(32)))
    typed, sys.stdin = sys.stdin, io.StringIO("730218\n")
    try:
        clinic("user", "add", "1001", "Li Ming", "--role", "owner")
    finally:
        sys.stdin = typed


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema_newer"),
        ("UPDATE alembic_version SET version_num = '0001'", "schema_older"),
        ("DELETE FROM alembic_version", "schema_none"),
    ],
)
def test_a_database_of_another_version_is_told(
    doctor: Doctor, environment: dict[str, str], statement: str, code: str
) -> None:
    engine = writer_engine(environment["CLINIC_DATABASE__URL"])
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    report = doctor()
    assert (code in report.checks, report.code) == (True, int(code == "schema_newer"))


@pytest.mark.usefixtures("site")
def test_a_file_that_is_no_database_is_told(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "clinic.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert doctor().checks["database_unreachable"]["verdict"] == "stop"


def test_a_user_who_may_not_is_told_what_to_be_given(doctor: Doctor, open_site: Path) -> None:
    with as_nobody_special():
        report = doctor()
    assert {"folder_not_writable", "key_unusable"} <= set(report.checks)
    assert report.code == 1
    (open_site / "site.env").write_text(f"CLINIC_SITE__CODE={SECRET}\n")
    (open_site / "site.env").chmod(0)
    with as_nobody_special():
        report = doctor()
    assert (report.code, report.checks["settings_unreadable"]["verdict"]) == (1, "stop")


@pytest.fixture(name="open_site")
def _open_site(environment: dict[str, str], clinic: Callable[..., object], doctor: Doctor) -> Iterator[Path]:
    """A site in a folder everybody may look into, looked at once: what is imported late is imported now."""
    with tempfile.TemporaryDirectory(prefix="clinic-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        environment |= {
            "PWD": name,
            "CLINIC_DATABASE__URL": f"sqlite:///{folder / 'clinic.db'}",
            "CLINIC_SECURITY__KEY_FILE": str(folder / "site.key"),
        }
        clinic("init")
        doctor()
        yield folder


def test_a_clock_of_another_year_or_behind_the_last_record_is_told() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert machine.clock(datetime(1970, 1, 1, 0, 5, tzinfo=UTC), None).code == "clock_wrong"
    assert machine.clock(now, now + timedelta(hours=1)).code == "clock_behind_journal"
    assert machine.clock(now, now - timedelta(hours=1)).code in {"clock_good", "clock_alone"}


def test_a_disk_is_told_before_it_is_full(tmp_path: Path) -> None:
    assert machine.folder(tmp_path, low_bytes=0, full_bytes=0).code == "disk_good"
    assert machine.folder(tmp_path, low_bytes=1 << 60, full_bytes=0).code == "disk_low"
    assert machine.folder(tmp_path, low_bytes=1 << 60, full_bytes=1 << 60).code == "disk_full"
    assert machine.folder(tmp_path / "none").code == "folder_missing"


@pytest.mark.usefixtures("site")
def test_another_program_at_the_servers_address_is_told(doctor: Doctor, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["CLINIC_SERVER__PORT"]))):
        report = doctor()
    assert (report.code, report.checks["address_unusable"]["verdict"]) == (1, "stop")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=False)
@pytest.mark.usefixtures("engine")
def test_a_running_server_is_seen_and_its_devices_are_left_alone(
    doctor: Doctor, environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    environment["CLINIC_DATABASE__URL"] = database_url
    with PtyPlug() as plug:
        scanner = BarcodeScannerStub(plug)
        with serving(tmp_path, environment):
            report = doctor(device("barcode_scanner", plug.url))
        assert scanner.heard == b""
    assert {"database_served", "address_served", "device_left_alone"} <= set(report.checks)
    assert report.code == 0


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (device("toaster", "serial:///dev/ttyNONE9"), "device_wrong"),
        (device("barcode_scanner", "serial:///dev/ttyNONE9", sound="loud"), "device_wrong"),
        (device("barcode_scanner", "tcp://host:port"), "device_wrong"),
        (device("id_card_reader", "serial:///dev/ttyNONE9?baud=115200"), "device_port_missing"),
        (device("receipt_printer", "file:///dev/usb/lp99"), "device_port_missing"),
        (device("receipt_printer", "tcp://127.0.0.1:9"), "device_unwell"),
        (device("fridge_probe", f"mqtt://clinic:{SECRET}@127.0.0.1:9"), "broker_unreachable"),
    ],
)
def test_a_device_that_cannot_work_is_named_with_its_fix(doctor: Doctor, listed: dict[str, object], code: str) -> None:
    report = doctor(listed)
    assert (report.code, report.checks[code]["facts"]["device"]) == (1, "desk-1")  # type: ignore[index]
    assert report.fix_of(code)
    assert SECRET not in report.printed


@pytest.mark.usefixtures("site")
def test_a_reader_that_is_silent_or_taken_or_pulled_out_is_told(doctor: Doctor) -> None:
    with PtyPlug() as plug:
        reader = device("id_card_reader", plug.url)
        assert "device_silent" in doctor(reader).checks
        with serial.Serial(plug.path, exclusive=True):
            assert "device_port_taken" in doctor(reader).checks
        plug.connect(lambda _: plug.unplug(abrupt=True))
        assert doctor(reader).checks["device_unwell"]["facts"]["detail"] == "link_lost: unplugged"  # type: ignore[index]
        assert "device_port_missing" in doctor(reader).checks


@pytest.mark.usefixtures("open_site")
def test_a_port_closed_to_us_is_told_with_the_group_that_opens_it(doctor: Doctor) -> None:
    with PtyPlug() as plug:
        node = Path(plug.path).resolve()
        node.chmod(0)
        with as_nobody_special():
            report = doctor(device("barcode_scanner", f"serial://{node}"))
    assert "dialout" in report.fix_of("device_not_permitted")
    assert report.checks["group_missing"]["facts"]["owner"] == "dialout"  # type: ignore[index]


@pytest.mark.usefixtures("site")
def test_a_broker_is_asked_as_somebody_else_and_keeps_what_is_the_servers(doctor: Doctor) -> None:
    with mosquitto() as url:
        assert asyncio.run(readings_heard(url, wanted=0)) == []
        publish.single("cc/v1/fridge-1/reading", READING, qos=1, hostname="127.0.0.1", port=urlsplit(url).port or 0)
        report = doctor(device("fridge_probe", url))
        assert ("device_answers" in report.checks, report.code) == (True, 0)
        assert asyncio.run(readings_heard(url, wanted=1)) == [4200]


READING = '{"v":1,"dev":"fridge-1","boot":1,"seq":1,"ts":1770000000,"up":1,"mC":4200,"err":false}'


async def readings_heard(url: str, wanted: int) -> list[int | None]:
    """Be the server's own subscription until it is connected and has heard so much."""
    receiver = Receiver()
    async with Supervisor([DeviceSpec("desk-1", "fridge_probe", url)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        return [(await receiver.next_of(TemperatureMeasured)).sample.milli_celsius for _ in range(wanted)]


@pytest.mark.usefixtures("site")
def test_a_broker_that_refuses_is_told(doctor: Doctor, tmp_path: Path) -> None:
    configuration, port = tmp_path / "mosquitto.conf", free_port()
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\nlog_dest none\n")
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    command = [program or "mosquitto", "-c", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as broker:  # noqa: S603  # our own words
        try:
            wait_for(port)
            report = doctor(device("fridge_probe", f"mqtt://clinic:{SECRET}@127.0.0.1:{port}"))
        finally:
            broker.kill()
    assert "password" in report.fix_of("broker_refuses")
    assert SECRET not in report.printed


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
    pytest.fail("mosquitto never listened")


def test_a_service_is_running_when_somebody_answers_at_its_socket(tmp_path: Path) -> None:
    place = tmp_path / "pcscd.comm"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        assert hardware._listens_at(place)
    assert not hardware._listens_at(place)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("language", LANGUAGES)
def test_people_read_it_in_their_language(clinic: Callable[..., tuple[int, str, str]], language: str) -> None:
    code, out, _ = clinic("doctor", "--language", language, CLINIC_SITE__TIME_ZONE="Mars/Base")
    shown = copy_context().run(lambda: (current_language.set(language), machine.time_zone("Mars/Base").words)[1])
    assert shown.text in out
    assert f"→ {shown.fix}" in out
    assert code == 1


def test_a_language_nobody_speaks_here_is_a_typing_mistake(clinic: Callable[..., tuple[int, str, str]]) -> None:
    assert clinic("doctor", "--language", "xx")[0] == 2


def test_everything_the_doctor_can_say_has_words_and_no_words_are_left_over() -> None:
    calls, constants = set(), set()
    for path in sorted((ROOT / "clinic_server" / "doctor").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "said" and node.args:
                calls |= {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    known = labels()["doctor"]
    assert {call for call in calls if isinstance(call, str) and "_" in call and ": " not in call} - set(known) == set()
    assert set(known) - constants == set()
    assert all(one.fix for one in known.values() if one.tone is not Tone.GOOD)
    assert set(labels()["doctor_verdict"]) == {"good", "warn", "stop"}
