"""Addresses and codes that let in without signing in: made from a record's id with the site's key.

Only the id is stored, so that neither a copy of the database nor a log lets anybody in.
"""

import hmac
from collections import deque
from typing import Final
from uuid import UUID

from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import ClinicError

MOST_WRONG_CODES: Final = 10
WRONG_CODES_COUNT_S: Final = 60.0
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none is taken for another
_CODE_LENGTH: Final = 6
_ID_DIGITS: Final = 32


class TooManyCodes(ClinicError):
    """Too many wrong codes came from one place in a minute."""

    code = "too_many_codes"
    status = 429
    retry_after_s = int(WRONG_CODES_COUNT_S)


class WrongCodes:
    """How many wrong codes came from where in the last minute; lives on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def refuse_more(self, origin: str) -> None:
        """Raise TooManyCodes once a place has typed as many wrong codes as nobody does by mistake."""
        self._forget_old_ones()
        if len(self._wrong.get(origin, ())) >= MOST_WRONG_CODES:
            raise TooManyCodes

    def note(self, origin: str) -> None:
        """Count a wrong code."""
        self._wrong.setdefault(origin, deque(maxlen=MOST_WRONG_CODES)).append(self._clock.monotonic())

    def _forget_old_ones(self) -> None:
        since_s = self._clock.monotonic() - WRONG_CODES_COUNT_S
        for origin, times in list(self._wrong.items()):
            while times and times[0] <= since_s:
                times.popleft()
            if not times:
                del self._wrong[origin]


def token_of(keyring: Keyring, purpose: str, record_id: UUID) -> str:
    """Return the part of an address that names a record and proves to come from here."""
    return record_id.hex + keyring.blind_index(f"{purpose}.token", record_id.hex).hex()


def id_in_token(keyring: Keyring, purpose: str, token: str) -> UUID | None:
    """Return which record an address names, or None where nobody here wrote it."""
    try:
        record_id = UUID(token[:_ID_DIGITS])
    except ValueError:
        return None
    is_ours = hmac.compare_digest(token_of(keyring, purpose, record_id).encode(), token.encode())
    return record_id if is_ours else None


def code_of(keyring: Keyring, purpose: str, record_id: UUID) -> str:
    """Return the short code that a person types for a record."""
    number = int.from_bytes(keyring.blind_index(f"{purpose}.code", record_id.hex))
    letters = []
    for _ in range(_CODE_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def is_code(keyring: Keyring, purpose: str, record_id: UUID, typed: str) -> bool:
    """Tell whether a record's code was typed, however spaced."""
    code = "".join(letter for letter in typed.upper() if letter.isalnum())
    return hmac.compare_digest(code_of(keyring, purpose, record_id).encode(), code.encode())
