"""Group robots, SMS templates and webhooks: what is sent, and what an answer means."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import OptionRefused, SpecRefused
from devices.pagers.http import wait_told
from devices.pagers.page import Outcome, PagerSpec, Reached
from devices.pagers.registry import PAGER_KINDS, pager_for
from devices.pagers.robot_wire import MAKES, dingtalk_signature, encoded, feishu_signature, judged
from devices.pagers.sms_http import filled, in_json, in_url
from devices.pagers.success import SuccessRule
from devices.pagers.webhook import signature_headers
from firmware_stubs.pagers.robots import REFUSALS

SECRET = "SECkilo"
NOON_MS = 1_795_312_800_123


# ---- signatures; the vectors are of openssl, not of this code ----


def test_dingtalk_signs_with_the_secret_over_time_and_secret_in_milliseconds() -> None:
    """printf '1795312800123\\nSECkilo' | openssl dgst -sha256 -mac HMAC -macopt key:SECkilo -binary | base64"""
    signed = dingtalk_signature(SECRET, NOON_MS)
    assert signed.query == "timestamp=1795312800123&sign=PjWGktr5seVklg%2FAuINkNznOsUqipSvEUg2TgS51A2U%3D"
    assert signed.fields == {}


def test_feishu_signs_nothing_with_time_and_secret_in_seconds() -> None:
    """The key is '1795312800\\nSECkilo' and the message is empty (openssl dgst -macopt hexkey:…)."""
    signed = feishu_signature(SECRET, NOON_MS)
    assert signed.fields == {"timestamp": "1795312800", "sign": "pLSRLWqRMvJOfmvLSYruEkjGcaS49gdGUIwg6Qwds3Q="}
    assert signed.query == ""


def test_a_webhook_signs_time_and_body() -> None:
    """printf '1795312800.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt key:SECkilo"""
    assert signature_headers(SECRET, 1_795_312_800, b'{"a":1}') == {
        "x-clinic-timestamp": "1795312800",
        "x-clinic-signature": "sha256=954693a8c6ab00838062cd64f2c77719aecc87a1ecc1c2fa172b0b3ef7ccc3b2",
    }


# ---- what is sent ----


@pytest.mark.parametrize(
    ("kind", "address", "sent"),
    [
        ("wecom", "", '{"msgtype":"text","text":{"content":"冷链"}}'),
        (
            "wecom",
            "13800001111",
            '{"msgtype":"text","text":{"content":"冷链","mentioned_mobile_list":["13800001111"]}}',
        ),
        ("dingtalk", "", '{"msgtype":"text","text":{"content":"冷链"}}'),
        (
            "dingtalk",
            "13800001111",
            '{"msgtype":"text","text":{"content":"@13800001111 冷链"},"at":{"atMobiles":["13800001111"]}}',
        ),
        ("feishu", "", '{"msg_type":"text","content":{"text":"冷链"}}'),
        ("feishu", "ou_1", '{"msg_type":"text","content":{"text":"<at user_id=\\"ou_1\\"></at> 冷链"}}'),
    ],
)
def test_golden_bodies(kind: str, address: str, sent: str) -> None:
    assert encoded(MAKES[kind].body_of("冷链", address)).decode() == sent


def test_a_text_calls_nobody_in_feishu_by_what_stands_in_it() -> None:
    body = MAKES["feishu"].body_of('冰箱 <at user_id="all"></at>', "")
    assert '<at user_id="all">' not in body["content"]["text"]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from('\n\t"\\'), max_size=3000))
def test_a_body_of_feishu_or_dingtalk_never_passes_twenty_kilobytes(text: str) -> None:
    """JSON's escapes double a text of quotation marks."""
    for kind in ("feishu", "dingtalk"):
        kept = text.encode()[: MAKES[kind].most_bytes].decode("utf-8", "ignore")
        assert len(encoded(MAKES[kind].body_of(kept, "13800001111"))) <= 20_000


# ---- what an answer means ----


@pytest.mark.parametrize(
    ("kind", "code", "outcome"),
    [
        ("wecom", 93000, Outcome(Reached.FAILED, "errcode_93000")),
        ("wecom", 40058, Outcome(Reached.FAILED, "errcode_40058")),
        ("wecom", 45009, Outcome(Reached.FAILED, "errcode_45009", wait_s=60)),
        ("dingtalk", 310000, Outcome(Reached.FAILED, "errcode_310000")),
        ("dingtalk", 130101, Outcome(Reached.FAILED, "errcode_130101", wait_s=600)),
        ("feishu", 19021, Outcome(Reached.FAILED, "code_19021")),
        ("feishu", 11232, Outcome(Reached.FAILED, "code_11232", wait_s=60)),
    ],
)
def test_a_refusal_comes_with_http_200_and_is_one(kind: str, code: int, outcome: Outcome) -> None:
    assert judged(MAKES[kind], 200, REFUSALS[code]) == outcome


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("wecom", b'{"errcode":0,"errmsg":"ok"}'),
        ("dingtalk", b'{"errcode":0,"errmsg":"ok"}'),
        ("feishu", b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}'),
    ],
)
def test_only_the_code_is_success(kind: str, body: bytes) -> None:
    assert judged(MAKES[kind], 200, body) == Outcome(Reached.ACCEPTED)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"ok", "not_json"),
        (b"<html>Sign in</html>", "not_json"),
        (b"[0]", "not_an_object"),
        (b"{}", "code_missing"),
        (b'{"StatusCode":0}', "code_missing"),
        (b'{"errcode":false}', "code_missing"),
        (b'{"errcode":"0"}', "code_missing"),
        (b'{"errcode":0.0}', "code_missing"),
        (b'{"errcode":null}', "code_missing"),
        (b'{"errcode":93000,"errcode":0}', "key_doubled"),
        (b'{"errcode":0,"errmsg":"' + b"x" * 70_000 + b'"}', "too_large"),
    ],
)
def test_an_answer_without_a_code_confirms_nothing(body: bytes, reason: str) -> None:
    assert judged(MAKES["wecom"], 200, body) == Outcome(Reached.UNCONFIRMED, reason)


def test_each_robot_is_judged_by_its_own_field() -> None:
    assert judged(MAKES["feishu"], 200, b'{"errcode":0}').reached is Reached.UNCONFIRMED
    assert judged(MAKES["wecom"], 200, b'{"code":0}').reached is Reached.UNCONFIRMED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome(Reached.FAILED, "http_302")),
        (400, Outcome(Reached.FAILED, "http_400")),
        (401, Outcome(Reached.FAILED, "http_401")),
        (429, Outcome(Reached.FAILED, "http_429", wait_s=60)),
        (500, Outcome(Reached.UNCONFIRMED, "http_500")),
        (504, Outcome(Reached.UNCONFIRMED, "http_504")),
    ],
)
def test_a_status_beside_success_decides_whatever_the_body_says(status: int, outcome: Outcome) -> None:
    assert judged(MAKES["wecom"], status, b'{"errcode":0}') == outcome


@given(st.binary(max_size=200), st.integers(100, 599))
def test_no_answer_crashes_a_robot_and_none_but_success_is_accepted(body: bytes, status: int) -> None:
    for make in MAKES.values():
        assert judged(make, status, body).reached is not Reached.ACCEPTED


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999999", 3600.0),
        ("Mon, 02 Mar 2026 01:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("Mon, 2 Mar 2026 01:0271717717717717177177", None),
        ("-5", None),
        ("", None),
        ("١٢", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour(text: str, wait_s: float | None) -> None:
    assert wait_told(text, datetime(2026, 3, 2, 1, 0, tzinfo=UTC)) == wait_s


# ---- templates and success rules ----


VALUES = {"text": '冷链 "A1"\n{address}&to=1', "address": "+8613800001111"}


def test_what_is_filled_in_is_escaped_for_its_place_and_not_looked_at_again() -> None:
    body = filled('{"to":"{address}","content":"{text}"}', VALUES, in_json)
    assert json.loads(body) == {"to": VALUES["address"], "content": VALUES["text"]}
    form = filled("to={address}&content={text}", VALUES, in_url)
    assert form == ("to=%2B8613800001111&content=%E5%86%B7%E9%93%BE%20%22A1%22%0A%7Baddress%7D%26to%3D1")


@given(st.text(st.characters(blacklist_categories=("Cs",))))
def test_no_text_leaves_its_json_string(text: str) -> None:
    assert json.loads(filled('{"a":"{text}","b":1}', {"text": text}, in_json)) == {"a": text, "b": 1}


@pytest.mark.parametrize(
    ("pointer", "value", "body", "outcome"),
    [
        ("/code", "0", b'{"code":0}', Outcome(Reached.ACCEPTED)),
        ("/code", "0", b'{"code":"0"}', Outcome(Reached.ACCEPTED)),
        ("/ok", "true", b'{"ok":true}', Outcome(Reached.ACCEPTED)),
        (
            "/Response/SendStatusSet/0/Code",
            "Ok",
            b'{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}',
            Outcome(Reached.ACCEPTED),
        ),
        ("/code", "0", b'{"code":false}', Outcome(Reached.FAILED, "refused_by_service")),
        ("/code", "0", b'{"code":1004}', Outcome(Reached.FAILED, "code_1004")),
        ("/code", "0", b'{"code":13800001111}', Outcome(Reached.FAILED, "refused_by_service")),
        ("/code", "OK", b'{"code":"13800001111 is blocked"}', Outcome(Reached.FAILED, "refused_by_service")),
        ("/code", "0", b'{"status":0}', Outcome(Reached.UNCONFIRMED, "code_missing")),
        ("/code", "0", b"0", Outcome(Reached.UNCONFIRMED, "not_an_object")),
    ],
)
def test_a_services_own_rule_of_success(pointer: str, value: str, body: bytes, outcome: Outcome) -> None:
    assert SuccessRule(pointer, value).judged(200, body, None) == outcome


# ---- descriptions ----

SMS = {"success_pointer": "/code", "success_value": "0", "body": '{"to":"{address}","text":"{text}"}'}
FINE = {
    "dingtalk": PagerSpec("c", "dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=k"),
    "email": PagerSpec("c", "email", "smtp://mail.example.org:587", {"sender": "clinic@example.org"}),
    "feishu": PagerSpec("c", "feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/k"),
    "mqtt_topic": PagerSpec("c", "mqtt_topic", "mqtt://broker:1883", {"topic": "site/alarm"}),
    "screen": PagerSpec("c", "screen", ""),
    "siren": PagerSpec("c", "siren", "serial:///dev/ttyUSB0?baud=9600"),
    "sms_http": PagerSpec("c", "sms_http", "https://sms.example.org/send", SMS),
    "webhook": PagerSpec("c", "webhook", "https://example.org/hook"),
    "wecom": PagerSpec("c", "wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"),
}


@pytest.mark.parametrize("kind", sorted(FINE))
def test_every_kind_is_built_from_its_description(kind: str) -> None:
    assert pager_for(FINE[kind]) is not None


def test_every_kind_of_this_file_is_known() -> None:
    assert set(FINE) < set(PAGER_KINDS)


@pytest.mark.parametrize("kind", sorted(FINE))
def test_a_misspelt_option_is_refused(kind: str) -> None:
    fine = FINE[kind]
    with pytest.raises(OptionRefused, match="unknown option"):
        pager_for(PagerSpec("c", kind, fine.url, {**fine.options, "sucess": "1"}))


@pytest.mark.parametrize(
    ("kind", "url", "options", "secrets"),
    [
        ("fax", "https://h/", {}, {}),
        ("wecom", "ftp://h/k", {}, {}),
        ("wecom", "file:///etc/passwd", {}, {}),
        ("wecom", "https:///k", {}, {}),
        ("wecom", "https://user:pw@h/k", {}, {}),
        ("wecom", "https://h:99999/k", {}, {}),
        ("wecom", "https://h/k", {}, {"secret": "s"}),
        ("sms_http", "https://h/", {**SMS, "success_value": ""}, {}),
        ("sms_http", "https://h/", {**SMS, "success_pointer": "code"}, {}),
        ("sms_http", "https://h/", {"body": SMS["body"]}, {}),
        ("sms_http", "https://h/", {**SMS, "body": '{"to":"{address}"}'}, {}),
        (
            "sms_http",
            "https://h/",
            {**SMS, "body": '{"to":"{address}","text":"{text}","p":"{pasword}"}'},
            {"password": "s"},
        ),
        ("sms_http", "https://h/", {**SMS, "authorization": "Bearer {address}"}, {}),
        ("sms_http", "https://h/", {**SMS, "method": "PUT"}, {}),
        ("sms_http", "https://h/", {**SMS, "body": "to={address}&text={text}"}, {}),
        ("sms_http", "https://h/", {**SMS, "authorization": "Bearer {token}"}, {"token": "密钥"}),
        ("sms_http", "https://h/", {**SMS, "authorization": "Bearer {token}"}, {"token": "a\r\nx: y"}),
        ("webhook", "https://h/", {"success_value": "0"}, {}),
        ("email", "smtp://h", {"sender": "nobody"}, {}),
        ("email", "smtp://u:p@h", {"sender": "a@b.cn"}, {}),
        ("email", "http://h", {"sender": "a@b.cn"}, {}),
        ("email", "smtp://h", {"sender": "a@b.cn", "tls": "maybe"}, {}),
        ("mqtt_topic", "mqtt://h", {"topic": "a/#"}, {}),
        ("mqtt_topic", "mqtt://h", {}, {}),
        ("mqtt_topic", "mqtt://h", {"topic": "a", "ack_topic": "+"}, {}),
        ("siren", "file:///dev/ttyUSB0", {}, {}),
        ("siren", "serial:///dev/ttyUSB0", {"on": "zz"}, {}),
    ],
)
def test_what_can_never_work_is_refused_with_a_sentence(
    kind: str, url: str, options: dict[str, str], secrets: dict[str, str]
) -> None:
    with pytest.raises(SpecRefused) as refused:
        pager_for(PagerSpec("c", kind, url, options, secrets))
    assert len(refused.value.reason) > 20
    assert "pw" not in refused.value.reason


def test_a_network_that_may_be_reached_is_written_as_one() -> None:
    with pytest.raises(SpecRefused, match=r"10\.0\.0\.0/8"):
        pager_for(PagerSpec("c", "webhook", "https://h/", may_reach=("the LAN",)))
