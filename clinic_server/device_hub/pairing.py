"""Desk PCs that wait for a person to type their code; in memory only, for ten minutes."""

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import Final

from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import token_digest
from clinic_server.kit.errors import ClinicError, NotFound, Refused

CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none is taken for another
CODE_LENGTH: Final = 8
CODE_LIVES_S: Final = 600
MOST_OPEN: Final = 20
_GRACE_S: Final = 60  # a code typed at the last moment is still answered
_TOKEN_BYTES: Final = 32


class TooManyPairings(ClinicError):
    """More desk PCs wait for their codes than any site has."""

    code = "too_many_pairings"
    status = 429


class PairingUnknown(NotFound):
    """Nobody waits under this id: the time is over, the server was restarted, or it is done."""

    code = "pairing_unknown"


class PairingCodeWrong(Refused):
    """No desk PC waits with this code: mistyped, too old, or used."""

    code = "pairing_code_wrong"


@dataclass(frozen=True, slots=True)
class Pairing:
    """One desk PC that waits: the code on its screen, and the credential that is its own once that is typed."""

    pairing_id: str
    expires_at_s: float
    code: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is stored of the credential."""
        return token_digest(self.token)


class Pairings:
    """The pairings under way; used from the event loop and from the writer's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Pairing] = {}

    def open(self) -> Pairing:
        """Begin one, or raise TooManyPairings."""
        with self._lock:
            self._forget_old_ones()
            if len(self._open) >= MOST_OPEN:
                raise TooManyPairings
            pairing = Pairing(
                pairing_id=secrets.token_hex(16),
                expires_at_s=self._clock.monotonic() + CODE_LIVES_S,
                code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
                secret=secrets.token_urlsafe(_TOKEN_BYTES),
                token=secrets.token_urlsafe(_TOKEN_BYTES),
            )
            self._open[pairing.pairing_id] = pairing
            return pairing

    def with_code(self, typed: str) -> Pairing:
        """Return whose code a person typed, however spaced, or raise PairingCodeWrong."""
        code = "".join(letter for letter in typed.upper() if letter.isalnum())
        with self._lock:
            self._forget_old_ones()
            for one in self._open.values():
                if one.expires_at_s >= self._clock.monotonic() and hmac.compare_digest(
                    one.code.encode(), code.encode()
                ):
                    return one
        raise PairingCodeWrong

    def with_secret(self, pairing_id: str, secret: str) -> Pairing:
        """Return the pairing a desk PC asks after, or raise PairingUnknown."""
        with self._lock:
            self._forget_old_ones()
            one = self._open.get(pairing_id)
        if one is None or not hmac.compare_digest(one.secret.encode(), secret.encode()):
            raise PairingUnknown
        return one

    def done(self, digest: bytes) -> None:
        """Forget a pairing whose credential was used: it is told to nobody again."""
        with self._lock:
            for one in [one for one in self._open.values() if one.digest == digest]:
                del self._open[one.pairing_id]

    def _forget_old_ones(self) -> None:
        now_s = self._clock.monotonic()
        for one in [one for one in self._open.values() if one.expires_at_s + _GRACE_S < now_s]:
            del self._open[one.pairing_id]
