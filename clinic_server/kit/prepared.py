"""Statements that are built once are prepared once; SQLAlchemy would prepare them anew for every call.

To look up the text, bind the values and wrap the rows took it longer than the database took to answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

from clinic_server.kit.fetched import Fetched

_KINDS: Final = frozenset({Select, Insert, Update, Delete})
_NO_ROWS: Final = SimpleResultMetaData(())


class _Value(NamedTuple):
    """One value of a statement: by the name a call gives it, or, without one, the same in all calls."""

    name: str
    given_as: str | None
    process: Callable[[Any], Any] | None
    constant: Any


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as the driver takes it, and how SQLAlchemy reads its rows where it has any."""

    text: str
    values: Sequence[_Value]
    is_positional: bool
    has_rows: bool
    rows: Any

    def sent(self, given: Mapping[str, Any]) -> Any:
        """Return what goes with the text."""
        sent = [
            constant if key is None else given[key] if process is None else process(given[key])
            for _, key, process, constant in self.values
        ]
        return (
            tuple(sent) if self.is_positional else dict(zip([value.name for value in self.values], sent, strict=True))
        )


def _without_rows(text: str = "", *, is_positional: bool = True) -> _Plan:
    return _Plan(text, (), is_positional, has_rows=False, rows=_NO_ROWS)


# by statement; then by the engine and the names of the values given; a way taken once has no plan yet
_plans: WeakKeyDictionary[Any, dict[tuple[str, ...], _Plan | None]] = WeakKeyDictionary()
_NO_PLAN: Final = _without_rows()
# around every action
_MARKS: Final = {mark: _without_rows(mark) for mark in ("SAVEPOINT action", "RELEASE SAVEPOINT action")}


class PreparedConnection(Connection):
    """Sends a statement that was sent twice before by the shortest way.

    What the shortest way does not know goes through SQLAlchemy as ever: lists of values, many rows at once, streams,
    values that the database makes up, and everything in a transaction that somebody listens to from its beginning.
    """

    _cursor: Any = None
    _asked_of: Any = None  # the transaction of which it is known whether somebody listens
    _is_heard = False

    def execute(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """See Connection."""
        is_known = (
            type(statement) in _KINDS and (not parameters or isinstance(parameters, dict)) and not execution_options
        )
        if not is_known or not self._is_ready():
            return super().execute(statement, parameters, execution_options=execution_options)
        given: Mapping[str, Any] = parameters or {}
        way, plans = (self.dialect.name, *given), _plans.setdefault(statement, {})
        plan = plans.get(way)
        if plan is not None and plan is not _NO_PLAN:
            return self._send(plan, plan.sent(given))
        result = super().execute(statement, parameters)
        if plan is None:
            plans[way] = _plan_of(statement, given, result) if way in plans else None
        return result

    def exec_driver_sql(self, statement: str, parameters: Any = None, execution_options: Any = None) -> Any:
        """See Connection."""
        if statement in _MARKS and self._is_ready():
            return self._send(_MARKS[statement], ())
        return super().exec_driver_sql(statement, parameters, execution_options)

    def _is_ready(self) -> bool:
        """Tell whether a transaction is open, if need be by opening one, and nobody listens."""
        if self._transaction is None:
            self._autobegin()
        if self._transaction is not self._asked_of:
            self._asked_of, self._is_heard = self._transaction, bool(self.dispatch.before_cursor_execute)
        return not self._is_heard and self.in_transaction()

    def _send(self, plan: _Plan, sent: Any) -> Fetched:
        cursor, self._cursor = self._cursor or self.connection.cursor(), None
        try:
            cursor.execute(plan.text, sent)
            rows = cursor.fetchall() if plan.has_rows else ()
        except BaseException as error:  # noqa: BLE001  # SQLAlchemy tells them apart, and closes the cursor
            self._handle_dbapi_exception(error, plan.text, None, cursor, None)
        self._cursor = cursor
        return Fetched(plan.rows, rows)


def _plan_of(statement: Any, given: Mapping[str, Any], result: Any) -> _Plan:
    """Return the plan of a statement that was just sent: with the same values it sends the same."""
    context, metadata = result.context, result._metadata  # noqa: SLF001  # SQLAlchemy offers no public way
    compiled: SQLCompiler = statement.compile(dialect=context.dialect, column_keys=sorted(given))
    if _is_beyond(compiled, given):
        return _NO_PLAN
    sent, expanded = context.parameters[0], compiled.construct_expanded_state(given)
    names = (expanded.positiontup or ()) if compiled.positional else tuple(sent)
    if expanded.statement != context.statement or len(names) != len(sent):
        return _NO_PLAN
    constants = dict(zip(names, sent, strict=True)) if compiled.positional else sent
    values = [_value(compiled, name, given, constants[name]) for name in names]
    rows = metadata if result.returns_rows else _NO_ROWS
    plan = _Plan(context.statement, values, compiled.positional, has_rows=result.returns_rows, rows=rows)
    return plan if plan.sent(given) == sent else _NO_PLAN


def _is_beyond(compiled: SQLCompiler, given: Mapping[str, Any]) -> bool:
    """Tell what the shortest way does not know."""
    return bool(
        compiled.literal_execute_params
        or any(bind.key in given for bind in compiled.post_compile_params)
        or any(bind.callable for bind in compiled.binds.values())
        or compiled.effective_returning
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or "yield_per" in compiled.execution_options
    )


def _value(compiled: SQLCompiler, name: str, given: Mapping[str, Any], constant: Any) -> _Value:
    bind = compiled.binds.get(name)
    if bind is None or bind.key not in given:
        return _Value(name, None, None, constant)
    return _Value(name, bind.key, bind.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect), None)
