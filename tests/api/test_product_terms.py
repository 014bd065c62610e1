"""What a site itself says of a product: minutes of an opened vial counted from then on, and the day it is withdrawn."""

from datetime import date, timedelta

import pytest

from clinic_server.kit.db import Database
from clinic_server.screening.lookup import decision_sheet
from clinic_server.screening.rules import DecisionOutcome, Proposal
from clinic_server.stock.rules import ProductWithdrawn
from clinic_server.stock.terms import NewTerms, set_terms
from clinic_server.stock.units import open_unit, unit_by_code
from tests.api.test_decisions import judged
from tests.api.visitors import PRODUCT, SYSTEM, TODAY, a_lot, a_physician, a_product, a_screening, a_visit
from tests.conftest import ManualClock

CODES = ("81000001000000000001", "81000001000000000002")


def say(db: Database, minutes: int | None = None, withdrawn_on: date | None = None) -> None:
    db.write_now(lambda tx: set_terms(tx, PRODUCT, NewTerms(minutes, withdrawn_on)), SYSTEM)


def opened(db: Database, code: str) -> timedelta:
    """How long a vial is good that is opened now."""

    def open_it(tx: object) -> None:
        facts = unit_by_code(tx.connection, code)  # type: ignore[attr-defined]
        assert facts
        open_unit(tx, facts)  # type: ignore[arg-type]
        tx.journal("opened", facts.unit_id)  # type: ignore[attr-defined]

    db.write_now(open_it, SYSTEM)
    return good_for(db, code)


def good_for(db: Database, code: str) -> timedelta:
    facts = db.read_now(lambda connection: unit_by_code(connection, code))
    assert facts
    assert facts.open_until
    assert facts.opened_at
    return facts.open_until - facts.opened_at


def test_shorter_minutes_hold_for_vials_opened_from_then_on(db: Database, clock: ManualClock) -> None:
    a_product(db)
    a_lot(db, *CODES)
    assert opened(db, CODES[0]) == timedelta(minutes=60)
    clock.pass_time(minutes=1)
    say(db, minutes=20)
    assert opened(db, CODES[1]) == timedelta(minutes=20)
    clock.pass_time(minutes=1)
    say(db, minutes=40)
    assert (good_for(db, CODES[0]), good_for(db, CODES[1])) == (timedelta(minutes=60), timedelta(minutes=20))


def test_the_latest_words_count_whole(db: Database) -> None:
    a_product(db)
    a_lot(db, *CODES)
    say(db, minutes=20)
    say(db, withdrawn_on=date(2026, 12, 31))
    assert opened(db, CODES[0]) == timedelta(minutes=60)


@pytest.mark.parametrize(("withdrawn_on", "is_offered"), [(TODAY, False), (TODAY + timedelta(days=1), True)])
def test_a_withdrawn_product_is_not_ordered(db: Database, withdrawn_on: date, is_offered: bool) -> None:
    a_product(db)
    say(db, withdrawn_on=withdrawn_on)
    visit_id = a_visit(db)
    a_screening(db, visit_id)
    sheet = db.read_now(lambda connection: decision_sheet(connection, db.keyring, visit_id, TODAY))
    assert sheet.choices[0].refused_for == (None if is_offered else "product_withdrawn")
    proposal = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
    if is_offered:
        judged(db, a_visit(db), proposal, a_physician(db))
        return
    with pytest.raises(ProductWithdrawn):
        judged(db, a_visit(db), proposal, a_physician(db))
