"""The bench for real hardware, proved on stubs in processes of their own: a program answers in the person's stead."""

import os
import re
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.devices.bench import spec_of

ROOT = Path(__file__).parents[2]
ASKED = re.compile(rb">>> (.*?) Then press Enter: ")
Act = Callable[[str], None]
ACTS = {
    "barcode_scanner": {"Scan": "scan 81234567890123456789", "Unplug": "unplug", "Pull": "unplug", "Plug": "plug"},
    "id_card_reader": {"Take off": "lay {time}", "Unplug": "unplug", "Pull": "unplug", "Plug": "plug"},
    "receipt_printer": {"A slip": "paper in", "Unplug": "unplug", "Pull": "unplug", "Plug": "plug"},
}


@contextmanager
def hardware(kind: str) -> Iterator[tuple[str, Act]]:
    """A stub that knows nothing of the tests: its address, and what does one order to it."""
    command = [sys.executable, "-m", f"firmware_stubs.{kind}.stub"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=-1, stdout=-1) as stub:  # noqa: S603 - our own words
        assert stub.stdin is not None
        assert stub.stdout is not None
        orders, said = stub.stdin, stub.stdout
        url = said.readline().strip()

        def act(order: str) -> None:
            orders.write(order + "\n")
            orders.flush()
            assert next(line for line in said if line in {"done\n", "not understood\n"}) == "done\n"

        try:
            yield url, act
        finally:  # before anything waits for it: what ends badly must end, too
            stub.kill()


@contextmanager
def person(does: Act) -> Iterator[str]:
    """Somebody at a terminal who does what is asked and presses Enter."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    sitting = Thread(target=_sit, args=(ours, does), daemon=True)
    sitting.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(theirs)
        sitting.join(timeout=5)
        os.close(ours)


def _sit(terminal: int, does: Act) -> None:
    heard = b""
    while True:
        try:
            heard += os.read(terminal, 1024)
        except OSError:  # the terminal is taken away
            return
        if asked := ASKED.search(heard):
            heard = b""
            does(asked[1].decode())
            os.write(terminal, b"\n")


def conformance(kind: str, url: str, terminal: str, patience_s: int = 5) -> tuple[int, str]:
    """Run the suite as a person would type it; return its exit code and last line."""
    command = [sys.executable, "-m", "pytest", "tests/devices/test_conformance.py", "-q", "-k", "bench", "-n0"]
    command += [
        "--bench-device",
        f"{kind}={url}",
        "--bench-terminal",
        terminal,
        "--bench-patience",
        str(patience_s),
        "-p",
        "no:cacheprovider",
    ]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env=plain, stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=100, check=False
    )
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("kind", ACTS)
def test_the_suite_runs_on_hardware_with_a_person_who_does_what_is_asked(kind: str) -> None:
    asked: list[str] = []
    with hardware(kind) as (url, act):

        def does(what: str) -> None:
            asked.append(what)
            order = next(order for begins, order in ACTS[kind].items() if what.startswith(begins))
            act(order.format(time=len(asked)))  # another card each time

        with person(does) as terminal:
            code, said = conformance(kind, url, terminal)
    assert (code, said.startswith("4 passed")) == (0, True), said
    assert {what.split()[0] for what in asked} == {begins.split()[0] for begins in ACTS[kind]}


def test_a_device_that_does_not_speak_fails_the_suite() -> None:
    with hardware("barcode_scanner") as (url, act):

        def does(what: str) -> None:
            if not what.startswith("Scan"):
                act(next(order for begins, order in ACTS["barcode_scanner"].items() if what.startswith(begins)))

        with person(does) as terminal:
            code, said = conformance("barcode_scanner", url + ",silence_ms=100", terminal, patience_s=2)
    assert (code, said.startswith("3 failed, 1 passed")) == (1, True), said


def test_a_bench_device_is_read_with_its_options_and_its_address_is_kept_out_of_names() -> None:
    spec = spec_of("receipt_printer=tcp://u:secret@10.0.0.9:9100,columns=48,qr=no")
    assert (spec.kind, spec.url, spec.options) == (
        "receipt_printer",
        "tcp://u:secret@10.0.0.9:9100",
        {"columns": "48", "qr": "no"},
    )
    assert "secret" not in repr(spec)


@pytest.mark.parametrize("text", ["toaster=serial:///dev/ttyUSB0", "barcode_scanner", "barcode_scanner=tcp://h:1,qr"])
def test_a_bench_device_typed_wrongly_is_refused(text: str) -> None:
    with pytest.raises(pytest.UsageError, match="KIND=URL"):
        spec_of(text)
