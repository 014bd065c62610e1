"""The yardsticks that are servers, each in a process of its own.

python -m tests.bench.visits.yardsticks wire PORT
python -m tests.bench.visits.yardsticks plain PORT URL
"""

import sys
from typing import Any

import uvicorn
from sqlalchemy import Engine, create_engine, event, make_url

from tests.bench.visits import plain, wire

_MOST_AT_ONCE = 40


def main() -> None:
    """Serve until a signal comes."""
    kind, port, *url = sys.argv[1:]
    app: Any = plain.create_app(plain_engine(url[0])) if kind == "plain" else wire.app
    quiet = {"log_level": "error", "access_log": False, "lifespan": "off"}
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", ws="none", **quiet)  # type: ignore[arg-type]


def plain_engine(url: str) -> Engine:
    """Return an engine as durable as the product's, and otherwise as it comes."""
    parts = make_url(url)
    if parts.get_backend_name() == "postgresql":
        return create_engine(parts.set(drivername="postgresql+psycopg"), pool_size=_MOST_AT_ONCE)
    waits = {"check_same_thread": False, "timeout": 60}
    engine = create_engine(url, connect_args=waits, pool_size=_MOST_AT_ONCE)
    event.listen(engine, "connect", _make_durable)
    return engine


def _make_durable(raw: Any, _record: Any) -> None:
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")


if __name__ == "__main__":
    main()
