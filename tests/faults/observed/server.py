"""The real server, reading the time from a file: `python -m tests.faults.observed.server FILE`."""

import sys
from pathlib import Path

from clinic_server.app import create_app
from clinic_server.kit.serving import ClinicServer
from clinic_server.settings import Settings
from tests.faults.observed.shared_clock import SharedClock


def main(clock_file: Path) -> None:
    """Serve until killed."""
    settings = Settings(_env_file=None)
    app = create_app(settings, SharedClock(clock_file))
    ClinicServer(app, settings.server.host, settings.server.port).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
