"""Reads the golden vectors that lie beside every stub."""

from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path

STUBS = Path(__file__).parents[2] / "firmware_stubs"


def vectors_of(device: str, kind: str) -> list[tuple[str, Mapping[str, str]]]:
    """Return (name, fields) of every vector of a kind: `[kind name]`."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keep the case of field names
    parser.read_string((STUBS / device / "vectors.txt").read_text(encoding="utf-8"))
    found = [(name, parser[name]) for name in parser.sections() if name.split(" ")[0] == kind]
    assert found, f"no {kind} vectors of {device}"
    return [(name.partition(" ")[2], fields) for name, fields in found]


def bytes_of(fields: Mapping[str, str]) -> bytes:
    return bytes.fromhex(fields["hex"])
