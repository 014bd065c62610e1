"""What the tests of pagers share: a page, this machine as a network that may be reached, and a server's certificate."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devices.pagers.guard import Guard, Resolve
from devices.pagers.page import Page

HERE = ("127.0.0.0/8",)
PAGE = Page(
    "4711",
    "COLD CHAIN A1 +9.4C 12MIN LOT 202601001 QUARANTINED ACK 4711",
    "冷链报警：一号冰箱 +9.4 °C，已 12 分钟，批号 202601001 已隔离。回复 4711 确认。",
    reply_code="01",
)


def telling(*addresses: str) -> Resolve:
    """Return a resolver that tells these addresses whatever the name is."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


def guard_of(*addresses: str) -> Guard:
    """Return a guard that finds these addresses, and lets this machine be reached."""
    return Guard(HERE, telling(*addresses))


def tls_of(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of this name shows, and what trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(file)
    return shown, ssl.create_default_context(cadata=pem.decode())
