"""The product in a process of its own, on a clock that the bench moves on.

    python -m tests.bench.visits.served PORT FILE

The clock begins on the morning of a fixed day; a request to ``/bench/later`` lets an observation's time pass. What the
server sends to its database is noted from the start on; ``/bench/mark`` says that the visits begin, and ``/bench/keep``
writes it to FILE and notes no more. ``/bench/streams`` tells how many pages are open.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from clinic_server.app import create_app
from clinic_server.kit.clock import FastClock
from clinic_server.kit.serving import ClinicServer, log_to
from clinic_server.settings import Settings
from tests.bench.visits.statements import Recorder

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LATER = timedelta(minutes=31)
LATER_ROUTE, MARK_ROUTE, KEEP_ROUTE = "/bench/later", "/bench/mark", "/bench/keep"
STREAMS_ROUTE = "/bench/streams"


class MorningClock(FastClock):
    """Runs as the machine's does, from the morning on, and can be moved on."""

    def __init__(self) -> None:
        super().__init__(1)
        self._later = timedelta()
        self._begin(MORNING)

    def now(self) -> datetime:
        """See Clock."""
        return super().now() + self._later

    def move_on(self) -> None:
        """Let an observation's time pass."""
        self._later += LATER


def main() -> None:
    """Serve until a signal comes."""
    port, *recording = sys.argv[1:]
    clock, recorder = MorningClock(), Recorder()

    def keep() -> None:
        event.remove(Engine, "before_cursor_execute", recorder.heard)
        recorder.save(Path(recording[0]))

    acts = {LATER_ROUTE: clock.move_on, MARK_ROUTE: recorder.mark, KEEP_ROUTE: keep}

    async def act(request: Request) -> Response:
        acts[request.url.path]()
        return Response(status_code=204, headers={"content-length": "0"})

    async def streams(request: Request) -> Response:
        return JSONResponse(len(request.app.state.house.db.broadcaster))

    if recording:
        event.listen(Engine, "before_cursor_execute", recorder.heard)
    app = create_app(Settings(), clock)
    app.router.add_route(STREAMS_ROUTE, streams)
    for route in acts:
        app.router.add_route(route, act, methods=["POST"])
    log_to(sys.stderr)
    ClinicServer(app, "127.0.0.1", int(port)).run()


if __name__ == "__main__":
    main()
