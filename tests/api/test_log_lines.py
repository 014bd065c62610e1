"""What a log line tells: of our devices what failed and where, of a library never what it filled in."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from clinic_server.kit.serving import LibraryLine
from firmware_stubs.id_card_reader.cards import synthetic_resident

PERSON = synthetic_resident(7)


@pytest.fixture(name="log")
def _log() -> Iterator[io.StringIO]:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(LibraryLine())
    logging.getLogger().addHandler(handler)
    yield log
    logging.getLogger().removeHandler(handler)


def test_of_a_device_that_failed_the_log_says_which_and_where(log: io.StringIO) -> None:
    frames = '  File "devices/adapters/reader.py", line 8\n    answer = await self.ask()\n'
    logging.getLogger("devices.attendance").error("device %s: %s\n%s", "desk-1-reader", "KeyError", frames)
    line = json.loads(log.getvalue())
    assert line["event"] == "device desk-1-reader: KeyError"
    assert line["frames"] == ['File "devices/adapters/reader.py", line 8', "answer = await self.ask()"]


def test_what_a_library_fills_in_is_never_logged(log: io.StringIO) -> None:
    logging.getLogger("a.library").error("refused %s\n%s", PERSON.name, PERSON.number)
    assert json.loads(log.getvalue())["event"] == "refused %s"
    assert PERSON.name not in log.getvalue()
    assert PERSON.number not in log.getvalue()
