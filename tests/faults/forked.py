"""The server as a child of a program that has imported it already: its lives begin soon, and end as any other's."""

import sys
import time

from tests.faults.victim import Life, Victim
from tests.forked import WHERE_IT_STANDS, clinic

TOLD_WITHIN_S = 1.0
MOST_TOLD = 20_000


class ForkedVictim(Victim):
    """A victim each of whose lives costs no import, which is most of what it costs to start one."""

    def __exit__(self, kind: type[BaseException] | None = None, *rest: object) -> None:
        if kind is not None and self._process is not None:
            self._process.send_signal(WHERE_IT_STANDS)
            time.sleep(TOLD_WITHIN_S)
            sys.stdout.write(self._log.read_text(errors="replace")[-MOST_TOLD:])
        super().__exit__(kind, *rest)

    def _begun(self, command: str) -> Life:
        return clinic(command, folder=self._folder, environment=self._environment, out=self._log)
