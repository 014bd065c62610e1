"""The end of a simulated day: what everybody outside the server wrote down, against what the server holds."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.rules import is_judged
from clinic_server.cold_chain.tables import COUNTS, heard_probe, reading
from clinic_server.kit.journal import verify
from tests.faults.simulation.site import SimulatedSite
from tests.faults.storm.books import Books, Compared, compare_excursions, compare_pages, judged
from tests.faults.storm.fridges import Told
from tests.proof.clinic import KEYRING, PROFILE, SITE
from tests.proof.invariants import altered
from tests.proof.rows import Rows


def differences(site: SimulatedSite) -> list[str]:
    """Return everything that does not agree at the end of a day."""
    site.check()
    return site.db.read_now(lambda connection: list(_all(connection, site)))


def _all(connection: Connection, site: SimulatedSite) -> Iterator[str]:
    now = Rows(KEYRING, SITE.zone)
    now.read_on(connection)
    yield from altered(site.seen, now)
    yield from verify(connection, KEYRING.journal_key).faults
    yield from _readings(connection, site)
    compared = Compared()
    books = Books(
        {site.fridge.dev: _stored(connection)}, site.terminal.receipts, site.died_at_s, (), profile_of(PROFILE), 1
    )
    found = compare_excursions(connection, judged(books)[0], compared)
    compare_pages(connection, books, found, compared)
    yield from compared.differences


def _readings(connection: Connection, site: SimulatedSite) -> Iterator[str]:
    """Each reading is stored once, as its probe took it down, and nothing else is."""
    columns = (reading.c.boot, reading.c.seq, reading.c.measured_unix_ms, reading.c.milli_celsius)
    stored = Counter(Told(*row) for row in connection.execute(select(*columns)))
    measured = Counter(site.fridge.ledger)
    yield from (f"a reading was lost: {one}" for one in (measured - stored).elements())
    yield from (f"a reading nobody made, or twice: {one}" for one in (stored - measured).elements())


def _stored(connection: Connection) -> list[Told]:
    """Return the readings that are judged, at the times they count from: the server's clock may have been set."""
    at = (reading.c.boot, reading.c.seq, reading.c.at_unix_ms, reading.c.milli_celsius, reading.c.fault)
    rows = connection.execute(select(*at).join(heard_probe, heard_probe.c.number == reading.c.probe).where(COUNTS))
    return [Told(*row[:4]) for row in rows if is_judged(row.milli_celsius, row.fault)]
