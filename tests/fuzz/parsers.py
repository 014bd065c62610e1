"""Every parser of foreign bytes, by the folder of its device. A new device joins this table by one entry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from devices.agent import messages
from devices.agent.form import BadMessage
from devices.barcode_scanner import code, feedback
from devices.barcode_scanner import wire as scanner_wire
from devices.errors import BadFrame, CardUnusable, WireError
from devices.fridge_probe import home_assistant
from devices.fridge_probe import wire as probe_wire
from devices.fridge_probe.context import Delivery
from devices.fridge_probe.listening import listening_of
from devices.id_card_reader import wire as reader_wire
from devices.id_card_text import decode_card_text
from devices.links.keymap import RECORD, Keymap
from devices.pagers import at_wire, sms_pdu, snpp_wire, tap_wire
from devices.pagers.http import wait_told
from devices.pagers.mqtt_topic import acknowledged
from devices.pagers.robot_wire import MAKES, judged
from devices.pagers.success import SuccessRule
from devices.receipt_printer import wire as printer_wire
from devices.smart_card.apdu import Laying
from devices.smart_card.recognition import read_card
from devices.travel_document import mrz
from devices.travel_document import wire as document_wire
from firmware_stubs.pagers.robots import GOOD, REFUSALS

STUBS = Path(__file__).parents[2] / "firmware_stubs"
TODAY = date(2026, 3, 2)
MOST_STEPS = 400

Stream = Callable[[Sequence[bytes]], object]


@dataclass(frozen=True, slots=True)
class Decoder:
    """What takes bytes whole, and the only errors it may raise."""

    decode: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = (BadFrame,)


@dataclass(frozen=True, slots=True)
class Parser:
    """All ways into one device's code. A stream takes bytes in slices and returns all that came out in the end."""

    decoders: Mapping[str, Decoder]
    seeds: Callable[[], Sequence[bytes]]
    streams: Mapping[str, Stream] = field(default_factory=dict)


# ---- seeds ----


def vectors(device: str) -> Iterator[Mapping[str, str]]:
    """Yield the fields of every golden vector of a device."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keep the case of field names
    parser.read_string((STUBS / device / "vectors.txt").read_text(encoding="utf-8"))
    for name in parser.sections():
        yield parser[name]


def _fields_of(device: str) -> list[bytes]:
    """Return every field of the vectors: as bytes where it is hexadecimal, as text where it is not."""
    seeds = []
    for value in (value for fields in vectors(device) for value in fields.values() if value):
        seeds.append(value.encode())
        with suppress(ValueError):
            seeds.append(bytes.fromhex(value))
    return seeds


def _joined(device: str, end: bytes) -> list[bytes]:
    """Return the fields, and some of them one after the other, as a line brings them."""
    fields = _fields_of(device)
    return [*fields, *(end.join([*fields[at : at + 4], b""]) for at in range(0, len(fields), 4))]


def _topics_and_payloads() -> list[bytes]:
    sent = [fields for fields in vectors("fridge_probe") if "payload" in fields]
    seeds = [f"{fields['topic']}\n{fields['payload']}".encode() for fields in sent]
    discovery = (
        b'homeassistant/sensor/fridge-a/config\n{"~":"fridge-a","uniq_id":"a1","stat_t":"~/sensor/t/state",'
        b'"unit_of_meas":"C","value_template":"{{ value_json.a.b }}"}'
    )
    return [*seeds, b'p/t\n{"t":4.5,"at":1772413150999}', discovery]


def _answers() -> list[bytes]:
    """Return what an ID reader sends, and what its answers hold without their frames."""
    sent = _joined("id_card_reader", b"")
    head = reader_wire.HEADER_LENGTH + 3  # the status
    return [*sent, *(frame[head:-1] for frame in sent if frame.startswith(reader_wire.PREAMBLE))]


def _cards() -> list[bytes]:
    """Return what cards said: the ATR, then every answer, each behind its length."""
    seeds = []
    for fields in vectors("smart_card"):
        answers = [line.split(" -> ")[1] for line in fields.get("said", "").splitlines() if line]
        said = [bytes.fromhex(part) for part in (fields["atr"], *answers)]
        seeds.append(b"".join(len(part).to_bytes(2, "big") + part for part in said))
    return seeds


def _messages() -> list[bytes]:
    card = b'{"is":"id_card","document_kind":"passport","number":"1","name":"n","born_on":"1990-01-01"}'
    sample = (
        b'{"is":"temperature_sample","probe_id":"p","boot":1,"seq":2,"measured_at":"2026-03-02T01:00:00Z",'
        b'"uptime_s":1,"milli_celsius":4000,"fault":null,"retained":false}'
    )
    events = [
        b'{"is":"barcode_scanned","device_id":"s","text":"81000001000000000001","symbology":"]C0"}',
        b'{"is":"card_read","device_id":"r","card":' + card + b"}",
        b'{"is":"temperature_measured","device_id":"f","sample":' + sample + b"}",
        b'{"is":"payload_rejected","device_id":"f","reason":"not_text","payload":"AAEC","origin":""}',
        b'{"is":"device_state_changed","device_id":"f","state":"online","detail":""}',
    ]
    slip = b'{"is":"print_slip","job_id":"j","slip":{"is":"slip","lines":[{"is":"rule"},{"is":"text","text":"A"}]}}'
    return [
        *events,
        b'{"is":"moment","id":"m","age_ms":5,"event":' + events[0] + b"}",
        b'{"is":"measured","id":"m","age_ms":5,"device":"d","milli_celsius":36600,"systolic_mmhg":120}',
        b'{"is":"batch","messages":[{"is":"message","id":"m","event":' + events[2] + b"}]}",
        b'{"is":"tick","now":"2026-03-02T01:00:00Z"}',
        b'{"is":"told","seq":1,"device_id":"p","word":' + slip + b"}",
        b'{"is":"device_list","devices":[{"is":"device","device_id":"s","kind":"barcode_scanner","url":"memory://s"}]}',
        b'{"is":"health","run":"r","version":"1","platform":"linux"}',
    ]


def _services_answers() -> list[bytes]:
    """Return what robots answer, what is said on an acknowledgement topic, and Retry-After headers."""
    acknowledgement = b'{"number":"4711","state":"replied","reply":"01"}'
    return [
        *GOOD.values(),
        *REFUSALS.values(),
        acknowledgement,
        b"17",
        b"Mon, 02 Mar 2026 01:02:00 GMT",
        *_lines_said(),
    ]


def _lines_said() -> list[bytes]:
    """Return what an SNPP gateway, a TAP terminal and a modem say, and the messages a modem keeps."""
    snpp = [b"960 17 4711 queued", b"888 3 261125103100+8 ACK", b"214 help", b"500 what?"]
    tap = [b"\r\nID=\r\n110 1.8\r\n\x06\r\x1b[p\r", b"\x15\r\x1e\r\x1b\x04\r"]
    modem = [
        b'\r\n+CPMS: "SM",1,10\r\n\r\nOK\r\n',
        b"\r\n> \r\n+CMS ERROR: 38\r\n",
        b"\r\n+CMGL: 1,1,,2\r\n00AA\r\nOK\r\n",
    ]
    hexadecimal = (
        "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37",  # in seven bits
        "00040D91683108108300F000086211520103002304786E8BA4",  # in Chinese
        "0006110D91683108108300F0621152010300236211520103202300",  # a report
    )
    return [*snpp, *tap, *modem, *map(bytes.fromhex, hexadecimal)]


# ---- ways in ----


def _delivery(raw: bytes) -> Delivery:
    topic, _, payload = raw.partition(b"\n")
    received_at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    return Delivery(topic.decode("utf-8", "replace"), payload, False, received_at, ZoneInfo("Asia/Shanghai"))


MAPPED = listening_of(
    {
        "dialects": "mapping",
        "mapping_topic": "{probe}/t",
        "mapping_temperature": "/t",
        "mapping_unit": "C",
        "mapping_time_kind": "unix_ms",
        "mapping_time": "/at",
    }
).dialects


def _discovered(raw: bytes) -> object:
    topic, _, payload = raw.partition(b"\n")
    return home_assistant.discovered(topic.decode("utf-8", "replace"), payload)


def _scanned(raw: bytes, encoding: str = scanner_wire.GUESSED) -> object:
    scan = scanner_wire.decode(raw, encoding)
    return code.what_was_scanned(scan.text, scan.symbology)


def _typed(raw: bytes) -> object:
    return code.what_was_typed(raw.decode("utf-8", "replace"))


def _scanned_lines(slices: Sequence[bytes]) -> object:
    splitter = scanner_wire.scan_splitter()
    return [line for piece in slices for line in splitter.feed(piece)], splitter.end_of_silence()


def _sieved(slices: Sequence[bytes], make: str) -> object:
    sieve = feedback.sieve_of(feedback.MAKES[make])
    return b"".join(sieve.feed(piece) for piece in slices) + sieve.end_of_silence()


def _keys(slices: Sequence[bytes]) -> object:
    keymap = Keymap()
    return b"".join(keymap.feed(piece) for piece in slices)


def _pressed() -> list[bytes]:
    """Return a code as keys pressed and released: 8, shift and A, control and ], alt and 029 on the keypad, Enter."""
    keys = [9, 42, 30, -30, -42, 29, 27, -27, -29, 56, 82, -82, 80, -80, 73, -73, -56, 28, -28]
    return [b"".join(RECORD.pack(0, 0, 1, abs(key), int(key > 0)) + RECORD.pack(0, 0, 0, 0, 0) for key in keys)]


def _frames(slices: Sequence[bytes]) -> object:
    splitter = reader_wire.answer_splitter()
    return [frame for piece in slices for frame in splitter.feed(piece)]


def _zones(slices: Sequence[bytes]) -> list[str]:
    splitter, gatherer = document_wire.line_splitter(), document_wire.ZoneGatherer()
    lines = [line for piece in slices for line in splitter.feed(piece)]
    if splitter.has_pending:
        lines.append(splitter.end_of_silence())
    return [zone for line in lines for zone in gatherer.feed(line)] + gatherer.end_of_silence()


def _read_zones(raw: bytes) -> object:
    return [mrz.decode(zone, TODAY) for zone in _zones([raw])]


def _laid(raw: bytes) -> object:
    """Lay a card whose answers are these bytes; one that has no more to say answers nothing."""
    said = _lengthwise(raw)
    recipe = read_card(Laying(next(said, b""), keeps_photo=True))
    try:
        next(recipe)
        for _ in range(MOST_STEPS):
            recipe.send(next(said, b""))
    except StopIteration as end:
        return end.value
    raise AssertionError("the recipe does not come to an end")


def _lengthwise(raw: bytes) -> Iterator[bytes]:
    while raw:
        length = int.from_bytes(raw[:2], "big")
        yield raw[2 : 2 + length]
        raw = raw[2 + length :]


def _trouble(raw: bytes) -> object:
    causes = (raw + b"\0\0")[:2]
    return printer_wire.decode_trouble(causes[0], causes[1])


def _fate(raw: bytes) -> object:
    reply = snpp_wire.reply_of(raw)
    return snpp_wire.ticket_of(reply), snpp_wire.fate_of(reply, "17 4711")


def _signs(slices: Sequence[bytes]) -> object:
    signs = tap_wire.Signs()
    return [sign for piece in slices for sign in signs.feed(piece)]


def _modem_lines(slices: Sequence[bytes]) -> list[str]:
    lines = at_wire.Lines()
    return [line for piece in slices for line in lines.feed(piece)]


def _modem_answer(raw: bytes) -> object:
    answer = at_wire.answer_of([*_modem_lines([raw]), "OK"])
    return list(answer.stored()), [at_wire.whole(fields, 1) for fields in answer.all("+CPMS")]


def _judged(kind: str, raw: bytes) -> object:
    return judged(MAKES[kind], 200, raw)


PARSERS: Mapping[str, Parser] = {
    "agent": Parser(
        {
            name: Decoder(getattr(messages, name).decode, (BadMessage,))
            for name in ("EVENT", "MOMENT", "MEASURED", "BATCH", "HEALTH", "LINE")
        },
        _messages,
    ),
    "barcode_scanner": Parser(
        {
            "line": Decoder(scanner_wire.decode),
            "code": Decoder(_scanned, (WireError,)),
            "code in GB 18030": Decoder(partial(_scanned, encoding="gb18030"), (WireError,)),
            "typed": Decoder(_typed, (code.BadCode,)),
        },
        lambda: [*_joined("barcode_scanner", b"\r\n"), *_pressed()],
        {
            "keys": _keys,
            "lines": _scanned_lines,
            **{f"answers of {make}": partial(_sieved, make=make) for make in feedback.MAKES},
        },
    ),
    "fridge_probe": Parser(
        {
            "message": Decoder(lambda raw: probe_wire.decode(_delivery(raw), tuple(probe_wire.DIALECTS.values()))),
            "mapped message": Decoder(
                lambda raw: probe_wire.decode(_delivery(b"p/t\n" + raw.partition(b"\n")[2]), MAPPED)
            ),
            "discovery": Decoder(_discovered, ()),
        },
        _topics_and_payloads,
    ),
    "id_card_reader": Parser(
        {
            "answer": Decoder(reader_wire.decode_answer),
            "card": Decoder(partial(reader_wire.decode_card, keep_photo=True)),
            "text": Decoder(decode_card_text),
            "text of full length": Decoder(lambda raw: decode_card_text((raw + b"\x20\x00" * 128)[:256])),
            "newest address": Decoder(reader_wire.decode_newest_address),
            "SAM id": Decoder(reader_wire.decode_sam_id),
        },
        _answers,
        {"frames": _frames},
    ),
    "pagers": Parser(
        {
            **{f"answer of {kind}": Decoder(partial(_judged, kind), ()) for kind in MAKES},
            "answer by rule": Decoder(lambda raw: SuccessRule("/code", "0").judged(200, raw, None), ()),
            "acknowledgement": Decoder(acknowledged),
            "Retry-After": Decoder(lambda raw: wait_told(raw.decode("latin-1")), ()),
            "SNPP reply": Decoder(_fate),
            "SMS": Decoder(partial(sms_pdu.received_of, country="86")),
            "modem's answer": Decoder(_modem_answer, ()),
        },
        _services_answers,
        {"TAP signs": _signs, "modem's lines": _modem_lines},
    ),
    "receipt_printer": Parser({"status": Decoder(_trouble, ())}, lambda: _fields_of("receipt_printer")),
    "smart_card": Parser({"card": Decoder(_laid, (BadFrame, CardUnusable))}, _cards),
    "travel_document": Parser(
        {"zones": Decoder(_read_zones)}, lambda: _joined("travel_document", b"\r\n"), {"zones": _zones}
    ),
}
