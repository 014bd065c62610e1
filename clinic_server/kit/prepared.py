"""Statements that are built once are prepared once; SQLAlchemy would prepare them anew for every call.

To look up the text, bind the values and wrap the rows took it longer than the database took to answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

from clinic_server.kit.fetched import Fetched, Rows

_KINDS: Final = frozenset({Select, Insert, Update, Delete})
_NO_ROWS: Final = Rows(SimpleResultMetaData(()))
_Way = tuple[str | int, ...]


_LONGEST_LIST: Final = 8  # one list of each length is a statement of its own


class _Value(NamedTuple):
    """One value of a statement by its name, and how it is taken, as the driver wants it, from what a call gives."""

    name: str
    of: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as the driver takes it, and how SQLAlchemy reads its rows where it has any."""

    text: str
    values: Sequence[_Value]
    is_positional: bool
    has_rows: bool
    rows: Rows

    def sent(self, given: Mapping[str, Any]) -> Any:
        """Return what goes with the text."""
        if self.is_positional:
            return tuple([of(given) for _, of in self.values])
        return {name: of(given) for name, of in self.values}


def _without_rows(text: str = "", *, is_positional: bool = True) -> _Plan:
    return _Plan(text, (), is_positional, has_rows=False, rows=_NO_ROWS)


# by statement; then by the engine, the names of the values given and the lengths of lists; taken once: no plan yet
_plans: WeakKeyDictionary[Any, dict[_Way, _Plan | None]] = WeakKeyDictionary()
_NO_PLAN: Final = _without_rows()
# around every action
_MARKS: Final = {mark: _without_rows(mark) for mark in ("SAVEPOINT action", "RELEASE SAVEPOINT action")}


class PreparedConnection(Connection):
    """Sends a statement that was sent twice before by the shortest way.

    What the shortest way does not know goes through SQLAlchemy as ever: long lists, many rows at once, streams,
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
        lengths = [len(value) for value in given.values() if type(value) is list]
        if lengths and not 0 < min(lengths) <= max(lengths) <= _LONGEST_LIST:
            return super().execute(statement, parameters)
        way: _Way = (self.dialect.name, *given, *lengths)
        plans = _plans.setdefault(statement, {})
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
    in_lists = {
        name: (bind_name, place)
        for bind_name, list_names in expanded.parameter_expansion.items()
        for place, name in enumerate(list_names)
    }
    values = [_value(compiled, name, in_lists.get(name, (name, None)), given, constants[name]) for name in names]
    rows = Rows(metadata) if result.returns_rows else _NO_ROWS
    plan = _Plan(context.statement, values, compiled.positional, has_rows=result.returns_rows, rows=rows)
    return plan if plan.sent(given) == sent else _NO_PLAN


def _is_beyond(compiled: SQLCompiler, given: Mapping[str, Any]) -> bool:
    """Tell what the shortest way does not know."""
    return bool(
        any(bind.key in given for bind in compiled.literal_execute_params)
        or any(type(given.get(bind.key, [])) is not list for bind in compiled.post_compile_params)
        or any(bind.callable for bind in compiled.binds.values())
        or compiled.effective_returning
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or "yield_per" in compiled.execution_options
    )


def _value(
    compiled: SQLCompiler, name: str, found: tuple[str, int | None], given: Mapping[str, Any], constant: Any
) -> _Value:
    """Return how a value is taken: by its key, from its place if a list is given, or the same in all calls."""
    bind_name, place = found
    bind = compiled.binds.get(bind_name)
    if bind is None or bind.key not in given:
        return _Value(name, lambda _: constant)
    key, process = bind.key, bind.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
    if process is None:
        return _Value(name, itemgetter(key) if place is None else lambda given: given[key][place])
    if place is None:
        return _Value(name, lambda given: process(given[key]))
    return _Value(name, lambda given: process(given[key][place]))
