"""The real server, reading the time from a file."""

from pathlib import Path

from clinic_server.app import create_app
from clinic_server.kit.serving import ClinicServer
from clinic_server.settings import Settings
from tests.faults.observed.shared_clock import SharedClock


def serve(clock_file: Path) -> None:
    """Serve until killed."""
    settings = Settings(_env_file=None)
    app = create_app(settings, SharedClock(clock_file))
    ClinicServer(app, settings.server.host, settings.server.port).run()
