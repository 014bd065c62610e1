"""One file a backup: a compressed tar of manifest, database and site key, sealed with age to the site's recipient.

The machine holds the public half of the key alone: what it made yesterday it cannot read today, nor can a thief.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec
import pyrage

from clinic_server.backup.rules import BackupFailed, Manifest

_MANIFEST, _DATABASE, _KEY = "manifest.json", "database", "site.key"
_MOST_MANIFEST_BYTES = 100_000
_PART = ".part"


def new_key() -> tuple[str, str]:
    """Return a new backup key: the secret half to keep elsewhere, and the recipient for the settings."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def seal(manifest: Manifest, database: Path, key: bytes, recipient: str, to: Path) -> int:
    """Write a backup and beside it its SHA-256; return its size. It bears its name only once it is whole on the disk.

    Errors: BackupFailed ``backup_recipient_wrong``; OSError, where the disk is full for one.
    """
    packed = database.with_name("packed.tar.gz")
    _pack(manifest, database, key, packed)
    try:
        whom = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise BackupFailed("backup_recipient_wrong") from None
    part = to.with_name(to.name + _PART)
    try:
        with packed.open("rb") as plain, part.open("wb") as sealed:
            pyrage.encrypt_io(plain, sealed, [whom])
            _to_disk(sealed)
        digest = _digest_of(part)
        with to.with_name(f"{to.name}.sha256").open("w") as told:
            told.write(f"{digest}  {to.name}\n")
            _to_disk(told)
        part.rename(to)
    finally:
        part.unlink(missing_ok=True)
    folder_to_disk(to.parent)
    return to.stat().st_size


def is_intact(backup: Path) -> bool:
    """Tell whether a backup is, byte for byte, what was written; needs no key."""
    try:
        told = backup.with_name(f"{backup.name}.sha256").read_text().split()
    except OSError:
        return False
    return told[:1] == [_digest_of(backup)]


@contextmanager
def opened(backup: Path, identity: str, folder: Path) -> Iterator["Opened"]:
    """Open a backup with the secret half of its key; the plain text lies in ``folder`` for as long.

    Errors: BackupFailed ``backup_key_wrong`` (another key, or a byte is not what it was), ``backup_not_one``.
    """
    packed = folder / "packed.tar.gz"
    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
        with backup.open("rb") as sealed, packed.open("wb") as plain:
            pyrage.decrypt_io(sealed, plain, [key])
        with tarfile.open(packed, "r:gz") as tar:
            yield Opened(tar)
    except (pyrage.IdentityError, pyrage.DecryptError):
        raise BackupFailed("backup_key_wrong", backup.name) from None
    except OSError as refused:
        if refused.errno is not None:
            raise
        raise BackupFailed("backup_key_wrong", backup.name) from None  # a block that was altered is told like this
    except (tarfile.TarError, EOFError, msgspec.DecodeError, KeyError):
        raise BackupFailed("backup_not_one", backup.name) from None
    finally:
        packed.unlink(missing_ok=True)


class Opened:
    """A backup once opened."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.manifest = msgspec.json.decode(self._read(_MANIFEST), type=Manifest)
        self.key = self._read(_KEY)

    def database_to(self, path: Path) -> None:
        """Write the database's bytes there, down to the disk."""
        with self._member(_DATABASE) as inside, path.open("xb") as out:
            while block := inside.read(1 << 20):
                out.write(block)
            _to_disk(out)

    def _read(self, name: str) -> bytes:
        with self._member(name) as inside:
            return inside.read(_MOST_MANIFEST_BYTES)

    def _member(self, name: str) -> BinaryIO:
        inside = self._tar.extractfile(name)
        if inside is None:
            raise KeyError(name)
        return inside  # type: ignore[return-value]  # a buffered reader, which is one


def _pack(manifest: Manifest, database: Path, key: bytes, to: Path) -> None:
    with tarfile.open(to, "w:gz", compresslevel=3) as tar:
        for name, content in ((_MANIFEST, msgspec.json.encode(manifest)), (_KEY, key)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.add(database, _DATABASE, filter=_without_owner)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(file: BinaryIO | TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def folder_to_disk(folder: Path) -> None:
    """Make what was renamed in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
