"""The real parts every test stands on: both database engines, a clock that waits to be told, a signed-in desk."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import settings
from sqlalchemy import make_url

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.schema import upgrade
from clinic_server.kit.serving import settle_memory
from clinic_server.kit.tx import Site
from tests import statements as _shared_from_here_on  # noqa: F401  # listens
from tests.devices import bench
from tests.peers import CHROMIUM, PostgresServer

if "PYTEST_VERSION" in os.environ:  # and not where a command of ours plays with these parts for hours
    gc.disable()  # until every test is collected: what is imported by then stays
# Before anything asks: libpcsclite reads it once. Tests never speak to the pcscd of the machine they run on.
os.environ["PCSCLITE_CSOCK_NAME"] = f"{tempfile.gettempdir()}/clinic-pcscd-{os.getpid()}/pcscd.comm"

# How long one example takes tells how busy the machine is; what must not take long has a test that says so.
settings.register_profile("clinic", deadline=None)
settings.load_profile("clinic")

ENGINES = ("sqlite", "postgresql")
IN_TURN = frozenset({"api", "devices"})
# Half of the whole time: the dearest first, among them those that only wait.
LONGEST = """
    pages/test_every_page.py devices/test_agent.py devices/test_conformance.py bench/test_bench.py
    devices/test_id_card_reader.py api/test_doctor.py journeys/test_clinic_day.py devices/test_smart_card.py
    pages/test_scanners_that_type.py api/test_permits.py pages/test_live_pages.py proof/test_machine.py
    journeys/test_from_card_to_leaving.py api/test_command.py faults/test_kills.py faults/test_simulation.py
    devices/test_agent_pairing.py devices/test_device_hub.py faults/test_paging_kills.py proof/test_races.py
    devices/test_bench.py pages/test_reaction_page.py faults/test_storm.py devices/test_id_card_reader_line.py
    faults/test_backups.py pages/test_day_and_night.py pages/test_stock_pages.py pages/test_fridge_fails.py
    faults/test_crash_states.py proof/test_ledger.py pages/test_wall_page.py
""".split()  # noqa: SIM905  # reads as a list of words


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        self._monotonic = 0.0
        self._steady = 0.0
        self._starts = 1

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def steady(self) -> float:
        return self._steady

    @property
    def start(self) -> str:
        return f"start {self._starts}"

    def pass_time(self, **spans: float) -> None:
        """Let time pass, for the wall clock and for waiting alike."""
        self._now += timedelta(**spans)
        self._monotonic += timedelta(**spans).total_seconds()
        self._steady += timedelta(**spans).total_seconds()

    def step(self, **spans: float) -> None:
        """Set the wall clock by hand; waiting does not notice."""
        self._now += timedelta(**spans)

    def start_machine_again(self, **spans: float) -> None:
        """Switch the machine off and on: only its wall clock tells how long that took."""
        self._now += timedelta(**spans)
        self._steady = 0.0
        self._starts += 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("in_turn", "both", *ENGINES), default="in_turn")
    bench.add_options(parser)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: begun last, one worker would do them while the others wait."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_collection_finish() -> None:
    """Let what all tests stand on be; a server does the same once it has started."""
    settle_memory()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that touches the database on the engines it is to run on."""
    fixed = any("engine" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not fixed:
        metafunc.parametrize("engine", _engines_for(metafunc.definition), scope="session")


def _engines_for(test: pytest.Function) -> Sequence[str]:
    """Return the engines asked for. In turn: where many tests walk the same statements, each walks them on one."""
    chosen: str = test.config.getoption("--engine")
    if chosen in ENGINES:
        return [chosen]
    if chosen == "both" or test.path.parent.name not in IN_TURN or test.get_closest_marker("each_engine"):
        return ENGINES
    return [ENGINES[crc32(test.nodeid.encode()) % len(ENGINES)]]


@pytest.fixture(scope="session", name="postgres")
def _postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="clinic-pg-") as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session", name="blank_sqlite")
def _blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and nothing in it, copied for each test."""
    path = tmp_path_factory.mktemp("blank") / "clinic.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session", name="blank_postgres")
def _blank_postgres(postgres: PostgresServer) -> str:
    """The name of a database with the schema and nothing in it, copied for each test."""
    url = postgres.new_database()
    upgrade(url)
    return str(make_url(url).database)


@pytest.fixture(name="database_url")
def _database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with the schema, on the engine under test."""
    if engine == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.lent(request.getfixturevalue("blank_postgres")) as url:
            yield url
    else:
        shutil.copy(request.getfixturevalue("blank_sqlite"), tmp_path / "clinic.db")
        yield f"sqlite:///{tmp_path / 'clinic.db'}"


@pytest.fixture(scope="session", name="chromium")
def _chromium() -> Path:
    """The browser of every test that opens a page."""
    if not CHROMIUM.exists():
        pytest.fail("Chromium is missing; `python3 run.py test` installs it.")
    return CHROMIUM


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(name="keyring")
def _keyring() -> Keyring:
    return Keyring(bytes(range(32)))


@pytest.fixture(name="db")
def _db(database_url: str, clock: ManualClock, keyring: Keyring) -> Iterator[Database]:
    database = Database(database_url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))
    yield database
    database.close()
