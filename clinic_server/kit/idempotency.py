"""The same request twice has one effect: the key and the first answer are stored with the effect."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, bindparam, select
from sqlmodel import Field

from clinic_server.kit.errors import KeyReused
from clinic_server.kit.tables import AppendOnly, instant, table_of, text
from clinic_server.kit.tx import Tx


class FirstAnswer(AppendOnly, table=True):
    """What a caller was told the first time it sent a key."""

    __tablename__ = "first_answer"

    scope: str = text(64, primary_key=True)
    key: str = text(64, primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int
    body: bytes = Field(sa_type=LargeBinary)
    location: str | None = text(200, default=None)
    at: datetime = instant()


first_answer = table_of(FirstAnswer)
_of_key = select(first_answer.c.fingerprint, first_answer.c.status, first_answer.c.body, first_answer.c.location).where(
    first_answer.c.scope == bindparam("scope"), first_answer.c.key == bindparam("key")
)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key for one intent; ``scope`` keeps one person's keys apart from another's."""

    scope: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told: a status, a JSON body, and for pages where to go next."""

    status: int
    body: bytes
    location: str | None = None


def once(key: RequestKey, act: Callable[[Tx], Answer]) -> Callable[[Tx], Answer]:
    """Return an action that runs ``act`` the first time and repeats its answer ever after."""

    def act_once(tx: Tx) -> Answer:
        known = _known(tx, key)
        if known is not None:
            return known
        answer = act(tx)
        tx.insert(
            FirstAnswer,
            scope=key.scope,
            key=key.key,
            fingerprint=key.fingerprint,
            status=answer.status,
            body=answer.body,
            location=answer.location,
            at=tx.now,
        )
        return answer

    return act_once


def _known(tx: Tx, key: RequestKey) -> Answer | None:
    found = tx.execute(_of_key, {"scope": key.scope, "key": key.key}).first()
    if found is None:
        return None
    if found.fingerprint != key.fingerprint:
        raise KeyReused
    return Answer(found.status, found.body, found.location)
