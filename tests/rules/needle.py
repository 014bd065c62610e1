"""A needle that nothing speaks against: the facts that the tests of the permit change one by one."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from clinic_server.injection import check_lists
from clinic_server.injection.rules import NeedleFacts, OrderFacts
from clinic_server.stock import vaccines
from clinic_server.stock.rules import AtBench, Route, UnitFacts

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
BENCH = "bench-1"
NURSE, OTHER_NURSE, PHYSICIAN = UUID(int=7), UUID(int=8), UUID(int=9)
LIST = check_lists.active(check_lists.shipped(), check_lists.NATIONAL, TODAY)
VACCINE = vaccines.shipped()["covid19-bbibp-corv"]
ORDER = OrderFacts(
    UUID(int=1), UUID(int=11), "vaccine-a", UUID(int=2), NOW + timedelta(hours=8), PHYSICIAN, observation_minutes=30
)
UNIT = UnitFacts(
    UUID(int=3),
    UUID(int=4),
    "L1",
    date(2027, 1, 1),
    "vaccine-a",
    "Vaccine A",
    1,
    0,
    500,
    Route.INTRAMUSCULAR,
    VACCINE.code,
    "81000001",
    1,
    station=BENCH,
)
AT = AtBench(BENCH, NOW, TODAY)
FACTS = NeedleFacts(
    at=AT,
    person_id=UUID(int=5),
    order=ORDER,
    unit=UNIT,
    vaccine=VACCINE,
    born_on=date(1980, 5, 1),
    vaccinator_id=NURSE,
    is_physician_separate=True,
    required=LIST.codes,
    confirmed=frozenset(LIST.codes),
)
