"""Public samples that are no part of this repository: used where somebody has put them beside it."""

import os
from pathlib import Path
from typing import Any

import pytest

BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"
NOT_HERE = "not here: no folder of public samples beside the checkout, and none named in CLINIC_EXTERNAL_DATA"


@pytest.fixture(scope="session", name="external_samples")
def _external_samples(request: pytest.FixtureRequest) -> Path:
    """The folder of samples: CLINIC_EXTERNAL_DATA, or one beside the checkout. Without it nothing is claimed."""
    named = os.environ.get("CLINIC_EXTERNAL_DATA")
    folder = Path(named) if named else BESIDE_THE_CHECKOUT
    if not folder.is_dir():
        _say(request.config, f"tests/external NOT RUN, {NOT_HERE}")
        pytest.skip(NOT_HERE)
    return folder


def _say(config: pytest.Config, sentence: str) -> None:
    """Write to the terminal itself, past pytest's capturing: whoever reads the run must see what it did not do."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    terminal: Any = config.pluginmanager.getplugin("terminalreporter")
    with capture.global_and_fixture_disabled():
        terminal.write_line(f"\n{sentence}")
