"""Which certificate a desk PC takes for its server's: the site's authority, a pinned one, or what the system trusts."""

import hashlib
import ssl
from urllib.parse import urlsplit

from devices.agent.folder import Credential

_HTTPS = 443


class CertificateUnreadable(Exception):
    """What was given as a certificate is none."""


def context_for(credential: Credential) -> ssl.SSLContext | bool:
    """Return what judges the server's certificate, or False on a line without TLS."""
    return context(credential.server, credential.authority, is_pinned=credential.is_pinned)


def context(server: str, authority: str, *, is_pinned: bool) -> ssl.SSLContext | bool:
    """Return what judges the certificate of a server, or False on a line without TLS."""
    if urlsplit(server).scheme != "https":
        return False
    try:
        judge = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError):
        raise CertificateUnreadable from None
    judge.minimum_version = ssl.TLSVersion.TLSv1_2
    if is_pinned:  # exactly this certificate, whatever names are in it
        judge.check_hostname = False
        judge.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return judge


def certificate_shown_by(server: str) -> str:
    """Fetch a server's certificate unjudged (PEM), for a person to compare. Raises OSError."""
    parts = urlsplit(server)
    return ssl.get_server_certificate((parts.hostname or "", parts.port or _HTTPS), timeout=5.0)


def fingerprint_of(certificate: str) -> str:
    """Return the SHA-256 fingerprint of a certificate, as openssl writes it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def is_fingerprint(typed: str, certificate: str) -> bool:
    """Compare a fingerprint as people type it."""
    return typed.replace(":", "").replace(" ", "").upper() == fingerprint_of(certificate).replace(":", "")
