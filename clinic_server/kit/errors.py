"""Refusals with a stable code; the words for each code live in ``locale/labels.toml``."""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ClinicError(Exception):
    """A call that should not have been made; ``code`` is stable for ever, ``facts`` hold no personal data."""

    code: ClassVar[str]
    status: ClassVar[int]
    retry_after_s: int | None = None  # where the same call may succeed later

    def __init__(self, *, findings: Sequence[str] = (), **facts: str | int) -> None:
        super().__init__(self.code)
        self.findings = tuple(findings)
        self.facts: Mapping[str, str | int] = facts


class Malformed(ClinicError):
    """The request cannot be understood."""

    code = "malformed"
    status = 400


class NotSignedIn(ClinicError):
    """Nobody is signed in, or the session ended."""

    code = "not_signed_in"
    status = 401


class NotPermitted(ClinicError):
    """The signed-in person's roles do not include this act."""

    code = "not_permitted"
    status = 403


class NotFound(ClinicError):
    """No such thing here."""

    code = "not_found"
    status = 404


class Conflict(ClinicError):
    """The act contradicts what is already recorded."""

    code = "conflict"
    status = 409


class BodyTooLarge(ClinicError):
    """The body exceeds what any desk sends."""

    code = "body_too_large"
    status = 413


class Refused(ClinicError):
    """A rule forbids the act; ``findings`` name the rules."""

    code = "refused"
    status = 422


class KeyMissing(Malformed):
    """A write came without its Idempotency-Key."""

    code = "idempotency_key_missing"


class KeyReused(Refused):
    """The same Idempotency-Key came back with another body."""

    code = "idempotency_key_reused"


class Unavailable(ClinicError):
    """The write was not recorded; the same key may be sent again."""

    code = "unavailable"
    status = 503
    retry_after_s = 2


class Busy(Unavailable):
    """The queue of writes is full, or another process holds the database."""

    code = "busy"


class StorageFull(Unavailable):
    """The disk is full; nothing was recorded."""

    code = "storage_full"


class StorageFailed(Unavailable):
    """The disk reported an error; nothing is recorded until the server restarts and verifies itself."""

    code = "storage_failed"


class StorageOutcomeUnknown(StorageFailed):
    """The disk reported an error while it was committed; the same key tells what happened once the server is back."""

    code = "storage_outcome_unknown"


class OutcomeUnknown(Unavailable):
    """The connection broke during the commit; the same key tells what happened."""

    code = "outcome_unknown"
