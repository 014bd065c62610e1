"""Where a channel may connect to, whatever its name resolves to."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from devices.errors import LinkUnavailable
from devices.pagers.guard import MOST_ADDRESSES, Guard, meant_by, resolve
from devices.pagers.http import Call, HttpDoor
from firmware_stubs.pagers.robots import Reply, RobotsStub
from tests.devices.pager_parts import HERE, telling

PUBLIC = "203.119.205.70"
NOWHERE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "::1",
    "fd00::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::c0a8:101",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:3f57:fefe",
]
NEVER = [
    "0.0.0.0",  # noqa: S104 - this is what must not be dialled
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]
EVERYTHING = ("0.0.0.0/0", "::/0")


async def reason_for(address: str, may_reach: Sequence[str] = (), *, is_plain: bool = False) -> str:
    with pytest.raises(LinkUnavailable) as refused:
        await Guard(may_reach, telling(address)).addresses("gateway.example", 443, is_plain=is_plain)
    return refused.value.reason


@pytest.mark.parametrize("address", NOWHERE + NEVER)
async def test_nothing_but_the_public_internet_is_reached_unless_the_settings_name_it(address: str) -> None:
    assert await reason_for(address) == "address_not_permitted"


@pytest.mark.parametrize("address", NEVER)
async def test_no_setting_opens_the_addresses_of_nobody_and_of_clouds(address: str) -> None:
    assert await reason_for(address, EVERYTHING) == "address_not_permitted"


@pytest.mark.parametrize("address", NOWHERE)
async def test_a_network_that_is_named_may_be_reached(address: str) -> None:
    assert await Guard(EVERYTHING, telling(address)).addresses("gateway.example", 443) == [str(ip_address(address))]


@pytest.mark.parametrize("address", [PUBLIC, "2400:3200::1", f"::ffff:{PUBLIC}"])
async def test_the_public_internet_may_be_reached(address: str) -> None:
    found = await Guard((), telling(address)).addresses("gateway.example", 443)
    assert [meant_by(ip_address(one)) for one in found] == [meant_by(ip_address(address))]


async def test_one_bad_address_condemns_the_name() -> None:
    guard = Guard((), telling(PUBLIC, "10.0.0.1"))
    with pytest.raises(LinkUnavailable, match="address_not_permitted"):
        await guard.addresses("gateway.example", 443)


async def test_the_neighbour_of_a_network_that_is_named_stays_closed() -> None:
    assert await reason_for("10.2.0.1", ["10.1.0.0/16"]) == "address_not_permitted"


async def test_speech_without_tls_stays_in_the_networks_named() -> None:
    assert await reason_for(PUBLIC, ["10.0.0.0/8"], is_plain=True) == "tls_missing"
    near = Guard(["10.0.0.0/8"], telling("10.0.0.9"))
    assert await near.addresses("gateway.example", 80, is_plain=True) == ["10.0.0.9"]


async def test_a_name_of_many_addresses_is_tried_at_a_few() -> None:
    many = [f"203.119.205.{number}" for number in range(1, 30)]
    assert await Guard((), telling(*many, *many)).addresses("gateway.example", 443) == many[:MOST_ADDRESSES]


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "::1"])
async def test_this_machine_is_recognised_however_it_is_written(name: str) -> None:
    with pytest.raises(LinkUnavailable, match=r"address_not_permitted|name_not_found"):
        await Guard().addresses(name, 443)


@pytest.mark.parametrize("name", ["a..b", "x" * 300, "no-such-name.invalid"])
async def test_a_name_that_means_nothing_is_not_found(name: str) -> None:
    with pytest.raises(LinkUnavailable, match="name_not_found"):
        await Guard().addresses(name, 443)


async def test_the_systems_resolver_is_asked() -> None:
    assert "127.0.0.1" in await resolve("127.0.0.1", 443)


async def test_a_resolver_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.pagers.guard.RESOLVED_WITHIN_S", 0.05)

    async def silent(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(LinkUnavailable, match="name_not_found"):
        await Guard((), silent).addresses("gateway.example", 443)


async def test_a_name_is_resolved_once_and_what_was_judged_is_what_is_dialled() -> None:
    """DNS rebinding: the second answer would be another machine."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with RobotsStub() as stub:
        door = HttpDoor(Guard(["127.0.0.1/32"], rebinding))
        answer = await door.ask(Call(stub.url_of("webhook", "gateway.example"), b"{}"))
    assert answer.status == 200
    assert asked == ["gateway.example"]
    assert stub.received[0].headers["host"] == f"gateway.example:{stub.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_leads_nowhere(status: int) -> None:
    with RobotsStub() as stub, RobotsStub() as elsewhere:
        stub.befall_next(Reply(status=status, headers={"location": elsewhere.url_of("webhook")}))
        answer = await HttpDoor(Guard(HERE)).ask(Call(stub.url_of("webhook"), b"{}"))
    assert answer.status == status
    assert elsewhere.received == []
    assert len(stub.received) == 1


async def test_the_second_address_is_dialled_when_the_first_does_not_answer() -> None:
    with RobotsStub() as stub:
        door = HttpDoor(Guard(HERE, telling("127.0.0.2", "127.0.0.1")))
        assert (await door.ask(Call(stub.url_of("webhook", "gateway.example"), b"{}"))).status == 200


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with RobotsStub() as stub, RobotsStub() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        await HttpDoor(Guard(HERE)).ask(Call(stub.url_of("webhook"), b"{}"))
    assert proxy.received == []
    assert len(stub.received) == 1
