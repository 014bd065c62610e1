"""Statements that are built once are prepared once; SQLAlchemy would prepare them anew for every call.

To look up the text, bind the values and wrap the rows took it longer than the database took to answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, IteratorResult, Select, Update
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

_KINDS: Final = frozenset({Select, Insert, Update, Delete})
_MARKS: Final = frozenset({"SAVEPOINT action", "RELEASE SAVEPOINT action"})  # around every action


class _Value(NamedTuple):
    """One value of a statement: by the name a call gives it, or, without one, the same in all calls."""

    name: str
    given_as: str | None
    process: Callable[[Any], Any] | None
    constant: Any


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as the driver takes it; ``rows`` is how SQLAlchemy reads its rows, None where there are none."""

    text: str
    values: Sequence[_Value]
    is_positional: bool
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


# by statement; then by the engine and the names of the values given; a way taken once has no plan yet
_plans: WeakKeyDictionary[Any, dict[tuple[str, ...], _Plan | None]] = WeakKeyDictionary()
_NO_PLAN: Final = _Plan("", (), is_positional=True, rows=None)
_NO_ROWS: Final = SimpleResultMetaData(())


class PreparedConnection(Connection):
    """Sends a statement that was sent twice before by the shortest way.

    What the shortest way does not know goes through SQLAlchemy as ever: lists of values, many rows at once, streams,
    values that the database makes up, and everything while somebody listens to what is sent.
    """

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
            return self._send(plan, given)
        result = super().execute(statement, parameters)
        if plan is None:
            plans[way] = _plan_of(statement, given, result) if way in plans else None
        return result

    def exec_driver_sql(self, statement: str, parameters: Any = None, execution_options: Any = None) -> Any:
        """See Connection."""
        if statement in _MARKS and self._is_ready():
            return self._send(_Plan(statement, (), self.dialect.positional, None), {})
        return super().exec_driver_sql(statement, parameters, execution_options)

    def _is_ready(self) -> bool:
        """Tell whether a transaction is open, if need be by opening one, and nobody listens."""
        if self.dispatch.before_cursor_execute:
            return False
        if self._transaction is None:
            self._autobegin()
        return self.in_transaction()

    def _send(self, plan: _Plan, given: Mapping[str, Any]) -> IteratorResult[Any]:
        cursor: Any = None
        try:
            sent, cursor = plan.sent(given), self.connection.cursor()
            cursor.execute(plan.text, sent)
            rows = () if plan.rows is None else cursor.fetchall()
            cursor.close()
        except BaseException as error:  # noqa: BLE001  # SQLAlchemy tells them apart
            self._handle_dbapi_exception(error, plan.text, None, cursor, None)
        return IteratorResult(_NO_ROWS if plan.rows is None else plan.rows, iter(rows))


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
    plan = _Plan(context.statement, values, compiled.positional, metadata if result.returns_rows else None)
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
