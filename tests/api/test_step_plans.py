"""What a step of a visit asks grows with nothing: no question reads a whole table that gains a row with every visit."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, make_url

from clinic_server.check_in.actions import Arrival, check_in
from clinic_server.check_in.admission import admission_shipped
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.kit.call import House
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from tests.api.test_injection import CODE, consent_to, given, permitted
from tests.api.visitors import SYSTEM, a_lot, a_product, a_screening, an_open_site
from tests.conftest import ManualClock

SMALL = {  # a few rows for a site, or for a day
    *("clock_mark", "clock_turn", "kit_item", "opening", "closing", "safeguard_statement", "product", "product_terms"),
    "journal",  # its last line alone
    *("rule_set_adopted", "staff_session", "station_lane", "stop_order", "stop_lifted", "qualification"),
}
_SCANS = re.compile(r"SCAN (\w+)")


@contextmanager
def told_to_database() -> Iterator[dict[str, Any]]:
    """Collect what the writer asks, with the values of its first asking."""
    asked: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, text: str, values: Any, _context: Any, _many: Any) -> None:
        if threading.current_thread().name == "writer" and text.startswith(("SELECT", "UPDATE")):
            asked.setdefault(text, values)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_no_question_of_a_step_reads_a_table_that_grows(as_role: Any, house: House, clock: ManualClock) -> None:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    bench, observer = await as_role(Role.VACCINATOR), await as_role(Role.OBSERVER)
    with told_to_database() as asked:
        visit_id = arrived(house)
        consent_to(house.db, visit_id, a_screening(house.db, visit_id))
        await given(bench, (await permitted(bench, visit_id)).json()["permit_id"])
        clock.pass_time(minutes=31)
        assert (await observer.post(f"/api/v1/visits/{visit_id}/leave")).status_code == 201
    assert len(asked) >= 30
    assert whole_tables(house.db.url, asked) <= SMALL


def arrived(house: House) -> UUID:
    """Check somebody in at the desk."""
    document = Document.of(DocumentKind.PASSPORT, "E12345678", "CHN")
    stated = IdentityFacts.stated(document, name="王小明", sex=Sex.MALE, born_on=date(1990, 5, 1))
    arrival = Arrival(stated, How.TYPED, TypedReason.NO_CARD)
    return house.db.write_now(lambda tx: check_in(tx, SiteSettings(), arrival, admission_shipped), SYSTEM).visit_id


def whole_tables(url: str, asked: dict[str, Any]) -> set[str]:
    """Return the tables that SQLite would read from end to end for these questions."""
    with closing(sqlite3.connect(str(make_url(url).database))) as connection:
        plans = [
            step[3]
            for text, values in asked.items()
            for step in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)
        ]
    return {found for step in plans for found in _SCANS.findall(step)}
