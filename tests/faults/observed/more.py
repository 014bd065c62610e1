"""The way of a further vaccine from the asking to the needle, over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from tests.api.further import HEP

Done = Callable[[str, str, Mapping[str, Any] | None], Any]
_SIGNED = [{"signer": "recipient", "relationship": "self", "paper_reason": "pad broken"}]


def bring_to_needle(done: Done, further: UUID) -> None:
    """Let everything be answered with no, the further vaccine be ordered, and it be consented to."""
    path = f"/api/v1/visits/{further}"
    asked = done("GET", f"{path}/questions?programme=routine", None)["questions"]
    answers = {"programme": "routine", "answers": {one["code"]: "no" for one in asked}}
    screening_id = done("POST", f"{path}/screening", answers)["screening_id"]
    decision = {"screening_id": screening_id, "outcome": "recommended", "product_code": HEP, "reason": "weighed"}
    done("POST", f"{path}/decision", decision)
    sheet = done("GET", f"{path}/consent?language=en", None)
    text = {name: sheet[name] for name in ("decision_id", "text_language", "text_version", "informed")}
    done("POST", f"{path}/consent", {**text, "signatures": _SIGNED, "advice_note": "told all of it"})
