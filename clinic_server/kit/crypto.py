"""Keys of the site, sealed fields and blind indexes. One secret file of 32 random bytes feeds them all."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SECRET_BYTES = 32
_NONCE_BYTES = 12
_BLIND_INDEX_BYTES = 16
_KEY_ID = 1


class WrongKey(Exception):
    """A sealed field does not open: another site's key, another row's bytes, or damage."""


class UnusableKey(Exception):
    """The key file does not hold a site's secret; the message is for whoever started the server."""


class Keyring:
    """The keys derived from the site's secret (HKDF-SHA256, one purpose each)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _SECRET_BYTES:
            raise UnusableKey(f"A site's key file has {_SECRET_BYTES} bytes, this one has {len(secret)}.")
        self._fields = AESGCMSIV(_derive(secret, "fields"))
        self._index_key = _derive(secret, "blind-index")
        self.journal_key = _derive(secret, "journal")
        self.pin_pepper = _derive(secret, "pin-pepper")
        self._fingerprint_key = _derive(secret, "request-fingerprint")

    def seal(self, text: str, context: str) -> bytes:
        """Encrypt a field; ``context`` (``table:column:row id``) must be given again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        return bytes((_KEY_ID,)) + nonce + self._fields.encrypt(nonce, text.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """Decrypt a field sealed under the same context, or raise WrongKey."""
        if sealed[:1] != bytes((_KEY_ID,)):
            raise WrongKey
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._fields.decrypt(nonce, ciphertext, context.encode()).decode()
        except InvalidTag as refused:
            raise WrongKey from refused

    def blind_index(self, purpose: str, value: str) -> bytes:
        """Return 16 bytes by which equal values can be found without being readable."""
        message = f"{purpose}\0{value}".encode()
        return hmac.digest(self._index_key, message, "sha256")[:_BLIND_INDEX_BYTES]

    def fingerprint(self, *parts: bytes) -> bytes:
        """Return 32 bytes that tell one request from another without revealing it."""
        return hmac.digest(self._fingerprint_key, b"\0".join(parts), "sha256")


def token_digest(token: str) -> bytes:
    """Return what is stored in place of a random token."""
    return hashlib.sha256(token.encode()).digest()


def load_or_create_keyring(path: Path) -> Keyring:
    """Read the site's secret, or make one readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
    return Keyring(path.read_bytes())


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=None, info=f"clinic-server {purpose}".encode()).derive(secret)
