"""The disk of simulated days, and what lies on it when a process dies."""

import shutil
from pathlib import Path

from clinic_server.kit.schema import upgrade
from tests.proof.clinic import Cast, SqlitePlace, copied_as_it_lies


class Disk:
    """Where the databases of simulated days lie: every day begins on a copy of the same furnished one."""

    def __init__(self, folder: Path, blank: Path | None = None) -> None:
        self._folder = folder
        if blank is None:
            blank = folder / "blank.db"
            upgrade(f"sqlite:///{blank}")
        furnished = SqlitePlace(folder, blank)
        self.cast: Cast = furnished.cast
        self._furnished = furnished
        self._days = 0

    def a_day(self) -> "DiskOfADay":
        """Return a folder of its own for a day."""
        self._days += 1
        return DiskOfADay(self._folder / f"day-{self._days}", Path(self._furnished.fresh().removeprefix("sqlite:///")))


class DiskOfADay:
    """A Place of one day; its files go with it."""

    def __init__(self, folder: Path, first: Path) -> None:
        self.folder = folder
        self._copies = 0
        folder.mkdir()
        self._first = first.rename(folder / "clinic-0.db")

    def fresh(self) -> str:
        """See Place."""
        return f"sqlite:///{self._first}"

    def crashed(self, url: str) -> str:
        """See Place."""
        self._copies += 1
        source = Path(url.removeprefix("sqlite:///"))
        return copied_as_it_lies(source, self.folder / f"clinic-{self._copies}.db")

    def remove(self) -> None:
        """Forget the day."""
        shutil.rmtree(self.folder)
