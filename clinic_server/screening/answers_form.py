"""The fields of the questions, wherever they are answered: at the desk, on a tablet, at a kiosk."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from clinic_server.kit.call import Form
from clinic_server.screening.rules import Answer

_ANSWER = "answer-"
_DETAIL = "detail-"
_PART = "part-"
_Said = Annotated[str, Field(max_length=400)]


class AnswersForm(Form):
    """One field ``answer-<question>`` for each question, and those of the follow-ups that were opened.

    A follow-up is ``detail-<question>.<follow-up>``; where several things may be ticked, each is a field
    ``part-<question>.<follow-up>.<thing>``. What was left empty was not said.
    """

    answers: dict[str, Answer]
    details: dict[str, _Said] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        answers = _under(_ANSWER, given)
        details = {key: said for key, said in _under(_DETAIL, given).items() if said}
        for part in sorted(_under(_PART, given)):
            key, _, thing = part.rpartition(".")
            details[key] = f"{details.get(key, '')} {thing}".strip()
        rest = {name: said for name, said in given.items() if not name.startswith((_ANSWER, _DETAIL, _PART))}
        return rest | {"answers": answers, "details": details}


def _under(prefix: str, given: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): said for name, said in given.items() if name.startswith(prefix)}
