"""Templates compiled at set-up, as Python compiles modules: a server's first page comes as fast as its hundredth."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from jinja2.bccache import Bucket, FileSystemBytecodeCache


class WrittenPages(FileSystemBytecodeCache):
    """Keeps the code of templates in ``folder``; it holds for one text, one release of Jinja and one ``maker``.

    ``maker`` is the file that says how templates are compiled.
    """

    def __init__(self, folder: Path, maker: Path) -> None:
        super().__init__(str(folder), "%s.page")
        self._made_by = f"{version('jinja2')} {sha256(maker.read_bytes()).hexdigest()}"

    def get_source_checksum(self, source: str) -> str:
        """Return what a template's code must have been made from and by."""
        return super().get_source_checksum(f"{self._made_by}\n{source}")


class CompiledPages(WrittenPages):
    """Reads what was written at set-up. A server writes no code: its service may not, and a cut could tear it."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Leave it: this template was changed since set-up, and is compiled by each server for itself."""
