"""Devices: who sets them up, what they are called, what they are, and under which code a fault is explained."""

import pytest

from clinic_server.device_hub.rules import fault_code, is_made_up, leaves_dev, may_set_up, name_for


@pytest.mark.parametrize(
    ("kind", "roles", "may"),
    [
        ("id_card_reader", ["owner"], True),
        ("id_card_reader", ["registrar", "site_lead"], True),
        ("id_card_reader", ["cold_chain_keeper"], False),
        ("id_card_reader", ["registrar"], False),
        ("fridge_probe", ["cold_chain_keeper"], True),
        ("fridge_probe", ["registrar"], False),
        ("fridge_probe", ["owner"], True),
        ("fridge_probe", [], False),
    ],
)
def test_who_may_set_up_what(kind: str, roles: list[str], may: bool) -> None:
    assert may_set_up(kind, roles) is may


@pytest.mark.parametrize(
    ("kind", "station", "taken", "name"),
    [
        ("id_card_reader", "desk-1", [], "desk-1-reader"),
        ("id_card_reader", "desk-1", ["desk-1-reader"], "desk-1-reader-2"),
        ("id_card_reader", "desk-1", ["desk-1-reader", "desk-1-reader-2"], "desk-1-reader-3"),
        ("fridge_probe", None, [], "probes"),
        ("Label Maker_9", "desk-1", [], "desk-1-label-maker-9"),
        ("_Öl_", None, [], "l"),
        ("??", None, [], "device"),
        ("barcode_scanner", "s" * 40, [], "s" * 36),
    ],
)
def test_a_device_gets_a_name_nobody_has(kind: str, station: str | None, taken: list[str], name: str) -> None:
    assert name_for(kind, station, taken) == name


@pytest.mark.parametrize(
    ("address", "made_up"),
    [("memory://x", True), ("MEMORY:x", True), ("serial:///dev/memory", False), ("memory", True), ("x:memory", False)],
)
def test_what_leads_into_a_process_is_made_up(address: str, made_up: bool) -> None:
    assert is_made_up(address) is made_up


@pytest.mark.parametrize(
    ("address", "leaves"),
    [
        ("file:///dev/usb/lp0", False),
        ("file:///etc/passwd", True),
        ("file:///dev/../etc/passwd", True),
        ("file:///dev/%2e%2e/etc/passwd", True),
        ("file:///device", True),
        ("serial:///etc/passwd", False),
    ],
)
def test_a_file_outside_dev_is_told(address: str, leaves: bool) -> None:
    assert leaves_dev(address) is leaves


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ("jam", "jam"),
        ("jam: tray 2", "jam"),
        ("jam: a: b", "jam"),
        ("jam: known", "jam: known"),
        ("fire", "device_error"),
        ("fire: jam", "device_error"),
        ("jam:tight", "device_error"),
    ],
)
def test_a_fault_is_explained_exactly_or_by_what_stands_before_its_colon(detail: str, code: str) -> None:
    assert fault_code(detail, ["jam", "jam: known"]) == code
