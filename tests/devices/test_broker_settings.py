"""The broker's settings as they are shipped, in a real mosquitto: who may say what, and who hears it."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from devices.adapter import DeviceSpec
from devices.events import DeviceState, TemperatureMeasured
from devices.fridge_probe import wire
from devices.supervisor import Supervisor
from firmware_stubs.fridge_probe.firmware.probe_core.mqtt import BrokerLost, Publisher
from tests.devices.broker_side import reading
from tests.devices.parts import DEADLINE_S, Mosquitto, Receiver
from tests.peers import free_port
from tests.wire.vectors import vectors_of

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"
SERVER, IOT = ("server", "a-password"), ("iot", "another-password")
NOT_AUTHORIZED = 135  # MQTT 5, 3.4.2.1
SAMPLES = [fields for _, fields in vectors_of("fridge_probe", "samples")]
BOUGHT = [fields for fields in SAMPLES if not fields["topic"].startswith("cc/")]


class Authority:
    """The site's own certificate authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("site")
        self._write("site-ca.pem", self._signed("site", self._key.public_key(), is_authority=True))

    def certify(self, common_name: str, file: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._write(f"{file}.pem", self._signed(common_name, key.public_key()))
        private = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
        (self._folder / f"{file}.key").write_bytes(pem)

    def _signed(self, name: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool = False) -> x509.Certificate:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(yesterday)
            .not_valid_after(yesterday + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _write(self, file: str, certificate: x509.Certificate) -> None:
        (self._folder / file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class ShippedMosquitto(Mosquitto):
    """A broker with the shipped files; only places and ports differ from a site's."""

    def settings(self, folder: Path) -> str:
        self.folder, self.tls_port = folder, free_port()
        authority = Authority(folder)
        authority.certify("127.0.0.1", "broker")
        for common_name, file in (("fridge-1", "fridge-1"), ("+", "plus"), ("#", "hash")):
            authority.certify(common_name, file)
        for acl in ("probes.acl", "passwords.acl"):
            shutil.copy(SHIPPED / acl, folder)
        for create, (user, password) in (("-c", SERVER), ("", IOT)):
            options = [*filter(None, [create]), "-b", str(folder / "passwords"), user, password]
            subprocess.run(["mosquitto_passwd", *options], check=True, capture_output=True)  # noqa: S603, S607
        text = (SHIPPED / "clinic.conf").read_text()
        for theirs, ours in (
            ("/etc/mosquitto/clinic", str(folder)),
            ("listener 8883", f"listener {self.tls_port} 127.0.0.1"),
            ("listener 1883", f"listener {self.port} 127.0.0.1"),
        ):
            assert theirs in text
            text = text.replace(theirs, ours)
        return f"{text}persistence_location {folder}/\nlog_dest file {folder}/log\n"


@pytest.fixture(scope="session", name="shipped")
async def _shipped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ShippedMosquitto]:
    broker = ShippedMosquitto(tmp_path_factory.mktemp("shipped"))
    await broker.start()
    yield broker
    await broker.kill()


@dataclass
class Sender:
    """Somebody with a password or a certificate, or with neither."""

    broker: ShippedMosquitto
    login: tuple[str, str] | None = None
    certificate: str | None = None
    is_at_the_probes_port: bool = False

    async def publish(self, topics: Sequence[tuple[str, bytes]]) -> list[int]:
        """Publish with QoS 1 and return the broker's answers."""
        return await asyncio.to_thread(self._publish, topics)

    async def refused(self) -> str:
        """Try to connect and return why the broker does not want us."""
        try:
            await asyncio.to_thread(self._publish, [])
        except (ConnectionError, ssl.SSLError, TimeoutError) as error:
            return type(error).__name__
        return ""

    def _publish(self, messages: Sequence[tuple[str, bytes]]) -> list[int]:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.suppress_exceptions = False
        answers: dict[int, int] = {}
        connected: list[int] = []
        client.on_publish = lambda _c, _u, mid, reason, _p: answers.update({mid: reason.value})
        client.on_connect = lambda _c, _u, _f, reason, _p: connected.append(reason.value)
        if self.login:
            client.username_pw_set(*self.login)
        if self.is_at_the_probes_port or self.certificate:
            self._secure(client)
        secure = self.is_at_the_probes_port or self.certificate
        client.connect("127.0.0.1", self.broker.tls_port if secure else self.broker.port)
        try:
            self._loop_until(client, lambda: connected)
            if connected != [0]:
                raise ConnectionRefusedError(connected)
            sent = [client.publish(topic, payload, qos=1).mid for topic, payload in messages]
            self._loop_until(client, lambda: len(answers) == len(sent))
            return [answers[mid] for mid in sent]
        finally:
            client.disconnect()
            client.on_publish = client.on_connect = None

    def _secure(self, client: Client) -> None:
        folder = self.broker.folder
        own = (
            [str(folder / f"{self.certificate}.{end}") for end in ("pem", "key")] if self.certificate else [None, None]
        )
        client.tls_set(str(folder / "site-ca.pem"), *own)

    @staticmethod
    def _loop_until(client: Client, condition: Any) -> None:
        deadline = datetime.now(UTC) + timedelta(seconds=DEADLINE_S)
        while not condition():
            if datetime.now(UTC) > deadline:
                raise TimeoutError
            if problem := client.loop(timeout=0.1):
                raise ConnectionAbortedError(problem)


async def test_a_probe_writes_below_its_own_name_and_nowhere_else(shipped: ShippedMosquitto) -> None:
    probe = Sender(shipped, certificate="fridge-1")
    topics = ["cc/v1/fridge-1/reading", "cc/v1/fridge-1/status", "cc/v1/fridge-2/reading", "cc/v1/fridge-2/status"]
    others = ["tele/fridge-1/SENSOR", "cc/v1/reading", "$SYS/broker/version", "homeassistant/sensor/a/config"]
    answers = await probe.publish([(topic, b"x") for topic in topics + others])
    assert [answer in (0, 16) for answer in answers[:2]] == [True, True]
    assert answers[2:] == [NOT_AUTHORIZED] * 6


@pytest.mark.parametrize("name", ["plus", "hash"])
async def test_a_certificate_in_the_name_of_a_wildcard_opens_nothing(name: str, shipped: ShippedMosquitto) -> None:
    topics = ["cc/v1/fridge-1/reading", "cc/v1/fridge-2/reading"]
    assert await Sender(shipped, certificate=name).publish([(topic, b"x") for topic in topics]) == [NOT_AUTHORIZED] * 2


async def test_nobody_comes_in_without_a_certificate_or_a_password(shipped: ShippedMosquitto) -> None:
    strangers = [
        Sender(shipped),
        Sender(shipped, login=("server", "a guess")),
        Sender(shipped, is_at_the_probes_port=True),
        Sender(shipped, login=SERVER, is_at_the_probes_port=True),
    ]
    assert [bool(await stranger.refused()) for stranger in strangers] == [True] * 4
    assert await Sender(shipped, login=IOT).refused() == ""


async def test_a_bought_probe_cannot_write_as_one_of_ours_nor_command_another(shipped: ShippedMosquitto) -> None:
    """And it is told so without being cut off: many a make announces itself where nobody listens."""
    topics = ["cc/v1/fridge-1/reading", "cc/v1/fridge-1/status", "cc/v1/sensor/fridge-1/state", "cmnd/fridge/Power"]
    assert await Sender(shipped, login=IOT).publish([(topic, b"x") for topic in topics]) == [NOT_AUTHORIZED] * 4


async def test_the_server_reads_and_writes_nothing(shipped: ShippedMosquitto) -> None:
    topics = ["cc/v1/fridge-1/reading", "tele/fridge/SENSOR", "zigbee2mqtt/bridge/request/permit_join"]
    assert await Sender(shipped, login=SERVER).publish([(topic, b"x") for topic in topics]) == [NOT_AUTHORIZED] * 3


async def test_the_server_hears_every_make_through_the_shipped_lists(
    shipped: ShippedMosquitto, receiver: Receiver
) -> None:
    url = f"mqtt://{SERVER[0]}:{SERVER[1]}@127.0.0.1:{shipped.port}"
    options = {"zone": "Asia/Shanghai", "dialects": ",".join(wire.DIALECTS)}
    expected = [sample["probe_id"] for fields in BOUGHT for sample in json.loads(fields["samples"])]
    async with Supervisor([DeviceSpec("every-make", "fridge_probe", url, options=options)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        messages = [(fields["topic"], fields["payload"].encode()) for fields in BOUGHT]
        answers = await Sender(shipped, login=IOT).publish(messages)
        await Sender(shipped, certificate="fridge-1").publish([("cc/v1/fridge-1/reading", reading("fridge-1", 0))])
        heard = []
        for _ in [*expected, "fridge-1"]:
            event = await receiver.next_of(TemperatureMeasured)
            event.receipt.acknowledge()
            heard.append(event.sample.probe_id)
    refused = {fields["topic"] for fields, answer in zip(BOUGHT, answers, strict=True) if answer == NOT_AUTHORIZED}
    assert refused == set()
    assert heard == [*expected, "fridge-1"]


async def test_the_firmware_comes_in_by_its_certificate_and_takes_no_refusal_for_a_confirmation(
    shipped: ShippedMosquitto,
) -> None:
    tls = ssl.create_default_context(cafile=str(shipped.folder / "site-ca.pem"))
    tls.load_cert_chain(shipped.folder / "fridge-1.pem", shipped.folder / "fridge-1.key")
    open_connection = partial(asyncio.open_connection, ssl=tls)
    will = ("cc/v1/fridge-1/status", b"offline")
    publisher = Publisher(open_connection, "127.0.0.1", shipped.tls_port, "fridge-1", will)
    await publisher.connect()
    try:
        await publisher.publish("cc/v1/fridge-1/reading", b"x")
        with pytest.raises(BrokerLost, match="publishing_not_permitted"):
            await publisher.publish("cc/v1/fridge-2/reading", b"x")
    finally:
        publisher.close()
