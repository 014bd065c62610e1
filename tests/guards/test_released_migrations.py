"""A migration that sites have run is never changed: what is new goes into a new one."""

from hashlib import sha256
from pathlib import Path

from clinic_server.kit.schema import SCRIPTS

RELEASED = Path(__file__).with_name("released_migrations.txt")


def test_no_released_migration_was_changed() -> None:
    released = dict(line.split("  ")[::-1] for line in RELEASED.read_text(encoding="utf-8").splitlines())
    found = {name: sha256((SCRIPTS / "versions" / name).read_bytes()).hexdigest() for name in released}
    assert len(released) > 1
    assert found == released
