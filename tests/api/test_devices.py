"""Devices confirmed in the page: who may, what is refused, what is stored sealed, and that a test reaches no desk."""

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from clinic_server.device_hub.actions import NewDevice, confirm_device, retire_device
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.rules import DeviceAddressTaken, DeviceFromSettings
from clinic_server.device_hub.tables import device, device_retired
from clinic_server.device_hub.trials import SHOWN_S, TEST_CODE, TRIAL_S
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.crypto import WrongKey
from clinic_server.kit.journal import journal
from clinic_server.kit.pages import STATIC
from clinic_server.settings import DeviceSettings, Settings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from devices.finding import UNKNOWN, Found
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.plugs import MemoryPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.api.callers import AsRole, Client, SignedIn, running
from tests.conftest import ManualClock
from tests.devices.parts import eventually

CONSOLE = system_actor("console")
READER = {"kind": "id_card_reader", "address": "memory://a-reader", "station": "desk-1"}
START_B, STOP = 104, "2331112"
CODE_128 = {"211214": START_B, "131321": 35, "132131": 44, "231311": 41, "113321": 46, "122132": 13}
CODE_128 |= {"213311": 52, "132113": 37, "213113": 51, "214121": 90}
PROBES = {"kind": "fridge_probe", "address": "memory://a-broker", "station": None}


@pytest.fixture(name="hub")
def _hub(app: FastAPI) -> DeviceHub:
    hub: DeviceHub = app.state.device_hub
    return hub


@pytest.fixture(name="owner")
async def _owner(as_role: AsRole, house: House) -> SignedIn:
    owner = await as_role(Role.OWNER)
    await house.db.write(lambda tx: add_station(tx, "desk-1", StationKind.REGISTRATION), CONSOLE)
    return owner


async def confirmed(caller: Client, **changes: object) -> str:
    answer = await caller.post("/api/v1/devices", json=READER | changes)
    assert answer.status_code == 201, answer.text
    device_id: str = answer.json()["device_id"]
    return device_id


async def simulated(caller: Client, kind: str, station: str | None = "desk-1") -> str:
    """Confirm the simulated device of a kind that is offered."""
    found = (await caller.get("/api/v1/devices/found")).json()
    offered = next(one["found"] for one in found if one["kind"] == kind and one["is_simulated"])
    answer = await caller.post("/api/v1/devices", json={"found": offered, "station": station})
    assert answer.status_code == 201, answer.text
    device_id: str = answer.json()["device_id"]
    return device_id


async def online(hub: DeviceHub, device_id: str) -> None:
    def is_online() -> bool:
        return any((one.device_id, one.state.value) == (device_id, "online") for one in hub.shown())

    await eventually(is_online, f"{device_id} is connected")


async def settled(caller: Client, hub: DeviceHub, device_id: str) -> dict[str, Any]:
    """Wait for the end of a device's test and return what is told of it."""

    def is_over() -> object:
        trial = hub.trial_of(device_id)
        return trial and trial.outcome

    await eventually(is_over, "the test ends")
    told: dict[str, Any] = (await caller.get(f"/api/v1/devices/{device_id}/test")).json()
    return told


async def test_a_confirmed_device_is_named_after_its_station_stored_and_attended(
    owner: SignedIn, house: House, hub: DeviceHub
) -> None:
    assert await confirmed(owner) == "desk-1-reader"
    assert await confirmed(owner, address="memory://another") == "desk-1-reader-2"
    assert [(one.device_id, one.station) for one in hub.shown()] == [
        ("desk-1-reader", "desk-1"),
        ("desk-1-reader-2", "desk-1"),
    ]
    kinds = house.db.read_now(lambda c: c.execute(select(journal.c.kind).order_by(journal.c.seq)).scalars().all())
    assert kinds[-2:] == ["device_confirmed", "device_confirmed"]


async def test_the_address_is_sealed_to_its_row_and_its_password_is_shown_nowhere(
    owner: SignedIn, house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    address = "mqtt://clinic:canary-of-the-broker@127.0.0.1:1"
    device_id = await confirmed(owner, kind="fridge_probe", address=address, station=None)
    row = house.db.read_now(lambda c: c.execute(select(device)).one())
    assert b"canary" not in row.address_sealed
    assert house.db.keyring.open(row.address_sealed, f"device:address:{row.id}") == address
    with pytest.raises(WrongKey):
        house.db.keyring.open(row.address_sealed, f"device:address:{row.journal_seq}")
    listed = (await owner.get("/api/v1/devices")).json()
    assert [(one["device_id"], one["address"]) for one in listed] == [(device_id, "mqtt://127.0.0.1:1")]
    shown = (await owner.get("/devices")).text + (await owner.get(f"/devices/{device_id}/retirement")).text
    assert "canary" not in shown + str(listed) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("changes", "refusal", "fields"),
    [
        ({"kind": "fax"}, (422, "device_kind_refused"), ["kind"]),
        ({"address": "carrier://pigeon:user@nowhere:x"}, (422, "device_address_refused"), ["address"]),
        ({"address": "memory://a?baud=fast"}, (422, "device_address_refused"), ["address"]),
        ({"kind": "receipt_printer", "address": "file:///etc/x"}, (422, "device_address_refused"), ["address"]),
        ({"kind": "receipt_printer", "address": "file:///dev/../x"}, (422, "device_address_refused"), ["address"]),
        ({"kind": "receipt_printer", "address": "file:///dev/%2e%2e/x"}, (422, "device_address_refused"), ["address"]),
        ({"options": {"colour": "red"}}, (422, "device_option_refused"), ["options"]),
        ({"kind": "receipt_printer", "options": {"columns": "40"}}, (422, "device_option_refused"), ["options"]),
        (
            {"kind": "barcode_scanner", "options": {"silence_ms": "1" * 2000}},
            (422, "device_option_refused"),
            ["options"],
        ),
        ({"kind": "fridge_probe", "options": {"probe": "p" * 2000}}, (422, "device_option_refused"), ["options"]),
        ({"station": "desk-9"}, (422, "device_station_unknown"), ["station"]),
        ({"agent_id": "01890000-0000-7000-8000-000000000000"}, (422, "desk_pc_unknown"), ["agent_id"]),
        ({"device_id": "Reader 1"}, (400, "malformed"), ["device_id"]),
        ({"device_id": "desk-1-reader", "address": "memory://b"}, (409, "device_id_taken"), ["device_id"]),
        ({"address": "memory://taken"}, (409, "device_address_taken"), ["address"]),
        ({"found": "0123456789abcdef"}, (404, "found_device_gone"), []),
    ],
)
async def test_what_cannot_be_set_up_is_refused_and_leaves_nothing(
    owner: SignedIn, house: House, changes: dict[str, Any], refusal: tuple[int, str], fields: list[str]
) -> None:
    assert await confirmed(owner, address="memory://taken") == "desk-1-reader"
    answer = await owner.post("/api/v1/devices", json=READER | changes)
    assert (answer.status_code, answer.json()["code"]) == refusal
    assert answer.json()["fields"] == fields
    assert house.db.read_now(lambda c: c.execute(select(func.count()).select_from(device)).scalar_one()) == 1


async def test_a_refusal_says_in_the_readers_language_what_to_correct(owner: SignedIn) -> None:
    body = READER | {"kind": "receipt_printer", "options": {"columns": "40"}}
    answer = await owner.post("/api/v1/devices", json=body, headers={"accept-language": "zh-CN"})
    assert answer.json()["message"] == "选项不可用：option columns must be one of 32, 48"
    assert answer.json()["fix"] == "请更正选项后再次确认。"


async def test_many_subscriptions_may_share_a_broker_and_a_port_has_one_owner(owner: SignedIn) -> None:
    names = [await confirmed(owner, **PROBES, options={"probe": probe}) for probe in ("p1", "p2")]
    assert names == ["probes", "probes-2"]


async def test_a_keeper_sets_up_probes_and_no_reader(as_role: AsRole, owner: SignedIn) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    probes, reader = await confirmed(keeper, **PROBES), await confirmed(owner)
    refused = [
        await keeper.post("/api/v1/devices", json=READER | {"address": "memory://b"}),
        await keeper.post(f"/api/v1/devices/{reader}/retirement"),
        await keeper.post(f"/api/v1/devices/{reader}/test"),
        await keeper.post(f"/api/v1/devices/{reader}/retry"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert (await keeper.post(f"/api/v1/devices/{probes}/retirement")).status_code == 201


async def test_everybody_sees_the_devices_and_only_keepers_what_is_found(as_role: AsRole, owner: SignedIn) -> None:
    await confirmed(owner)
    registrar = await as_role(Role.REGISTRAR)
    assert len((await registrar.get("/api/v1/devices")).json()) == 1
    assert (await registrar.get("/api/v1/devices/found")).status_code == 403
    page = (await registrar.get("/devices")).text
    assert "desk-1-reader" in page
    for act in ("Look again", "Retire", "/test", "Set up"):
        assert act not in page


@pytest.mark.each_engine
async def test_the_same_key_confirms_once_also_when_the_find_has_gone_meanwhile(owner: SignedIn, house: House) -> None:
    found = (await owner.get("/api/v1/devices/found")).json()
    body = {"found": found[0]["found"], "station": "desk-1"}
    headers = {"idempotency-key": "one-and-the-same"}
    first = await owner.post("/api/v1/devices", json=body, headers=headers)
    await owner.get("/api/v1/devices/found")
    again = await owner.post("/api/v1/devices", json=body, headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 201
    assert house.db.read_now(lambda c: c.execute(select(func.count()).select_from(device)).scalar_one()) == 1
    other = await owner.post("/api/v1/devices", json=body)
    assert (other.status_code, other.json()["code"]) == (404, "found_device_gone")


async def test_a_retired_device_is_gone_its_record_stays_and_its_name_is_not_given_again(
    owner: SignedIn, house: House
) -> None:
    device_id = await confirmed(owner)
    assert (await owner.post(f"/api/v1/devices/{device_id}/retirement")).status_code == 201
    assert (await owner.get("/api/v1/devices")).json() == []
    again = await owner.post(f"/api/v1/devices/{device_id}/retirement")
    assert (again.status_code, again.json()["code"]) == (404, "device_unknown")
    assert await confirmed(owner) == "desk-1-reader-2"
    counted = [select(func.count()).select_from(table) for table in (device, device_retired)]
    assert [house.db.read_now(lambda c, q=q: c.execute(q).scalar_one()) for q in counted] == [2, 1]


async def test_a_device_of_the_settings_file_wins_over_a_confirmed_one_and_is_said_so(
    settings: Settings, clock: ManualClock
) -> None:
    new = NewDevice(kind="id_card_reader", address="memory://stored", device_id="r1")
    own = DeviceSettings(device_id="r1", kind="barcode_scanner", url="memory://from-the-file")
    async with running(settings, clock) as app:
        await app.state.house.db.write(lambda tx: confirm_device(tx, new), CONSOLE)
    async with running(settings.model_copy(update={"devices": (own,)}), clock) as app:
        hub: DeviceHub = app.state.device_hub
        assert [(one.device_id, one.kind, one.is_configured) for one in hub.shown()] == [
            ("r1", "barcode_scanner", True)
        ]
        assert hub.displaced == {"r1"}
    async with running(settings, clock) as app:
        assert [(one.address, one.is_configured) for one in app.state.device_hub.shown()] == [
            ("memory://stored", False)
        ]


async def test_the_settings_file_alone_takes_its_devices_away(settings: Settings, clock: ManualClock) -> None:
    own = DeviceSettings(device_id="r1", kind="barcode_scanner", url="memory://from-the-file")
    async with running(settings.model_copy(update={"devices": (own,)}), clock) as app:
        hub: DeviceHub = app.state.device_hub
        with pytest.raises(DeviceFromSettings):
            await app.state.house.db.write(lambda tx: retire_device(tx, "r1", hub.configured), CONSOLE)
        again = NewDevice(kind="id_card_reader", address="memory://from-the-file", device_id="r2")
        with pytest.raises(DeviceAddressTaken):
            await app.state.house.db.write(lambda tx: confirm_device(tx, again, hub.configured), CONSOLE)


async def test_a_test_shows_the_masked_name_and_the_desk_gets_no_person(
    owner: SignedIn, house: House, hub: DeviceHub
) -> None:
    reader = await simulated(owner, "id_card_reader")
    await online(hub, reader)
    begun = await owner.post(f"/api/v1/devices/{reader}/test")
    assert (begun.status_code, begun.json()["is_running"], begun.json()["kind"]) == (202, True, "card")
    await owner.post(f"/devices/{reader}/deeds", data={"deed": "lay_card_1"})
    shown = await settled(owner, hub, reader)
    card = synthetic_resident(1)
    assert shown["code"] == "card_read"
    assert shown["text"] == f"Card read: Resident ID card, {card.name[0]}*{card.name[-1]}."
    assert card.number not in str(shown)
    assert card.name not in str(shown)
    assert house.inbox.latest("desk-1", "card") is None
    await owner.post(f"/devices/{reader}/deeds", data={"deed": "take_off"})
    await owner.post(f"/devices/{reader}/deeds", data={"deed": "lay_card_2"})
    await eventually(lambda: house.inbox.latest("desk-1", "card"), "after the test a card is the desk's again")


async def test_a_desk_is_told_that_its_reader_is_being_tested(
    owner: SignedIn, as_role: AsRole, house: House, hub: DeviceHub
) -> None:
    reader = await simulated(owner, "id_card_reader")
    await online(hub, reader)
    registrar = await as_role(Role.REGISTRAR, station="desk-1")
    with house.db.broadcaster.open(frozenset({"devices-desk-1"})) as page:
        await owner.post(f"/api/v1/devices/{reader}/test")
        assert await page.next(5.0) is not None
        assert "being tested" in (await registrar.get("/station/devices")).text
        await owner.post(f"/devices/{reader}/deeds", data={"deed": "lay_card_1"})
        await settled(owner, hub, reader)
        assert await page.next(5.0) is not None
    assert "being tested" not in (await registrar.get("/station/devices")).text


async def test_a_scan_under_test_shows_its_length_and_never_its_text(
    owner: SignedIn, house: House, hub: DeviceHub
) -> None:
    scanner = await simulated(owner, "barcode_scanner")
    await online(hub, scanner)
    await owner.post(f"/api/v1/devices/{scanner}/test")
    await owner.post(f"/devices/{scanner}/deeds", data={"deed": "scan_trace_code"})
    shown = await settled(owner, hub, scanner)
    assert shown["text"] == "Code read: 20 characters, symbology ]C0."
    assert "81234567890123456789" not in (await owner.get("/devices")).text
    assert house.inbox.latest("desk-1", "scan") is None


def test_the_picture_to_scan_is_code_128_of_the_test_code() -> None:
    """ISO/IEC 15417, annex A: bars and spaces of the characters used; check character modulo 103."""
    drawn = re.findall(r"M(\d+) 6h(\d)", (STATIC / "test-code.svg").read_text())
    bars = [(int(at), int(width)) for at, width in drawn]
    spaces = [later - at - width for (at, width), (later, _) in pairwise(bars)]
    widths = "".join(f"{width}{space}" for (_, width), space in zip(bars, [*spaces, ""], strict=True))
    assert widths[-7:] == STOP
    values = [CODE_128[widths[at : at + 6]] for at in range(0, len(widths) - 7, 6)]
    start, *content, check = values
    assert start == START_B
    assert "".join(chr(value + 32) for value in content) == TEST_CODE
    assert check == (start + sum(place * value for place, value in enumerate(content, 1))) % 103


async def test_a_test_ends_by_itself_and_is_forgotten(owner: SignedIn, hub: DeviceHub, clock: ManualClock) -> None:
    reader = await simulated(owner, "id_card_reader")
    await online(hub, reader)
    await owner.post(f"/api/v1/devices/{reader}/test")
    clock.pass_time(seconds=TRIAL_S)
    shown = (await owner.get(f"/api/v1/devices/{reader}/test")).json()
    assert (shown["is_running"], shown["code"]) == (False, "nothing_came")
    clock.pass_time(seconds=SHOWN_S)
    assert (await owner.get(f"/api/v1/devices/{reader}/test")).status_code == 404


async def test_a_device_that_is_away_cannot_be_tested_and_may_be_tried_again(owner: SignedIn) -> None:
    reader = await confirmed(owner)
    answer = await owner.post(f"/api/v1/devices/{reader}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "device_away")
    assert (await owner.post(f"/api/v1/devices/{reader}/retry")).status_code == 204
    assert (await owner.post("/api/v1/devices/nobody/retry")).status_code == 404


async def test_an_unplugged_device_says_what_helps_on_its_page_and_at_its_own_station_only(
    owner: SignedIn, as_role: AsRole, hub: DeviceHub
) -> None:
    reader = await simulated(owner, "id_card_reader")
    await online(hub, reader)
    here, elsewhere = await as_role(Role.REGISTRAR, station="desk-1"), await as_role(Role.VACCINATOR)
    assert "notice" not in (await here.get("/station/devices")).text
    await owner.post(f"/devices/{reader}/deeds", data={"deed": "unplug"})
    await eventually(lambda: not hub.shown()[0].is_well, "the loss is seen")
    said = (await here.get("/station/devices")).text
    assert "ID card reader: Not connected since 09:00" in said
    assert "Plug the cable in" in said
    assert "Plug the cable in" in (await owner.get("/devices")).text
    assert "notice" not in (await elsewhere.get("/station/devices")).text
    await owner.post(f"/devices/{reader}/deeds", data={"deed": "plug_in"})
    await online(hub, reader)
    assert "notice" not in (await here.get("/station/devices")).text


async def test_a_real_device_takes_no_deeds(owner: SignedIn) -> None:
    reader = await confirmed(owner)
    answer = await owner.post(f"/devices/{reader}/deeds", data={"deed": "lay_card_1"})
    assert answer.status_code == 422
    assert "This cannot be done with this device." in answer.text


async def test_the_page_confirms_and_retires_without_javascript(owner: SignedIn, hub: DeviceHub) -> None:
    page = (await owner.get("/devices", params={"look": "1"})).text
    assert "No devices are set up." in page
    find = next(one for one in hub.found() if one.kind == "barcode_scanner")
    assert f"/devices/set-up?found={find.found}" in page
    form = (await owner.get("/devices/set-up", params={"found": find.found})).text
    assert "Make of the scanner" in form
    body = {"found": find.found, "station": "desk-1", "device_id": "", "make": "honeywell", "options": "encoding=utf-8"}
    added = await owner.post("/devices", data=body)
    assert (added.status_code, added.headers["location"]) == (303, "/devices")
    assert [one.device_id for one in hub.shown()] == ["desk-1-scanner"]
    assert dict(hub._devices["desk-1-scanner"].spec.options) == {"make": "honeywell", "encoding": "utf-8"}
    assert "Retire desk-1-scanner?" in (await owner.get("/devices/desk-1-scanner/retirement")).text
    assert (await owner.post("/devices/desk-1-scanner/retirement", data={})).status_code == 303
    assert hub.shown() == ()


async def test_what_a_finder_knows_of_a_device_is_filled_in_and_kept(owner: SignedIn, hub: DeviceHub) -> None:
    async def finder(_in_use: Collection[str], _broker_url: str | None) -> list[Found]:
        options = {"make": "zebra_ssi", "encoding": "gb18030"}
        return [Found("barcode_scanner", "serial:///dev/none", "Zebra DS2208", "S/N 7", options=options)]

    hub._here._find = finder
    key = next(one["found"] for one in (await owner.get("/api/v1/devices/found")).json() if not one["is_simulated"])
    form = (await owner.get("/devices/set-up", params={"found": key})).text
    for words in ("Zebra DS2208", "S/N 7", '<option value="zebra_ssi" selected>', "encoding=gb18030\n"):
        assert words in form
    assert "make=zebra_ssi" not in form, "an option with a list of its own is not typed as well"
    answer = await owner.post("/api/v1/devices", json={"found": key, "options": {"encoding": "utf-8"}})
    assert answer.status_code == 201
    (confirmed_one,) = hub._devices.values()
    assert dict(confirmed_one.spec.options) == {"make": "zebra_ssi", "encoding": "utf-8"}


async def test_what_hangs_on_no_hardware_is_labelled_simulated_whatever_was_said(owner: SignedIn) -> None:
    await confirmed(owner, is_simulated=False)
    await confirmed(owner, address="serial:///dev/none")
    assert [one["is_simulated"] for one in (await owner.get("/api/v1/devices")).json()] == [True, False]


async def test_a_printer_in_trouble_tells_its_desk(owner: SignedIn, as_role: AsRole, hub: DeviceHub) -> None:
    plug = MemoryPlug("desk-printer")
    printer = ReceiptPrinterStub(plug)
    printer.is_paper_out = True
    registrar = await as_role(Role.REGISTRAR, station="desk-1")
    with plug:
        device_id = await confirmed(owner, kind="receipt_printer", address=plug.url)
        await online(hub, device_id)
        said = (await registrar.get("/station/devices")).text
    assert "Receipt printer: The printer is out of paper." in said
    assert "Put in a new roll" in said


async def test_a_typed_device_with_a_misspelt_option_keeps_the_form(owner: SignedIn, hub: DeviceHub) -> None:
    body = {"kind": "barcode_scanner", "address": "memory://s", "station": "", "options": "encoding utf-8"}
    answer = await owner.post("/devices", data=body, headers={"hx-request": "true"})
    assert answer.status_code == 422
    assert 'data-at-fault="options"' in answer.text
    assert hub.shown() == ()


async def test_a_device_confirmed_by_whomever_is_attended_without_restart(house: House, hub: DeviceHub) -> None:
    """Whoever records it: the hub follows the journal, not the page."""
    new = NewDevice(kind="id_card_reader", address="memory://by-the-console", device_id="r9")
    await house.db.write(lambda tx: confirm_device(tx, new), CONSOLE)
    await eventually(lambda: [one.device_id for one in hub.shown()] == ["r9"], "the hub attends it")


async def test_a_find_nobody_can_name_is_set_up_as_what_a_person_says_it_is(owner: SignedIn, hub: DeviceHub) -> None:
    async def finder(_in_use: Collection[str], _broker_url: str | None) -> list[Found]:
        return [Found(UNKNOWN, "serial:///dev/none", "USB serial (1A86:7523)", trouble="not_permitted")]

    hub._here._find = finder
    page = (await owner.get("/devices", params={"look": "1"})).text
    assert "Unknown device" in page
    assert "The server may not open this port." in page
    (find,) = hub.found()
    form = (await owner.get("/devices/set-up", params={"found": find.found})).text
    assert 'id="kind"' in form
    assert 'id="address"' not in form
    body = {"found": find.found, "station": "desk-1", "device_id": "", "kind": ""}
    refused = await owner.post("/devices", data=body)
    assert refused.status_code == 422
    assert hub.shown() == ()
    assert (await owner.post("/devices", data={**body, "kind": "barcode_scanner"})).status_code == 303
    assert [(one.device_id, one.kind) for one in hub.shown()] == [("desk-1-scanner", "barcode_scanner")]
