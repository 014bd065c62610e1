"""The disk of the log is full: lines are lost, and nothing else."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from clinic_server.kit.serving import log_to


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def test_a_log_that_takes_nothing_more_stops_no_desk() -> None:
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  # it cannot be closed without an error
    log_to(full)
    for _ in range(100):
        structlog.get_logger("test").error("write_failed", code="storage_full")
        logging.getLogger("uvicorn.error").error("said by a library")
    with pytest.raises(OSError, match="No space left"):
        full.close()
