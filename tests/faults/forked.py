"""The server as a child of a program that has imported it already: its lives begin soon, and end as any other's."""

from tests.faults.victim import Life, Victim
from tests.forked import clinic


class ForkedVictim(Victim):
    """A victim each of whose lives costs no import, which is most of what it costs to start one."""

    def _begun(self, command: str) -> Life:
        return clinic(command, folder=self._folder, environment=self._environment, out=self._log)
