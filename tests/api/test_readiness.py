"""The emergency kit, the ambulance, the hospitals and the officer, and what their lapses tell, on both engines."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.adverse_events.actions import file_event
from clinic_server.adverse_events.rules import FoundHow, NewEvent
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.injection.tables import permit
from clinic_server.opening.actions import close_site, withdraw_safeguard
from clinic_server.opening.ambulance.actions import move_ambulance
from clinic_server.opening.ambulance.rules import Move, Presence
from clinic_server.opening.emergency_kit.actions import check_kit, use_kit_item
from clinic_server.opening.emergency_kit.lookup import last_check, standing_kit
from clinic_server.opening.emergency_kit.rules import KitItem, KitThing
from clinic_server.opening.hospitals.lookup import designated
from clinic_server.opening.officer.lookup import officer_now
from clinic_server.opening.rules import Safeguard, Variant
from clinic_server.opening.tables import pauses_told
from clinic_server.opening.watching import ReadinessWatch, tell_by_itself
from clinic_server.staff.rules import QualificationKind, Role
from tests.api.test_injection import CODE, a_consented_visit, count, findings_of, given, permitted
from tests.api.test_opening import Morning, _morning  # noqa: F401  # the fixture
from tests.api.visitors import SYSTEM, TODAY, a_lot, a_product, a_shift, rows_in
from tests.conftest import ManualClock

HOSPITAL = {"name": "County hospital", "kind": "secondary", "phone": "0571", "expert": "Dr Zhou", "minutes_away": 9}


def kit_of(morning: Morning, thing: KitThing) -> KitItem:
    (item,) = [one for one in morning.db.read_now(standing_kit) if one.thing is thing]
    return item


def alarms(morning: Morning) -> list[str]:
    """What people are called for: the summary of each open alert of a lapse."""
    kind = AlertKind.READINESS_LAPSED
    return [one.summary for one in morning.db.read_now(open_alerts) if one.kind is kind]


def told(morning: Morning) -> list[str]:
    rows = select(pauses_told.c.lapses).order_by(pauses_told.c.journal_seq)
    return list(morning.db.read_now(lambda connection: connection.execute(rows).scalars()))


async def an_event(bench: Any, morning: Morning) -> UUID:
    """Somebody reacts to the dose they were given."""
    a_product(morning.db)
    a_lot(morning.db, CODE)
    visit_id = a_consented_visit(morning.db)
    answer = await given(bench, (await permitted(bench, visit_id)).json()["permit_id"])
    assert answer.status_code == 201, answer.text
    return morning.do(_file, visit_id)


def _file(tx: Any, visit_id: UUID) -> UUID:
    raise NotImplementedError
