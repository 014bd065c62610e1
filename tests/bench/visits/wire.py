"""The yardstick ``wire``: a bare ASGI application that reads every request, stores nothing and answers alike."""

from typing import Any

import msgspec

_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_UNTIL = "2026-03-02T00:30:00.000000Z"
_STAGE = {"stage": "waiting_for_consent"}
_PRODUCT = {"product_code": "demo-inactivated", "product_name": "演示灭活疫苗", "lot_number": "202603001"}
_ANSWERS: dict[str, Any] = {
    "visits": {"visit_id": _ID, "ticket_number": 1, "is_new": True, "possible_duplicates": 0, "findings": []},
    "screening": {"screening_id": _ID, **_STAGE},
    "decision": {"decision_id": _ID, **_STAGE},
    "consent": {"consent_id": _ID, **_STAGE},
    "permits": {"permit_id": _ID, **_PRODUCT, "expires_on": "2026-08-29", "expires_at": _UNTIL},
    "doses": {"dose_id": _ID, "lot_number": "202603001", "observe_until": _UNTIL},
    "leave": "completed",
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve one request (ASGI)."""
    if scope["type"] != "http":
        return
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if body:
        msgspec.json.decode(body)
    content = msgspec.json.encode(_ANSWERS[scope["path"].rpartition("/")[2]])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": content})
