"""The one way to write: a thread that owns the writing connection and commits before anyone is answered.

Actions wait in order; those that wait together share one commit, each behind a savepoint, so that
one refused action leaves its neighbours untouched. The same writer serves SQLite and PostgreSQL,
because the journal's chain puts all writes of a site in one order anyway.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.broadcast import Broadcaster
from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.engines import READERS, is_sqlite, reader_engine, sqlite_path, writer_engine
from clinic_server.kit.errors import (
    Busy,
    ClinicError,
    OutcomeUnknown,
    StorageFailed,
    StorageFull,
    StorageOutcomeUnknown,
    Unavailable,
)
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import Head, head_of
from clinic_server.kit.moments import Moment
from clinic_server.kit.single import hold_file
from clinic_server.kit.timekeeper import Timekeeper
from clinic_server.kit.turns import at_moment
from clinic_server.kit.tx import Signal, Site, Tx
from clinic_server.kit.witness import MissingRecords, Witness, missing_from

T = TypeVar("T")
_MOST_WAITING = 2000
_MOST_PER_COMMIT = 32
_CLOCK = system_actor("clock")
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    """An action in the queue, and where its outcome goes."""

    run: Callable[[Tx], Any]
    actor: Actor
    outcome: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None
    signals: Sequence[Signal] = ()


class Database:
    """The site's database: ``write`` for actions, ``read`` for everything else."""

    def __init__(self, url: str, *, site: Site, keyring: Keyring, clock: Clock, ids: Ids) -> None:
        self.url = url
        self.site = site
        self.keyring = keyring
        self.clock = clock
        self.ids = ids
        self.broadcaster = Broadcaster()
        self._witness: Witness | None = None
        self._held = hold_file(sqlite_path(url)) if is_sqlite(url) else None
        self._writer = writer_engine(url)
        with self._writer.connect() as connection:  # refuses an unsafe database now, not at the first visit
            self._time = Timekeeper(clock, connection)
        self._reader = reader_engine(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_MOST_WAITING)
        self._failed: Unavailable | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchers: list[Callable[[Sequence[Signal]], None]] = []
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Publish signals on this loop from now on."""
        self._loop = loop

    def be_witnessed(self, witness: Witness) -> MissingRecords | None:
        """Let a witness remember each last line from now on; return what it remembers and is not here, if anything."""
        missing = self.read_now(lambda connection: missing_from(connection, witness.known))
        self._witness = witness
        return missing

    def watch(self, watcher: Callable[[Sequence[Signal]], None]) -> None:
        """Tell ``watcher``, on the writer's thread, what was or may have been committed, before it is answered."""
        self._watchers.append(watcher)

    @property
    def failure(self) -> Unavailable | None:
        """Return why nothing can be recorded any more, if so."""
        return self._failed

    @property
    def is_recording(self) -> bool:
        """Tell whether the writer lives and may write."""
        return self._thread.is_alive() and self._failed is None

    async def write(self, action: Callable[[Tx], T], actor: Actor) -> T:
        """Run an action and return its result once it is committed; a refusal leaves no row."""
        return await asyncio.wrap_future(self._submit(action, actor))

    def write_now(self, action: Callable[[Tx], T], actor: Actor) -> T:
        """Run an action from a thread that may wait."""
        return self._submit(action, actor).result()

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask the database on a read-only connection."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, question)

    def read_now(self, question: Callable[[Connection], T]) -> T:
        """Ask from a thread that may wait."""
        now = self._time.now()  # before the connection sees anything
        with _storage_errors(), self._reader.connect() as connection:
            return question(at_moment(connection, now))

    def now(self) -> Moment:
        """Return the present as records reckon it, whatever the wall clock was set to since the last one."""
        return self._time.now()

    @property
    def is_clock_turned(self) -> bool:
        """Tell whether the wall clock was turned and no record says so yet."""
        return self._time.now().turning(self.clock) is not None

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._readers.shutdown()
        self._reader.dispose()
        self._writer.dispose()
        if self._witness:
            self._witness.close()
        if self._held:
            self._held.release()

    def _submit(self, action: Callable[[Tx], T], actor: Actor) -> Future[T]:
        waiting = _Waiting(action, actor)
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise Busy from None
        return waiting.outcome

    def _work(self) -> None:
        while batch := self._next_batch():
            self._record(batch)
            self._settle(batch)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        waiting = self._queue.get()
        while waiting is not None:
            batch.append(waiting)
            if len(batch) == _MOST_PER_COMMIT:
                return batch
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._queue.put(None)  # finish these first, then stop
        return batch

    def _record(self, batch: list[_Waiting]) -> None:
        """Run a batch in one transaction; afterwards each has its result or its error."""
        if self._failed:
            self._fail(batch, self._failed)
            return
        try:
            with self._writer.connect() as connection:
                head = head_of(connection)
                self._time.begin(connection)
                for waiting in tuple(batch):
                    head = self._keep_time(connection, batch, head)
                    head = self._run(connection, waiting, head, self._time.present())
                self._commit(connection)
        except BaseException as error:  # noqa: BLE001  # whatever it was, nothing of this batch was recorded
            self._time.failed()
            self._fail(batch, self._refusal_for(error))
        else:
            self._time.committed()
            if self._witness:
                self._witness.remember(head)

    def _keep_time(self, connection: Connection, batch: list[_Waiting], head: Head) -> Head:
        """Record that the clock was turned before anything is recorded by it."""
        owed = self._time.owed()
        if owed is None:
            return head
        record, now = owed
        turn = _Waiting(record, _CLOCK)
        head = self._run(connection, turn, head, now)
        if turn.error is not None:
            raise turn.error
        self._time.go_on_from(turn.result)
        batch.append(turn)
        return head

    def _run(self, connection: Connection, waiting: _Waiting, head: Head, now: Moment) -> Head:
        """Run one action behind a savepoint and return the journal's head after it."""
        connection.exec_driver_sql("SAVEPOINT action")
        at_moment(connection, now)
        tx = Tx(connection, now.at, waiting.actor, self.site, self.keyring, self.ids.new, head)
        try:
            waiting.result = waiting.run(tx)
            tx.finish()
        except Exception as error:  # the caller gets it; its neighbours in the batch go on
            if isinstance(error, DBAPIError) and not _is_constraint(error):
                raise
            waiting.error = error
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT action")
            connection.exec_driver_sql("RELEASE SAVEPOINT action")
            return head
        connection.exec_driver_sql("RELEASE SAVEPOINT action")
        waiting.signals = tx.signals
        return tx.head

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise OutcomeUnknown from error
            if isinstance(storage_refusal(error), StorageFailed):
                raise StorageOutcomeUnknown from error  # all of it may be on the disk, though its fsync failed
            raise

    def _refusal_for(self, error: BaseException) -> BaseException:
        refusal = error if isinstance(error, ClinicError) else storage_refusal(error)
        _log.error("write_failed", code=refusal.code if refusal else type(error).__name__)
        if isinstance(refusal, StorageFailed):
            self._failed = StorageFailed()
        return refusal or error

    @staticmethod
    def _fail(batch: list[_Waiting], error: BaseException) -> None:
        for waiting in batch:
            waiting.error = waiting.error if isinstance(waiting.error, ClinicError) else error

    def _settle(self, batch: list[_Waiting]) -> None:
        """Tell the watchers what changed, answer every caller, and tell the open pages."""
        for watcher in self._watchers:
            watcher([signal for waiting in batch for signal in waiting.signals])
        for waiting in batch:
            if not waiting.outcome.set_running_or_notify_cancel():
                continue
            if waiting.error is not None:
                waiting.outcome.set_exception(waiting.error)
            else:
                waiting.outcome.set_result(waiting.result)
        signals = [signal for waiting in batch if waiting.error is None for signal in waiting.signals]
        if signals and self._loop is not None:
            with suppress(RuntimeError):  # the loop closed: nobody is looking any more
                self._loop.call_soon_threadsafe(self.broadcaster.publish, signals)


def storage_refusal(error: BaseException) -> Unavailable | None:
    """Return what to tell the caller about a database error, or None when it is a fault of the program."""
    if not isinstance(error, DBAPIError):
        return None
    words = str(error.orig).lower()
    if "locked" in words or "busy" in words:
        return Busy()
    if "disk is full" in words or "no space left" in words:
        return StorageFull()
    if error.connection_invalidated or "connection" in words:
        return Unavailable()
    if any(sign in words for sign in ("disk i/o", "malformed", "readonly", "read-only", "unable to open", "not a db")):
        return StorageFailed()
    return None


def _is_constraint(error: DBAPIError) -> bool:
    """Tell a rule of the database refusing one row from the database itself failing."""
    return storage_refusal(error) is None


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        refusal = storage_refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def describe(url: str) -> str:
    """Name the engine for a person, without credentials."""
    return f"SQLite, {sqlite_path(url)}" if is_sqlite(url) else "PostgreSQL"
