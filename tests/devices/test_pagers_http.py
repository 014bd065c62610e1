"""Robots, SMS gateways and webhooks against services that refuse, lie, hang and break off."""

import json
import logging
import time
from pathlib import Path

import pytest

from devices.pagers.guard import Guard
from devices.pagers.http import HttpDoor
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.registry import pager_for
from devices.pagers.robots import RobotPager
from devices.pagers.webhook import Webhook
from firmware_stubs.pagers.robots import GOOD, REFUSALS, WECOM, Mishap, Reply, RobotsStub
from tests.devices.pager_parts import HERE, PAGE, guard_of, tls_of

ROBOTS = ("wecom", "dingtalk", "feishu")
SECRET = "SECkilo"
SMS_RULE = {"success_pointer": "/code", "success_value": "0"}


def secrets_of(kind: str) -> dict[str, str]:
    return {} if kind == "wecom" else {"secret": SECRET}


def robot_at(stub: RobotsStub, kind: str, *, answer_s: float = 5.0) -> RobotPager:
    spec = PagerSpec("group", kind, stub.url_of(kind), secrets=secrets_of(kind))
    return RobotPager(spec, HttpDoor(Guard(HERE), answer_s=answer_s))


# ---- robots ----


@pytest.mark.parametrize("kind", ROBOTS)
async def test_a_page_is_accepted_with_its_signature_and_reads_as_written(kind: str) -> None:
    with RobotsStub(secret=SECRET) as stub:
        assert await robot_at(stub, kind).send("", PAGE) == Outcome(Reached.ACCEPTED)
    assert [one.text for one in stub.received] == [PAGE.text]


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
async def test_a_wrong_secret_is_told(kind: str) -> None:
    with RobotsStub(secret="another") as stub:
        outcome = await robot_at(stub, kind).send("", PAGE)
    assert outcome == Outcome(Reached.FAILED, {"dingtalk": "errcode_310000", "feishu": "code_19021"}[kind])


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
async def test_a_clock_that_is_two_hours_slow_is_told(kind: str) -> None:
    def slow_ms() -> int:
        return int(time.time() - 7200) * 1000

    with RobotsStub(secret=SECRET) as stub:
        spec = PagerSpec("group", kind, stub.url_of(kind), secrets=secrets_of(kind))
        outcome = await RobotPager(spec, HttpDoor(Guard(HERE)), slow_ms).send("", PAGE)
    assert outcome.reached is Reached.FAILED


async def test_a_revoked_webhook_is_told() -> None:
    with RobotsStub() as stub:
        spec = PagerSpec("group", "wecom", stub.url_of("wecom")[:-1], may_reach=HERE)
        assert await pager_for(spec).send("", PAGE) == Outcome(Reached.FAILED, "errcode_93000")


@pytest.mark.parametrize(
    ("kind", "count", "outcome"),
    [
        ("wecom", 20, Outcome(Reached.FAILED, "errcode_45009", wait_s=60)),
        ("dingtalk", 20, Outcome(Reached.FAILED, "errcode_130101", wait_s=600)),
    ],
)
async def test_the_message_after_the_twentieth_is_told_how_long_to_wait(
    kind: str, count: int, outcome: Outcome
) -> None:
    with RobotsStub(secret=SECRET) as stub:
        robot = robot_at(stub, kind)
        taken = [await robot.send("", PAGE) for _ in range(count)]
        assert taken == [Outcome(Reached.ACCEPTED)] * count
        assert await robot.send("", PAGE) == outcome


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize("code", sorted(REFUSALS))
async def test_no_real_refusal_is_taken_for_success(kind: str, code: int) -> None:
    with RobotsStub(secret=SECRET) as stub:
        stub.befall_next(Reply(REFUSALS[code]))
        outcome = await robot_at(stub, kind).send("", PAGE)
    assert outcome.reached in {Reached.FAILED, Reached.UNCONFIRMED}


@pytest.mark.parametrize("kind", ROBOTS)
async def test_a_page_of_a_hundred_fridges_comes_in_messages_that_fit_and_names_each(kind: str) -> None:
    lines = [f"#{number} 严重 · A{number:03} 温度过高 · +9.4 °C 批号 2026{number:05}" for number in range(100)]
    with RobotsStub(secret=SECRET) as stub:
        page = Page(PAGE.number, PAGE.short, "\n".join(lines))
        assert await robot_at(stub, kind).send("", page) == Outcome(Reached.ACCEPTED)
    told = "\n".join(one.text for one in stub.received)
    assert all(line in told for line in lines)
    assert len(stub.received) == (4 if kind == "wecom" else 1)


@pytest.mark.parametrize(("length", "count"), [(2048, 1), (2049, 2)])
async def test_wecom_takes_2048_bytes_in_one_message_and_not_one_more(length: int, count: int) -> None:
    page = Page("1", "A1", "x" * 1000 + "\n" + "x" * (length - 1001))
    with RobotsStub() as stub:
        assert await robot_at(stub, "wecom").send("", page) == Outcome(Reached.ACCEPTED)
    assert len(stub.received) == count


async def test_a_message_after_one_that_was_refused_is_not_sent() -> None:
    with RobotsStub() as stub:
        stub.befall_next(Reply(GOOD[WECOM]), Reply(REFUSALS[45009]))
        outcome = await robot_at(stub, "wecom").send("", Page("1", "A1", "冷\n" * 2000))
    assert outcome == Outcome(Reached.FAILED, "errcode_45009", wait_s=60)
    assert len(stub.received) == 2


@pytest.mark.parametrize(
    ("kind", "address"), [("wecom", "13800001111"), ("dingtalk", "13800001111"), ("feishu", "ou_1")]
)
async def test_a_member_of_the_group_is_called(kind: str, address: str) -> None:
    with RobotsStub(secret=SECRET) as stub:
        assert await robot_at(stub, kind).send(address, PAGE) == Outcome(Reached.ACCEPTED)
    assert address in stub.received[0].body.decode()


@pytest.mark.parametrize("kind", ROBOTS)
async def test_an_address_that_is_none_is_not_sent_to(kind: str) -> None:
    with RobotsStub() as stub:
        outcome = await robot_at(stub, kind).send('x"></at><at user_id="all', PAGE)
    assert outcome == Outcome(Reached.FAILED, "address_malformed")
    assert stub.received == []


# ---- what goes wrong on the way ----


@pytest.mark.parametrize(
    ("befalls", "outcome"),
    [
        (Mishap.HANG, Outcome(Reached.UNCONFIRMED, "no_answer")),
        (Mishap.RESET, Outcome(Reached.UNCONFIRMED, "line_broken")),
        (Mishap.DROP, Outcome(Reached.UNCONFIRMED, "line_broken")),
        (Reply(b"<html>Sign in to the network</html>"), Outcome(Reached.UNCONFIRMED, "not_json")),
        (Reply(b'{"errcode":0' + b" " * 1_000_000 + b"}"), Outcome(Reached.UNCONFIRMED, "not_json")),
        (Reply(b'{"errcode":0}', 500), Outcome(Reached.UNCONFIRMED, "http_500")),
        (Reply(b'{"errcode":0}', 401), Outcome(Reached.FAILED, "http_401")),
        (Reply(b"", 204), Outcome(Reached.UNCONFIRMED, "not_json")),
        (Reply(status=429, headers={"retry-after": "17"}), Outcome(Reached.FAILED, "http_429", wait_s=17)),
        (Reply(status=503, headers={"retry-after": "17"}), Outcome(Reached.UNCONFIRMED, "http_503", wait_s=17)),
        (
            Reply(b"\x1f\x8b\x08\x00", headers={"content-encoding": "gzip"}),
            Outcome(Reached.UNCONFIRMED, "not_json"),
        ),
    ],
)
async def test_whatever_befalls_a_page_is_told_and_raises_nothing(befalls: Reply | Mishap, outcome: Outcome) -> None:
    with RobotsStub() as stub:
        stub.befall_next(befalls)
        robot = robot_at(stub, "wecom", answer_s=0.3)
        assert await robot.send("", PAGE) == outcome
        assert await robot.send("", PAGE) == Outcome(Reached.ACCEPTED)


async def test_where_nobody_listens_the_page_has_failed() -> None:
    with RobotsStub() as stub:
        robot = robot_at(stub, "wecom")
    assert await robot.send("", PAGE) == Outcome(Reached.FAILED, "not_reached")


async def test_a_robot_on_this_machine_is_not_reached_unless_the_settings_say_so() -> None:
    with RobotsStub() as stub:
        robot = pager_for(PagerSpec("group", "wecom", stub.url_of("wecom")))
        assert await robot.send("", PAGE) == Outcome(Reached.FAILED, "address_not_permitted")
    assert stub.received == []


async def test_tls_asks_for_the_name_though_an_address_is_dialled(tmp_path: Path) -> None:
    shown, trusted = tls_of("gateway.example", tmp_path)
    with RobotsStub(tls=shown) as stub:
        right = PagerSpec("group", "wecom", stub.url_of("wecom", "gateway.example"))
        other = PagerSpec("group", "wecom", stub.url_of("wecom", "other.example"))
        door = HttpDoor(guard_of("127.0.0.1"), trusted)
        assert await RobotPager(right, door).send("", PAGE) == Outcome(Reached.ACCEPTED)
        assert await RobotPager(other, door).send("", PAGE) == Outcome(Reached.FAILED, "certificate_refused")
        strange = HttpDoor(guard_of("127.0.0.1"))
        assert await RobotPager(right, strange).send("", PAGE) == Outcome(Reached.FAILED, "certificate_refused")
    assert len(stub.received) == 1


# ---- SMS by template ----


async def test_an_sms_is_put_together_from_the_sites_template() -> None:
    body = '{"user":"{user}","pass":"{password}","to":["{address}"],"text":"{text}","id":"{number}"}'
    with RobotsStub() as stub:
        options = {**SMS_RULE, "body": body, "authorization": "Bearer {token}"}
        secrets = {"user": "site", "password": 'p"w', "token": "t0ken"}
        spec = PagerSpec("sms", "sms_http", stub.url_of("sms"), options, secrets, HERE)
        assert await pager_for(spec).send("+8613800001111", PAGE) == Outcome(Reached.ACCEPTED)
    sent = stub.received[0]
    assert json.loads(sent.body) == {
        "user": "site",
        "pass": 'p"w',
        "to": ["+8613800001111"],
        "text": PAGE.text,
        "id": "4711",
    }
    assert (sent.method, sent.headers["authorization"]) == ("POST", "Bearer t0ken")


async def test_an_sms_goes_out_by_get_or_as_a_form() -> None:
    with RobotsStub() as stub:
        by_get = PagerSpec(
            "sms",
            "sms_http",
            f"{stub.url_of('sms')}?to={{address}}&m={{text}}",
            {**SMS_RULE, "method": "GET"},
            {},
            HERE,
        )
        form = {**SMS_RULE, "body": "to={address}&m={text}", "body_type": "form"}
        by_form = PagerSpec("sms", "sms_http", stub.url_of("sms"), form, {}, HERE)
        for spec in (by_get, by_form):
            assert await pager_for(spec).send("13800001111", PAGE) == Outcome(Reached.ACCEPTED)
    got, posted = stub.received
    assert (got.method, got.query) == ("GET", {"to": "13800001111", "m": PAGE.text})
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    assert posted.body.startswith(b"to=13800001111&m=%E5%86%B7")


async def test_the_messages_of_a_long_page_are_no_repetitions_of_each_other() -> None:
    with RobotsStub() as stub:
        body = '{"to":"{address}","text":"{text}","id":"{number}"}'
        spec = PagerSpec("sms", "sms_http", stub.url_of("sms"), {**SMS_RULE, "body": body}, {}, HERE)
        page = Page("4711", PAGE.short, "\n".join(["冷" * 100] * 5))
        assert await pager_for(spec).send("13800001111", page) == Outcome(Reached.ACCEPTED)
    assert [json.loads(one.body)["id"] for one in stub.received] == ["4711", "4711-1", "4711-2", "4711-3"]


async def test_a_gateway_that_refuses_with_http_200_is_believed() -> None:
    with RobotsStub() as stub:
        stub.befall_next(Reply(b'{"code":1004,"msg":"balance of 13800001111"}'), Reply(b"ok"))
        options = {**SMS_RULE, "body": '{"to":"{address}","text":"{text}"}'}
        pager = pager_for(PagerSpec("sms", "sms_http", stub.url_of("sms"), options, {}, HERE))
        assert await pager.send("13800001111", PAGE) == Outcome(Reached.FAILED, "code_1004")
        assert await pager.send("13800001111", PAGE) == Outcome(Reached.UNCONFIRMED, "not_json")
        assert await pager.send("13800001111&to=1", PAGE) == Outcome(Reached.FAILED, "address_malformed")
    assert len(stub.received) == 2


# ---- webhook ----


async def test_a_webhook_gets_the_page_signed() -> None:
    with RobotsStub() as stub:
        spec = PagerSpec("hook", "webhook", stub.url_of("webhook"), secrets={"secret": SECRET}, may_reach=HERE)
        hook = Webhook(spec, now_s=lambda: 1_795_312_800)
        assert await hook.send("ward 3", PAGE) == Outcome(Reached.ACCEPTED)
    sent = stub.received[0]
    assert json.loads(sent.body) == {
        "number": "4711",
        "address": "ward 3",
        "short": PAGE.short,
        "text": PAGE.text,
        "is_urgent": True,
        "reply_code": "01",
    }
    assert sent.headers["x-clinic-timestamp"] == "1795312800"
    assert sent.headers["x-clinic-signature"].startswith("sha256=")


async def test_a_webhook_with_a_rule_of_success_is_held_to_it() -> None:
    with RobotsStub() as stub:
        stub.befall_next(Reply(b'{"taken":false}'), Reply(b'{"taken":true}'), Reply(b""))
        options = {"success_pointer": "/taken", "success_value": "true"}
        hook = pager_for(PagerSpec("hook", "webhook", stub.url_of("webhook"), options, may_reach=HERE))
        reached = [(await hook.send("", PAGE)).reached for _ in range(3)]
    assert reached == [Reached.FAILED, Reached.ACCEPTED, Reached.UNCONFIRMED]


# ---- secrets ----


@pytest.mark.parametrize("kind", [*ROBOTS, "sms_http", "webhook"])
async def test_no_secret_and_no_address_is_told_or_logged(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Canaries in the URL, the secrets, the address and the service's answer, through every way a page can end."""
    canaries = ("canarykey", "canarysecret", "13800009999")
    answers = (
        Reply(b'{"errcode":0,"code":0,"msg":"canarykey canarysecret 13800009999"}'),
        *map(Reply, REFUSALS.values()),
    )
    told: list[object] = []
    with caplog.at_level(logging.DEBUG), RobotsStub() as stub:
        url = f"http://127.0.0.1:{stub.port}/canarykey?key=canarykey"
        options = (
            {**SMS_RULE, "body": '{"p":"{secret}","to":"{address}","text":"{text}"}'} if kind == "sms_http" else {}
        )
        secrets = {} if kind == "wecom" else {"secret": "canarysecret"}
        spec = PagerSpec("group", kind, url, options, secrets, HERE)
        pager = pager_for(spec)
        redirect = Reply(status=302, headers={"location": url})
        stub.befall_next(*answers, redirect, Mishap.RESET, Mishap.DROP, Reply(b"<html>canarykey"), Reply(b"", 500))
        told += [await pager.send("13800009999", PAGE) for _ in range(len(answers) + 5)]
        told += [spec, pager]
    told += [await pager.send("13800009999", PAGE)]  # nobody listens any more
    with caplog.at_level(logging.DEBUG):
        closed = pager_for(PagerSpec("group", kind, url, options, secrets))
        told += [await closed.send("13800009999", PAGE)]
    for canary in canaries:
        assert canary not in repr(told)
        assert canary not in caplog.text
    assert any(canaries[0] in record.path for record in stub.received)
