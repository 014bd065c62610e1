"""What counts as success of a service that each describes in its own words: a place in its JSON, and what is there."""

from dataclasses import dataclass
from typing import Any, Self

from devices.errors import BadFrame, OptionRefused
from devices.json_pointer import MISSING, found_at, is_pointer
from devices.options import HasOptions
from devices.pagers.page import Outcome, Reached
from devices.pagers.robot_wire import refused_by_status
from devices.strict_json import decode_object

OPTIONS = ("success_pointer", "success_value")


@dataclass(frozen=True, slots=True)
class SuccessRule:
    """Success is this value at this place."""

    pointer: str
    value: str

    @classmethod
    def of(cls, spec: HasOptions) -> Self | None:
        """Return the rule of a channel, or None where it has none. Raises OptionRefused."""
        pointer, value = (spec.options.get(name, "") for name in OPTIONS)
        if not pointer and not value:
            return None
        if not pointer or not is_pointer(pointer) or not value:
            raise OptionRefused("success_pointer is a JSON pointer such as /code, success_value what stands there")
        return cls(pointer, value)

    def judged(self, status: int, body: bytes, wait_s: float | None) -> Outcome:
        """Return how far a message got. What the service says is compared and never repeated."""
        if refusal := refused_by_status(status, wait_s):
            return refusal
        try:
            found = found_at(self.pointer, decode_object(body))
        except BadFrame as bad:
            return Outcome(Reached.UNCONFIRMED, bad.reason)
        if found is MISSING:
            return Outcome(Reached.UNCONFIRMED, "code_missing")
        if _written(found) == self.value:
            return Outcome(Reached.ACCEPTED)
        return Outcome(Reached.FAILED, _refusal(found))


def _written(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, (str, int)) else ""


def _refusal(found: Any) -> str:
    """Name a code that is a number; words of a service could hold anything, also the number that was called."""
    is_code = isinstance(found, int) and not isinstance(found, bool) and abs(found) <= 999_999  # noqa: PLR2004
    return f"code_{found}" if is_code else "refused_by_service"
