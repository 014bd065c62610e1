"""The program whose disk fails: people are checked in and asked through the real actions, and each answer is noted.

`python -m tests.faults.disk.scripted_hour FOLDER VISITS` expects FOLDER/clinic.db with the schema. FOLDER/acks gets a
line for each answer: ``ACK seq hash``, or ``NO code`` for a refusal. FOLDER/elsewhere/witness is the witness.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from clinic_server.kit.access import Actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site, Tx
from clinic_server.kit.witness import Witness
from tests.api.visitors import a_screening, a_visit

T = TypeVar("T")
KEYRING = Keyring(bytes(range(32)))
DESKS = 3


class Acknowledging(Database):
    """A database that notes each answer where the harness reads it, in the order they were given."""

    def __init__(self, folder: Path) -> None:
        clock = SystemClock()
        self._acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        super().__init__(
            f"sqlite:///{folder / 'clinic.db'}", site=Site("TEST"), keyring=KEYRING, clock=clock, ids=Ids(clock)
        )
        self.be_witnessed(Witness(folder / "elsewhere" / "witness", KEYRING.journal_key))

    def write_now(self, action: Callable[[Tx], T], actor: Actor) -> T:
        """Write, and note what is told to whoever asked."""

        def acting(tx: Tx) -> Any:
            return action(tx), tx.head

        try:
            result, head = super().write_now(acting, actor)
        except Unavailable as refused:
            os.write(self._acks, f"NO {refused.code}\n".encode())
            raise
        os.write(self._acks, f"ACK {head.seq} {head.hash.hex()}\n".encode())
        return result


def main() -> int:
    """Play the hour; return 1 when something was refused."""
    folder, visits = Path(sys.argv[1]), int(sys.argv[2])
    db = Acknowledging(folder)

    def one_visitor(number: int) -> bool:
        try:
            visit_id = a_visit(db, name=f"Visitor {number}")
            a_screening(db, visit_id)
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(DESKS) as desks:
        is_done = list(desks.map(one_visitor, range(visits)))
    db.close()
    return 0 if all(is_done) else 1


if __name__ == "__main__":
    sys.exit(main())
