"""What desk PCs and their server say: every value survives, and nothing that comes can do more than be refused."""

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.adapter import DeviceSpec
from devices.agent.form import BadMessage, Form
from devices.agent.messages import (
    BATCH,
    EVENT,
    HEALTH,
    LINE,
    MEASURED,
    MOMENT,
    MOST_EVENT_BYTES,
    MOST_LINE_BYTES,
    DeviceList,
    DeviceReport,
    Health,
    Measured,
    Moment,
    RetryNow,
    SpoolTrouble,
    Tick,
    Told,
    Welcome,
)
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceDescribed,
    DeviceEvent,
    DeviceState,
    DeviceStateChanged,
    DocumentKind,
    IdCard,
    PayloadRejected,
    ProbePresence,
    SampleFault,
    SlipFailed,
    SlipPrinted,
    SupplyTold,
    TemperatureMeasured,
    TemperatureSample,
)
from devices.finding import Found
from devices.receipts import Receipt
from devices.words import Align, Pair, Picture, PrintSlip, Qr, Rule, Size, Slip, Text, Verdict

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NO_RECEIPT = Receipt.for_perishable()
SAMPLE = TemperatureSample(
    probe_id="p1", boot=7, seq=41, measured_at=AT, uptime_s=None, milli_celsius=-18_250, fault=None, retained=False
)
EVENTS = {  # typed by hand: an agent may be older than its server
    b'{"is":"barcode_scanned","device_id":"s","text":"]C1","symbology":null}': BarcodeScanned("s", "]C1", None),
    b'{"is":"card_unreadable","device_id":"r","reason":"not_read"}': CardUnreadable("r", "not_read"),
    b'{"is":"card_read","device_id":"r","card":{"is":"id_card","document_kind":"passport","number":"X1",'
    b'"name":"","latin_name":"HE XIN","born_on":"1991-02-03","photo":"AP8="}}': CardRead(
        "r",
        IdCard(
            document_kind=DocumentKind.PASSPORT,
            number="X1",
            name="",
            latin_name="HE XIN",
            born_on=date(1991, 2, 3),
            photo=b"\x00\xff",
        ),
    ),
    b'{"is":"device_described","device_id":"r","identity":"05.01"}': DeviceDescribed(device_id="r", identity="05.01"),
    b'{"is":"device_state_changed","device_id":"r","state":"offline","detail":"link_lost: unplugged"}': (
        DeviceStateChanged("r", DeviceState.OFFLINE, "link_lost: unplugged")
    ),
    b'{"is":"probe_presence","device_id":"f","probe_id":"p1","is_present":false}': ProbePresence("f", "p1", False),
    b'{"is":"payload_rejected","device_id":"f","reason":"not_json","payload":"eyI=","origin":"t"}': PayloadRejected(
        "f", "not_json", b'{"', NO_RECEIPT, "t"
    ),
    b'{"is":"slip_failed","device_id":"p","job_id":"j","reason":"too_old"}': SlipFailed("p", "j", "too_old"),
    b'{"is":"supply_told","device_id":"f","part":"p1","told_at":"2026-03-02T01:00:00Z","battery_percent":17,'
    b'"is_on_mains":false}': SupplyTold("f", "p1", AT, 17, False, NO_RECEIPT),
    b'{"is":"slip_printed","device_id":"p","job_id":"j","is_confirmed":true}': SlipPrinted("p", "j", True),
    b'{"is":"temperature_measured","device_id":"f","sample":{"is":"temperature_sample","probe_id":"p1","boot":7,'
    b'"seq":41,"measured_at":"2026-03-02T01:00:00Z","uptime_s":null,"milli_celsius":-18250,"fault":null,'
    b'"retained":false}}': TemperatureMeasured("f", SAMPLE, NO_RECEIPT),
}
LINES = {
    b'{"is":"welcome","run":"ab"}': Welcome("ab"),
    b'{"is":"tick","now":"2026-03-02T01:00:00Z"}': Tick(AT),
    b'{"is":"retry_now","device_id":"r"}': RetryNow("r"),
    b'{"is":"device_list","devices":[{"is":"device","device_id":"r","kind":"id_card_reader","url":"tcp://h:1",'
    b'"simulated":true,"options":{"a":"b"}}]}': DeviceList(
        (DeviceSpec("r", "id_card_reader", "tcp://h:1", True, {"a": "b"}),)
    ),
    b'{"is":"told","seq":3,"device_id":"s","word":"good"}': Told(3, "s", Verdict.GOOD),
    b'{"is":"told","seq":4,"device_id":"p","word":{"is":"print_slip","job_id":"j","slip":{"is":"slip","lines":['
    b'{"is":"text","text":"17","size":"huge","align":"center"},{"is":"rule"},{"is":"pair","name":"a","value":"b"},'
    b'{"is":"qr","text":"x","dots_per_module":4},{"is":"picture","width_bytes":1,"rows":"gA=="}]}}}': Told(
        4,
        "p",
        PrintSlip(
            "j",
            Slip((Text("17", Size.HUGE, Align.CENTER), Rule(), Pair("a", "b"), Qr("x", 4), Picture(1, b"\x80"))),
        ),
    ),
}
texts = st.text(max_size=40)
whole = st.integers(-(2**63) + 1, 2**63 - 1)
instants = st.datetimes(timezones=st.just(UTC))
cards = st.builds(
    IdCard,
    **{one.name: texts for one in fields(IdCard) if one.type is str or one.type == "str"},
    born_on=st.none() | st.dates(),
    valid_from=st.none() | st.dates(),
    valid_until=st.none() | st.dates(),
    photo=st.binary(max_size=2000),
)
samples = st.builds(
    TemperatureSample,
    probe_id=texts,
    boot=whole,
    seq=whole,
    measured_at=st.none() | instants,
    uptime_s=st.none() | whole,
    milli_celsius=st.none() | whole,
    fault=st.none() | st.sampled_from(SampleFault),
    retained=st.booleans(),
)
events: st.SearchStrategy[DeviceEvent] = st.one_of(
    st.builds(BarcodeScanned, texts, texts, st.none() | texts),
    st.builds(CardRead, texts, cards),
    st.builds(CardUnreadable, texts, texts),
    st.builds(DeviceDescribed, device_id=texts, part=texts, battery_percent=st.none() | whole),
    st.builds(DeviceStateChanged, texts, st.sampled_from(DeviceState), texts),
    st.builds(PayloadRejected, texts, texts, st.binary(max_size=5000), st.just(NO_RECEIPT), texts),
    st.builds(ProbePresence, texts, texts, st.booleans()),
    st.builds(SlipFailed, texts, texts, texts),
    st.builds(SlipPrinted, texts, texts, st.booleans()),
    st.builds(
        *(SupplyTold, texts, texts, st.none() | instants, st.none() | whole, st.none() | st.booleans()),
        st.just(NO_RECEIPT),
    ),
    st.builds(TemperatureMeasured, texts, samples, st.just(NO_RECEIPT)),
)
forms = st.sampled_from([EVENT, MOMENT, MEASURED, BATCH, HEALTH, LINE])


@pytest.mark.parametrize("written", EVENTS, ids=lambda written: type(EVENTS[written]).__name__)
def test_golden_event(written: bytes) -> None:
    assert EVENT.decode(written) == EVENTS[written]
    assert EVENT.decode(EVENT.encode(EVENTS[written])) == EVENTS[written]


@pytest.mark.parametrize("written", LINES, ids=lambda written: type(LINES[written]).__name__)
def test_golden_line(written: bytes) -> None:
    assert LINE.decode(written) == LINES[written]
    assert LINE.decode(LINE.encode(LINES[written])) == LINES[written]


def test_golden_health() -> None:
    written = (
        b'{"is":"health","run":"r","version":"0.1.0","platform":"Windows 11","spool_trouble":"full","devices":['
        b'{"is":"device_report","device_id":"d","state":"online","detail":"","since":"2026-03-02T01:00:00Z",'
        b'"described":{"":{"is":"device_described","device_id":"d","battery_percent":80}}}],"found":['
        b'{"is":"found","kind":"id_card_reader","url":"serial:///dev/x","label":"SAM"}]}'
    )
    device = DeviceReport(
        "d", DeviceState.ONLINE, "", AT, described={"": DeviceDescribed(device_id="d", battery_percent=80)}
    )
    health = Health(
        run="r",
        version="0.1.0",
        platform="Windows 11",
        spool_trouble=SpoolTrouble.FULL,
        devices=(device,),
        found=(Found("id_card_reader", "serial:///dev/x", "SAM"),),
    )
    assert HEALTH.decode(written) == health
    assert HEALTH.decode(HEALTH.encode(health)) == health


def test_golden_measured() -> None:
    written = b'{"is":"measured","id":"m1","age_ms":40,"device":"Monitor 3","systolic_mmhg":121,"diastolic_mmhg":79}'
    measured = Measured(id="m1", age_ms=40, device="Monitor 3", systolic_mmhg=121, diastolic_mmhg=79)
    assert MEASURED.decode(written) == measured
    assert MEASURED.decode(MEASURED.encode(measured)) == measured


@given(events, st.integers(0, 60_000))
def test_whatever_a_device_says_arrives_as_it_was_said(event: DeviceEvent, age_ms: int) -> None:
    assert EVENT.decode(EVENT.encode(event)) == event
    moment = Moment("m", age_ms, event)
    assert MOMENT.decode(MOMENT.encode(moment)) == moment


@given(forms, st.binary(max_size=300))
def test_no_bytes_crash_the_decoder(form: Form[object], content: bytes) -> None:
    with pytest.raises(BadMessage):
        form.decode(content)


@given(st.sampled_from([*EVENTS, *LINES]), st.data())
def test_one_turned_byte_is_refused_or_read_as_another_value(written: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(written) - 1))
    spoilt = written[:at] + bytes([data.draw(st.integers(0, 255))]) + written[at + 1 :]
    for form in (EVENT, LINE):
        try:
            form.decode(spoilt)
        except BadMessage as bad:
            assert bad.reason in {"too_large", "not_json", "unknown_kind", "not_understood"}  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"is":"tick","now":"\\ud800"}', "not_json"),
        (b"[]", "not_understood"),
        (b"{}", "not_understood"),
        (b'{"is":"shutdown"}', "unknown_kind"),
        (b'{"is":"card_read","device_id":"r","card":{}}', "unknown_kind"),
        (b'{"is":"tick","now":"2026-03-02T01:00:00"}', "not_understood"),
        (b'{"is":"tick","now":"2026-03-02T01:00:00Z","more":1}', "not_understood"),
        (b'{"is":"told","seq":"3","device_id":"s","word":"good"}', "not_understood"),
        (b'{"is":"told","seq":3,"device_id":"s","word":"louder"}', "not_understood"),
        (b'{"is":"told","seq":99999999999999999999,"device_id":"s","word":"good"}', "not_understood"),
        (b'{"is":"welcome","run":"' + b"a" * 9000 + b'"}', "not_understood"),
        (b'{"is":"welcome","run":"' + b"a" * MOST_LINE_BYTES + b'"}', "too_large"),
    ],
)
def test_a_line_that_is_none_is_refused_with_a_reason_that_stays(content: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as refused:
        LINE.decode(content)
    assert refused.value.reason == reason


@pytest.mark.parametrize("opening", [b"[", b'{"is":'])
def test_no_depth_of_nesting_crashes_the_decoder(opening: bytes) -> None:
    with pytest.raises(BadMessage):
        EVENT.decode(opening * (MOST_EVENT_BYTES // len(opening)))


def test_a_refusal_and_its_causes_never_repeat_what_came() -> None:
    with pytest.raises(BadMessage) as refused:
        EVENT.decode(b'{"is":"card_unreadable","device_id":"r","reason":["11010519491231002X"]}')
    assert "1101051949" not in f"{refused.value!r}{refused.value}{refused.value.__cause__}"


def test_a_receipt_never_travels_and_whoever_reads_gets_one_without_effect() -> None:
    said: list[bool] = []
    event = TemperatureMeasured("f", SAMPLE, Receipt(said.append))
    read = EVENT.decode(EVENT.encode(event))
    assert isinstance(read, TemperatureMeasured)
    read.receipt.acknowledge()
    assert said == []
