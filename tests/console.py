"""The command ``clinic`` typed in the test's own process: its start costs more than all it does."""

import io
import sys
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

import pytest

from clinic_server.command import main


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Clinic = Callable[..., Ended]


def console(
    environment: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Clinic:
    """Return ``clinic(*words, typed="", **changed)``: the command in a folder, with what is typed into it."""

    def clinic(*words: str, typed: str = "", **changed: str) -> Ended:
        with monkeypatch.context() as patched:
            for name, value in {**environment, **changed}.items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["clinic", *words])
            patched.setattr(sys, "stdin", io.StringIO(typed))
            patched.chdir(folder)
            with pytest.raises(SystemExit) as ended:
                copy_context().run(main)
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return clinic
