"""People under observation for the tests of the area, without the way to the needle."""

from datetime import date
from uuid import UUID

from sqlalchemy import update

from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now
from clinic_server.visits.watch import start_watch
from tests.api.visitors import SYSTEM, a_visit


def an_observed(db: Database, minutes: int = 30, name: str = "王小明", born_on: date = date(1980, 5, 1)) -> UUID:
    """Somebody whose needle was now."""
    visit_id = a_visit(db, born_on, name=name)
    sits = update(visit_now).where(visit_now.c.visit_id == visit_id).values(stage=Stage.OBSERVED)
    db.write_now(lambda tx: tx.execute(sits), SYSTEM)
    watch_again(db, visit_id, minutes)
    return visit_id


def watch_again(db: Database, visit_id: UUID, minutes: int) -> None:
    """The observation begins now, as after a dose or a reaction."""

    def act(tx: Tx) -> None:
        start_watch(tx, visit_id, tx.now, minutes)
        tx.journal("furnished", visit_id)

    db.write_now(act, SYSTEM)
