"""Clinical and operational data that is never edited: one readable TOML file for each version.

A file that records refer to stays as it was; a change is a new file with the next version.
"""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from clinic_server.kit.errors import Refused

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class NothingInForce(Refused):
    """On this date no version of the data is valid: as a rule the clock is wrong, not the data."""

    code = "nothing_in_force"


class Edition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every such file says of itself: which version of what it is, and who answers for it."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    owner: Words
    sign_off: Words

    @property
    def name(self) -> str:
        """Code and version, as records keep it."""
        return f"{self.code}/{self.version}"


E = TypeVar("E", bound=Edition)


def read_edition(text: str, file_name: str, kind: type[E], faulty: type[ValueError]) -> E:
    """Return what a file says, or raise ``faulty`` naming the file and the line or key."""
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise faulty(f"{file_name}: {error}") from None


def editions_in(folder: Path, parse: Callable[[str, str], E]) -> Iterable[E]:
    """Return every edition in a folder, the oldest version first."""
    read = [parse(path.read_text("utf-8"), path.name) for path in folder.glob("*.toml")]
    return sorted(read, key=lambda edition: edition.version)


def newest_in(folder: Path, parse: Callable[[str, str], E], faulty: type[ValueError]) -> E:
    """Return the newest edition in a folder, or raise ``faulty`` where there is none."""
    editions = list(editions_in(folder, parse))
    if not editions:
        raise faulty(f"No file is in {folder.name}.")
    return editions[-1]
