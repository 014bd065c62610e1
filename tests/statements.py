"""Importing this lets every database of the process use the statements that the first of its kind compiled."""

from sqlalchemy import Connection, Engine, event

_FIRST_OF: dict[str, Engine] = {}


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    """Compiling is a fifth of a test at the API. By now the dialect has learnt what the server can do."""
    engine = connection.engine
    first = _FIRST_OF.setdefault(engine.name, engine)
    if engine.dialect is not first.dialect:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        connection.dialect = first.dialect
