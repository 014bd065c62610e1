"""What a scan comes to at the bench and at the registration desk, and what its scanner is told of it."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from clinic_server.device_hub.scanned import scan_content
from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock
from clinic_server.settings import DeviceSettings, Settings
from clinic_server.staff.rules import Role
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.plugs import MemoryPlug
from tests.api.callers import running
from tests.api.test_check_in import TYPED
from tests.api.test_injection import CODE, a_consented_visit, findings_of
from tests.api.visitors import CHECKED, a_lot, a_product, an_open_site, rows_in
from tests.devices.parts import eventually

GTIN = "06901234560008"
UNIT = f"(01){GTIN}(21)SN1"
UNIT_AS_ELEMENTS = f"01{GTIN}1729030110A1\x1d21SN1"
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"  # of ICAO 9303-4
ID_NUMBER = "11010519491231002X"
GOOD, BAD = b"0\x1b7,", b"0\x1b8,"
names = itertools.count()


@pytest.fixture(name="ready")
def _ready(house: House) -> UUID:
    """A product with two units in stock, one by trace code and one by GS1, and a person ready for the needle."""
    return _stocked(house)


def _stocked(house: House) -> UUID:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, UNIT)
    return a_consented_visit(house.db)


def scanned(house: House, text: str, symbology: str | None = None, station: str = "bench-1") -> str:
    return str(house.inbox.put(station, "scan", scan_content(text, symbology), "scanner").id)


async def asked(bench: Any, visit_id: UUID, delivery_id: str, **headers: str) -> Any:
    return await bench.post(
        f"/api/v1/visits/{visit_id}/permits", json={"delivery_id": delivery_id, **CHECKED}, headers=headers
    )


@pytest.mark.parametrize(
    ("text", "symbology"),
    [(CODE, "]C0"), (CODE, None), (UNIT, None), (UNIT_AS_ELEMENTS, "]d2"), (UNIT_AS_ELEMENTS, None)],
)
async def test_a_scanned_unit_is_permitted_and_its_scan_used_up(
    as_role: Any, house: House, ready: UUID, text: str, symbology: str | None
) -> None:
    bench = await as_role(Role.VACCINATOR)
    key = {"idempotency-key": uuid4().hex}
    delivery_id = scanned(house, text, symbology)
    first = await asked(bench, ready, delivery_id, **key)
    assert first.status_code == 201
    assert (await bench.get("/api/v1/station/scan")).json() is None
    assert (await asked(bench, ready, delivery_id, **key)).content == first.content
    again = await asked(bench, ready, delivery_id)
    assert (again.status_code, again.json()["code"]) == (409, "scan_perished")


@pytest.mark.parametrize(
    "case",
    [
        (f"01{GTIN[:-1]}621SN1", "]d2", "scan_misread"),
        (f"01{GTIN}10A\x1d10B", "]C1", "scan_misread"),
        (f"01{GTIN}1729030110A1", "]d2", "scan_without_serial"),
        ("6901234567892", "]E0", "scan_without_serial"),
        ("CB1:abcd_EFGH-12", "]Q1", "scan_is_no_unit"),
        (ID_NUMBER, "]Q1", "scan_is_no_unit"),
        ("012", None, "scan_is_no_unit"),
        ("预约 42", None, "scan_is_no_unit"),
        (TD3, None, "scan_is_travel_document"),
    ],
)
async def test_what_is_no_unit_is_refused_with_the_reason_and_nothing_written(
    as_role: Any, house: House, ready: UUID, case: tuple[str, str | None, str]
) -> None:
    text, symbology, code = case
    bench = await as_role(Role.VACCINATOR)
    delivery_id = scanned(house, text, symbology)
    before = rows_in(house.db)
    assert (await bench.get("/api/v1/station/scan")).json() == {"delivery_id": delivery_id, "text": "", "fault": code}
    answer = await asked(bench, ready, delivery_id)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert text not in answer.text
    assert rows_in(house.db) == before
    assert text not in (await bench.get(f"/visits/{ready}/injection/scan")).text


async def test_a_code_of_no_known_kind_may_be_a_makers_own(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    assert findings_of(await asked(bench, ready, scanned(house, "MAH-000077"))) == ["unit_unknown"]
    a_lot(house.db, "MAH-000077")
    assert (await asked(bench, ready, scanned(house, "MAH-000077"))).status_code == 201


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        f"]C0{CODE}",
        UNIT,
        f"]d201{GTIN}1729030110A1|21SN1",
        f"]d201{GTIN}1729030110A1]21SN1",
        f"01{GTIN}1729030110A1]21SN1",
        f"  01{GTIN}1729030110A1|21SN1 ",
    ],
)
@pytest.mark.parametrize("on_page", [False, True], ids=["api", "page"])
async def test_a_scanner_that_types_is_understood_as_one_that_sends(
    as_role: Any, ready: UUID, typed: str, on_page: bool
) -> None:
    bench = await as_role(Role.VACCINATOR)
    if on_page:
        answer = await bench.post(f"/visits/{ready}/unit", data={"trace_code": typed})
        assert (answer.status_code, f"/visits/{ready}/injection?unit=" in answer.headers["location"]) == (303, True)
    else:
        answer = await bench.post(f"/api/v1/visits/{ready}/permits", json={"trace_code": typed, **CHECKED})
        assert answer.status_code == 201


async def test_a_typed_code_that_contradicts_itself_is_refused(as_role: Any, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    answer = await bench.post(
        f"/api/v1/visits/{ready}/permits", json={"trace_code": f"]C101{GTIN[:-1]}621SN1", **CHECKED}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "scan_misread")


@pytest.mark.parametrize(
    ("text", "symbology", "code"),
    [
        (CODE, "]C0", "scan_is_unit"),
        ("CB1:abcdefgh", "]Q1", "bookings_not_set_up"),
        (f"01{GTIN[:-1]}6", "]C1", "scan_misread"),
        ("11010519491231002", None, "number_length"),
    ],
)
async def test_the_registration_desk_says_what_was_scanned_instead_of_a_person(
    as_role: Any, house: House, text: str, symbology: str | None, code: str
) -> None:
    desk = await as_role(Role.REGISTRAR)
    delivery_id = scanned(house, text, symbology, station="desk-1")
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["fault"], seen["person"]) == (code, None)
    answer = await desk.post("/api/v1/visits", json={"delivery_id": delivery_id})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_scanned_number_of_somebody_new_begins_their_form(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    delivery_id = scanned(house, ID_NUMBER.lower(), station="desk-1")
    page = (await desk.get("/check-in")).text
    assert f"/check-in/typed?delivery_id={delivery_id}" in page
    assert ID_NUMBER not in page
    form = (await desk.get("/check-in/typed", params={"delivery_id": delivery_id})).text
    assert f'value="{ID_NUMBER}"' in form
    assert '<option value="resident_id" selected>' in form
    elsewhere = await as_role(Role.REGISTRAR, station="desk-2")
    assert ID_NUMBER not in (await elsewhere.get("/check-in/typed", params={"delivery_id": delivery_id})).text


# ---- what the scanner is told ----


@asynccontextmanager
async def a_site_with_a_scanner(
    settings: Settings, clock: Clock, station: str | None
) -> AsyncIterator[tuple[FastAPI, BarcodeScannerStub]]:
    plug = MemoryPlug(f"verdicts-{next(names)}")
    scanner = BarcodeScannerStub(plug)
    device = DeviceSettings(
        device_id="s1", kind="barcode_scanner", url=plug.url, station=station, options={"make": "honeywell"}
    )
    with plug:
        async with running(settings.model_copy(update={"devices": (device,)}), clock) as app:
            await eventually(lambda: app.state.device_hub.shown()[0].state == "online", "the scanner is connected")
            yield app, scanner


@pytest.fixture(name="station")
def _station() -> str | None:
    return "bench-1"


@pytest.fixture(name="scanner_site")
async def _scanner_site(
    settings: Settings, clock: Clock, station: str | None
) -> AsyncIterator[tuple[FastAPI, BarcodeScannerStub]]:
    async with a_site_with_a_scanner(settings, clock, station) as site:
        yield site


@pytest.fixture(name="app")
def _app(scanner_site: tuple[FastAPI, BarcodeScannerStub]) -> FastAPI:
    return scanner_site[0]


@pytest.fixture(name="scanner")
def _scanner(scanner_site: tuple[FastAPI, BarcodeScannerStub]) -> BarcodeScannerStub:
    return scanner_site[1]


@pytest.fixture(name="scan")
def _scan(house: House, scanner: BarcodeScannerStub) -> Callable[..., Awaitable[str]]:
    async def scan(text: str, station: str = "bench-1") -> str:
        before = house.inbox.latest(station, "scan")
        scanner.scan(text)

        def arrived() -> bool:
            now = house.inbox.latest(station, "scan")
            return now is not None and (before is None or now.id != before.id)

        await eventually(arrived, "the scan is at its station")
        delivery = house.inbox.latest(station, "scan")
        assert delivery is not None
        return str(delivery.id)

    return scan


async def heard(scanner: BarcodeScannerStub, sounds: bytes) -> None:
    await eventually(lambda: len(scanner.heard) >= len(sounds), lambda: f"{sounds!r} is heard, not {scanner.heard!r}")
    assert scanner.heard == sounds


async def test_the_scanner_sounds_good_once_the_permit_is_committed(
    as_role: Any, ready: UUID, scanner: BarcodeScannerStub, scan: Any
) -> None:
    bench = await as_role(Role.VACCINATOR)
    key = {"idempotency-key": uuid4().hex}
    delivery_id = await scan(CODE)
    assert scanner.heard == b""
    assert (await asked(bench, ready, delivery_id, **key)).status_code == 201
    await heard(scanner, GOOD)
    assert (await asked(bench, ready, delivery_id, **key)).status_code == 201
    await asked(bench, ready, await scan("89999999999999999999"))
    await heard(scanner, GOOD + BAD)  # and so the replay sounded nothing


async def test_the_bench_page_uses_up_a_scan_and_lets_its_scanner_hear_the_same(
    as_role: Any, house: House, ready: UUID, scanner: BarcodeScannerStub, scan: Any
) -> None:
    bench = await as_role(Role.VACCINATOR)

    async def sent(delivery_id: str) -> int:
        form = {"delivery_id": delivery_id, "idempotency_key": uuid4().hex}
        status: int = (await bench.post(f"/visits/{ready}/unit", data=form)).status_code
        return status

    assert await sent(await scan("89999999999999999999")) == 422
    await heard(scanner, BAD)
    assert await sent(await scan(CODE)) == 303
    await heard(scanner, BAD + GOOD)
    assert house.inbox.latest("bench-1", "scan") is None


async def test_a_refusal_sounds_once_however_often_the_page_asks_and_good_after_it_still_sounds(
    as_role: Any, house: House, ready: UUID, scanner: BarcodeScannerStub, scan: Any
) -> None:
    bench = await as_role(Role.VACCINATOR)
    delivery_id = await scan("MAH-000077")
    for _ in range(3):
        assert (await asked(bench, ready, delivery_id)).status_code == 422
    await heard(scanner, BAD)
    a_lot(house.db, "MAH-000077")
    assert (await asked(bench, ready, delivery_id)).status_code == 201
    await heard(scanner, BAD + GOOD)


async def test_a_code_read_wrongly_sounds_bad_at_once_and_only_once(
    as_role: Any, ready: UUID, scanner: BarcodeScannerStub, scan: Any
) -> None:
    bench = await as_role(Role.VACCINATOR)
    delivery_id = await scan(f"01{GTIN[:-1]}6" + "21SN1")
    await heard(scanner, BAD)
    assert (await asked(bench, ready, delivery_id)).json()["code"] == "scan_misread"
    await asked(bench, ready, await scan(CODE))
    await heard(scanner, BAD + GOOD)


async def test_a_scan_that_nobody_waited_for_sounds_bad_and_is_never_the_next_persons(
    as_role: Any, house: House, ready: UUID, scanner: BarcodeScannerStub, scan: Any
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit = (await asked(bench, ready, await scan(CODE))).json()["permit_id"]
    await heard(scanner, GOOD)
    await scan(UNIT)
    shown = (await bench.get(f"/visits/{ready}/injection/scan", params={"permit": permit})).text
    assert ("has no use for it" in shown, "<form" in shown, UNIT in shown) == (True, False, False)
    await heard(scanner, GOOD + BAD)
    early = await scan(UNIT)
    next_one = a_consented_visit(house.db)
    await bench.get(f"/visits/{next_one}/injection")
    await heard(scanner, GOOD + BAD + BAD)
    assert "<form" not in (await bench.get(f"/visits/{next_one}/injection/scan")).text
    assert (await asked(bench, next_one, early)).json()["code"] == "scan_perished"


@pytest.mark.parametrize("station", [None])
async def test_a_scanner_of_no_station_sounds_bad(scanner: BarcodeScannerStub) -> None:
    scanner.scan(CODE)
    await heard(scanner, BAD)


@pytest.mark.parametrize("station", ["desk-1"])
async def test_the_registration_desks_scanner_hears_what_the_desk_did(
    as_role: Any, scanner: BarcodeScannerStub, scan: Any
) -> None:
    desk = await as_role(Role.REGISTRAR)
    visit_id = (await desk.post("/api/v1/visits", json=TYPED)).json()["visit_id"]
    await scan(TYPED["number"], "desk-1")
    assert (await desk.get("/api/v1/station/card")).json()["fault"] == "visit_already_open"
    await desk.get("/check-in/card")
    await heard(scanner, BAD)
    await desk.post(f"/api/v1/visits/{visit_id}/abandonment")
    newcomer = await scan("110101199003071735", "desk-1")
    assert (await desk.get("/api/v1/station/card")).json()["fault"] == "person_unknown"
    typed = {"typed_reason": "no_card", "document_kind": "resident_id", "number": "110101199003071735"}
    form = {**typed, "name": "李新", "delivery_id": newcomer}
    assert (await desk.post("/check-in/typed", data={**form, "number": "110101199003071736"})).status_code == 422
    await heard(scanner, BAD + BAD)
    assert (await desk.post("/check-in/typed", data=form)).status_code == 303
    await heard(scanner, BAD + BAD + GOOD)
    before = scanner.heard
    delivery_id = await scan(TYPED["number"], "desk-1")
    assert (await desk.post("/api/v1/visits", json={"delivery_id": delivery_id})).status_code == 201
    await heard(scanner, before + GOOD)
    await scan(CODE, "desk-1")
    await desk.get("/check-in/card")
    await heard(scanner, before + GOOD + BAD)
