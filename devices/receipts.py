"""The sender's proof: nothing leaves a durable queue before the server has stored it."""

from collections.abc import Callable
from threading import Lock
from typing import Self


class Receipt:
    """The right to answer one delivered message; thread-safe, used once, without effect once its connection is gone."""

    __slots__ = ("_lock", "_settle")

    def __init__(self, settle: Callable[[bool], None] | None = None) -> None:
        self._lock = Lock()
        self._settle = settle

    @classmethod
    def for_perishable(cls) -> Self:
        """Return the receipt of a message whose sender keeps nothing."""
        return cls(None)

    def acknowledge(self) -> None:
        """Tell the sender that its message is stored. Call it after the commit, from any thread."""
        self._use(stored=True)

    def decline(self) -> None:
        """Tell the link that the message could not be stored: it reconnects and the sender delivers again."""
        self._use(stored=False)

    def split(self, parts: int) -> "tuple[Receipt, ...]":
        """Cut into `parts` receipts: the message is acknowledged with the last, declined with the first refusal."""
        if parts == 1:
            return (self,)
        count = _Countdown(self, parts)
        return tuple(Receipt(count.settle) for _ in range(parts))

    def _use(self, *, stored: bool) -> None:
        with self._lock:
            settle, self._settle = self._settle, None
        if settle is not None:
            settle(stored)


class _Countdown:
    """Joins the parts of one receipt."""

    def __init__(self, whole: Receipt, parts: int) -> None:
        self._whole = whole
        self._left = parts
        self._lock = Lock()

    def settle(self, stored: bool) -> None:
        if not stored:
            self._whole.decline()
            return
        with self._lock:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            self._whole.acknowledge()
