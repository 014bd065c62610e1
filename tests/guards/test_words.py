"""What the words of the repository promise is true: diagram, settings, languages of the README."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from clinic_server.settings import Settings
from clinic_server.visits.flow import diagram

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_diagram_is_the_table_of_steps(name: str) -> None:
    shown = re.search(r"```mermaid\n(.*?)\n```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1] == diagram()


def setting_names(model: type[BaseModel], prefix: str) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        here = f"{prefix}{name.upper()}"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += setting_names(kind, f"{here}__")
        else:
            names.append(here)
    return names


def test_the_example_of_site_env_names_every_setting_and_no_other() -> None:
    example = (ROOT / "site.env.example").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^# ?(CLINIC_\w+)=", example, re.MULTILINE)) == sorted(setting_names(Settings, "CLINIC_"))


def test_the_example_of_site_env_says_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CLINIC_")]:
        monkeypatch.delenv(name)
    example = (ROOT / "site.env.example").read_text(encoding="utf-8")
    active = tmp_path / "site.env"
    active.write_text(re.sub(r"^# ?(CLINIC_)", r"\1", example, flags=re.MULTILINE), encoding="utf-8")
    assert Settings(_env_file=active) == Settings(_env_file=None)
