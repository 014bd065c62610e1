"""Where a desk PC keeps what must outlive the program: its credential, its devices, its spool."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from devices.adapter import DeviceSpec
from devices.agent.form import BadMessage
from devices.agent.messages import LINE, DeviceList

NAME: Final = "clinic-agent"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Credential:
    """Who this desk PC is to its server, and which certificate that server has."""

    server: str
    agent_id: str
    name: str
    station: str
    token: str = field(repr=False)
    authority: str = field(default="", repr=False)  # PEM; empty: whatever the system trusts
    is_pinned: bool = False  # the authority is the server's own certificate: its name does not matter


class FolderUnusable(Exception):
    """The folder cannot be read or written; the message is for a person."""


def default_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return where this platform keeps the state of a program."""
    if given := environment.get("STATE_DIRECTORY"):  # systemd's word
        return Path(given)
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / NAME
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / NAME
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / NAME


class Folder:
    """The state folder; every file in it is its owner's alone and is whole or not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderUnusable(f"The folder {path} cannot be made: {error.strerror}.") from None

    @property
    def spool(self) -> Path:
        """The file of what was not answered yet."""
        return self.path / "spool.db"

    def credential(self) -> Credential | None:
        """Return who we are, or None before a pairing."""
        content = self._read("credential.json")
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Credential)
        except msgspec.DecodeError:
            raise FolderUnusable(f"{self.path / 'credential.json'} is damaged; pair this PC again.") from None

    def keep_credential(self, credential: Credential) -> None:
        """Store who we are, on the disk before this returns."""
        self._write("credential.json", msgspec.json.encode(credential))

    def devices(self) -> tuple[DeviceSpec, ...]:
        """Return the devices last attended; none when nobody knows."""
        with suppress(BadMessage):
            line = LINE.decode(self._read("devices.json") or b"")
            return line.devices if isinstance(line, DeviceList) else ()
        return ()

    def keep_devices(self, devices: tuple[DeviceSpec, ...]) -> None:
        """Store the devices to attend also while the server is away."""
        self._write("devices.json", LINE.encode(DeviceList(devices)))

    def status(self) -> bytes | None:
        """Return what a running program last wrote about itself."""
        return self._read("status.json")

    def keep_status(self, status: bytes) -> None:
        """Store how the program stands."""
        self._write("status.json", status, is_lasting=False)

    def recorded(self) -> str:
        """Return what the server last said it had recorded; empty when it never did."""
        return (self._read("recorded.txt") or b"").decode("ascii", errors="replace")

    def keep_recorded(self, recorded: str) -> None:
        """Store what the server says it has recorded, on the disk before this returns: it may forget it itself."""
        self._write("recorded.txt", recorded.encode())

    def forget(self) -> bool:
        """Remove who we are and what we attend; tell whether there was anything. The spool stays."""
        known = (self.path / "credential.json").exists()
        for name in ("credential.json", "devices.json", "recorded.txt", "status.json"):
            (self.path / name).unlink(missing_ok=True)
        self._sync()
        return known

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FolderUnusable(f"{self.path / name} cannot be read: {error.strerror}.") from None

    def _write(self, name: str, content: bytes, *, is_lasting: bool = True) -> None:
        """Write beside the file and put it in its place: whoever reads finds the old or the new one."""
        beside = self.path / f"{name}.new"
        try:
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if is_lasting:
                    os.fsync(file.fileno())
            beside.replace(self.path / name)
        except OSError as error:
            raise FolderUnusable(f"{self.path / name} cannot be written: {error.strerror}.") from None
        if is_lasting:
            self._sync()

    def _sync(self) -> None:
        """Put the folder's own entries on the disk; Windows has no way to say it and keeps them in order by itself."""
        if os.name == "posix":
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
