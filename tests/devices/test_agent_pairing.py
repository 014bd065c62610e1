"""Whom a desk PC takes for its server: an authority, one certificate, or nobody; what it says and shows meanwhile."""

import asyncio
import ipaddress
import os
import pty
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devices.agent.folder import Folder
from devices.agent.messages import DeviceReport
from devices.agent.screen import Screen, lines_of
from devices.agent.standing import Standing
from devices.agent.trust import fingerprint_of, is_fingerprint
from devices.events import DeviceState
from tests.devices.desk_parts import STATION, AgentProcess, Site, agent_at, call, serving
from tests.devices.parts import eventually

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Certified:
    """A key with its certificate, and who signed it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def certified(name: str, by: Certified | None = None) -> Certified:
    """Make an authority, or a server's certificate signed by one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = builder.add_extension(issuer, critical=False).add_extension(names, critical=False)
    return Certified(key, builder.sign(by.key if by else key, hashes.SHA256()))


@asynccontextmanager
async def tls_before(site: Site, server: Certified, folder: Path) -> AsyncIterator[str]:
    """Stand in front of a server as its TLS proxy does, and yield the address."""
    key = server.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(server.pem.encode() + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", site.port)
        await asyncio.gather(pour(reader, inner_writer), pour(inner_reader, writer))

    listener = await asyncio.start_server(proxy, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()


@pytest_asyncio.fixture(name="site")
async def _site(tmp_path: Path, blank_sqlite: Path) -> AsyncIterator[Site]:
    shutil.copy(blank_sqlite, tmp_path / "clinic.db")
    async with serving(tmp_path) as site:
        yield site


@pytest.fixture(name="authority", scope="module")
def _authority() -> Certified:
    return certified("Site authority")


@pytest.fixture(name="server", scope="module")
def _server(authority: Certified) -> Certified:
    return certified("server", authority)


async def pairs_and_runs(site: Site, desk: Path, *words: str) -> AgentProcess:
    token = await site.lead()
    agent = AgentProcess(desk)
    await agent.start("pair", *words)
    body = {"code": await agent.code(), "name": "Front desk", "station": STATION}
    assert (await call(site, "POST", "/api/v1/agents", token, json=body)).status_code == 201
    assert await agent.ends() == 0
    async with agent_at(desk):
        await eventually(lambda: site.desk().is_connected, "the desk PC is there")
        await agent.stop()
    await site.away()
    return agent


async def test_a_server_known_by_the_sites_authority(
    site: Site, tmp_path: Path, authority: Certified, server: Certified
) -> None:
    (tmp_path / "ca.pem").write_text(authority.pem)
    async with tls_before(site, server, tmp_path) as address:
        agent = await pairs_and_runs(site, tmp_path / "desk", address, "--ca", str(tmp_path / "ca.pem"))
        assert "not encrypted" not in agent.log()


async def test_a_server_known_by_its_own_fingerprint(site: Site, tmp_path: Path, server: Certified) -> None:
    async with tls_before(site, server, tmp_path) as address:
        await pairs_and_runs(site, tmp_path / "desk", address, "--fingerprint", fingerprint_of(server.pem).lower())
    other = certified("server", certified("Somebody else"))
    async with tls_before(site, other, tmp_path) as address:
        folder = Folder(tmp_path / "desk")
        credential = folder.credential()
        assert credential is not None
        folder.keep_credential(type(credential)(address, *_rest(credential)))
        async with agent_at(tmp_path / "desk") as agent:
            await eventually(lambda: "certificate_refused" in agent.log(), agent.log)
            assert not site.desk().is_connected


def _rest(credential: object) -> tuple[object, ...]:
    names = ("agent_id", "name", "station", "token", "authority", "is_pinned")
    return tuple(getattr(credential, name) for name in names)


async def test_another_certificate_than_the_one_named_is_refused(
    site: Site, tmp_path: Path, server: Certified, authority: Certified
) -> None:
    async with tls_before(site, server, tmp_path) as address:
        agent = AgentProcess(tmp_path / "desk")
        await agent.start("pair", address, "--fingerprint", fingerprint_of(authority.pem))
        assert await agent.ends() == 1
        assert f"another certificate: {fingerprint_of(server.pem)}" in agent.log()
        assert not (tmp_path / "desk" / "credential.json").exists()


async def test_a_certificate_nobody_vouches_for_is_shown_and_not_taken(
    site: Site, tmp_path: Path, server: Certified
) -> None:
    async with tls_before(site, server, tmp_path) as address:
        agent = AgentProcess(tmp_path / "desk")
        await agent.start("pair", address)
        assert await agent.ends() == 1
        assert fingerprint_of(server.pem) in agent.log()
        assert "Traceback" not in agent.log()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["http://127.0.0.1:9"], 3, "does not answer"),
        (["https://127.0.0.1:9", "--fingerprint", "AB"], 3, "does not answer"),
        (["ftp://server"], 1, "An address looks like"),
        (["https://127.0.0.1:9", "--ca", "README.md"], 3, "not one in PEM form"),
        (["https://127.0.0.1:9", "--ca", "nowhere.pem"], 3, "No such file"),
    ],
)
async def test_what_cannot_work_is_said_in_one_line(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    agent = AgentProcess(tmp_path / "desk")
    await agent.start("pair", *words)
    assert await agent.ends() == code
    assert said in agent.log()
    assert "Traceback" not in agent.log()


async def test_a_code_nobody_types_ends_the_waiting(site: Site, tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path / "desk")
    await agent.start("pair", site.url)
    await agent.code()
    site.desks.pairings._open.clear()  # what ten minutes do
    assert await agent.ends() == 1
    assert "Nobody typed the code in time" in agent.log()


async def test_a_pc_is_paired_once_and_can_be_made_to_forget(site: Site, tmp_path: Path) -> None:
    await site.paired(tmp_path / "desk")
    agent = AgentProcess(tmp_path / "desk")
    for words, code, said in (
        (["pair", site.url], 1, "paired already"),
        (["forget"], 0, "Forgotten."),
        (["forget"], 0, "It was not paired."),
    ):
        await agent.start(*words)
        assert await agent.ends() == code
        assert said in agent.log()


def test_a_fingerprint_is_compared_however_it_is_typed(server: Certified) -> None:
    shown = fingerprint_of(server.pem)
    assert shown.count(":") == 31
    assert is_fingerprint(shown.replace(":", " ").lower(), server.pem)
    assert not is_fingerprint("", server.pem)


def standing_with(detail: str) -> Standing:
    standing = Standing("https://server", "Front desk", "desk-1")
    standing.devices = (DeviceReport("reader-1", DeviceState.OFFLINE, detail, AT),)
    return standing


def test_the_screen_redraws_in_place_and_a_device_cannot_move_its_cursor() -> None:
    master, follower = pty.openpty()
    standing = standing_with("\x1b[2Jlink_lost")
    with os.fdopen(follower, "w") as out:
        screen = Screen(standing, out, lambda: AT)
        screen.show()
        first = os.read(master, 65536).decode()
        screen.show()
        standing.reached(AT)
        screen.show()
        second = os.read(master, 65536).decode()
    os.close(master)
    assert first.count("\n") == len(lines_of(standing))
    assert "\x1b" not in first
    assert second.startswith(f"\x1b[{len(lines_of(standing))}A\x1b[J")
    assert "reached since" in second
    assert second.count("Desk PC") == 1, "what did not change was not drawn again"


def test_without_a_terminal_only_what_changed_is_a_line(tmp_path: Path) -> None:
    standing = standing_with("link_lost")
    with (tmp_path / "log").open("w") as out:
        screen = Screen(standing, out, lambda: AT)
        for _ in range(3):
            screen.show()
        standing.drop()
        screen.show()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 2
    assert '"reader-1": "offline link_lost"' in lines[0]
    assert '"dropped": 1' in lines[1]
