"""Alembic at work: changing a schema, and writing down how. Imported only when there is something to change."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrate(connection: Connection, scripts: Path) -> None:
    """Bring a schema to the newest of the scripts; each works whole or not at all."""
    command.upgrade(_config(connection, scripts), "head")


def declared_otherwise(connection: Connection, scripts: Path) -> list[object]:
    """Return how the schema differs from the declared tables; empty when they agree."""
    try:
        command.check(_config(connection, scripts))
    except Exception as error:  # noqa: BLE001  # Alembic raises several kinds; each names its difference
        return [str(error)]
    return []


def write_script(connection: Connection, scripts: Path, message: str, revision: str) -> None:
    """Write a script from what the tables declare and the schema does not have yet."""
    command.revision(_config(connection, scripts), message, autogenerate=True, rev_id=revision)


def _config(connection: Connection, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    return config
