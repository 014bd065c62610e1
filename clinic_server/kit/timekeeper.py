"""What time it is for those who read and those who write; only the writer notices that the clock was turned."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from clinic_server.kit.clock import Clock
from clinic_server.kit.moments import Moment
from clinic_server.kit.turns import keep_mark, record_turn, resumed
from clinic_server.kit.tx import Tx


class Timekeeper:
    """Reckons from one moment, which moves on only when the turn that moves it is committed.

    Readers take ``now`` before they see the database. A turn committed meanwhile is then later than their moment and
    left out, so that what they read and what they reckon from always fit.
    """

    def __init__(self, clock: Clock, connection: Connection) -> None:
        self._clock = clock
        self._known = self._pending = resumed(connection, clock)
        self._is_kept = False  # that the database keeps what is known here

    def now(self) -> Moment:
        """Return the present, for a reader."""
        return self._known.later(self._clock)

    def begin(self, connection: Connection) -> None:
        """Begin a transaction; what the last one left uncertain is asked of the database."""
        self._pending = self._known if self._is_kept else resumed(connection, self._clock)

    def owed(self) -> tuple[Callable[[Tx], Moment], Moment] | None:
        """Return what must be recorded before the next action and of which moment, if anything."""
        turning = self._pending.turning(self._clock)
        if turning is not None:
            return partial(record_turn, turning=turning), turning.seen
        if self._is_kept:
            return None
        present = self.present()
        return partial(keep_mark, moment=present), present

    def go_on_from(self, moment: Moment) -> None:
        """Reckon from a moment within the open transaction."""
        self._pending, self._is_kept = moment, True

    def present(self) -> Moment:
        """Return the present within the open transaction."""
        return self._pending.later(self._clock)

    def committed(self) -> None:
        """Let everybody reckon from where the transaction came to."""
        self._known = self._pending

    def failed(self) -> None:
        """Go on as before; whether the database knows of a turn is uncertain now."""
        self._is_kept = False
