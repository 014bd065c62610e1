"""What can go wrong on the way of an HTTP request, by words that stay: the library's own texts may hold an address."""

import httpx2

_KINDS = {
    httpx2.ConnectTimeout: "no_answer",
    httpx2.ConnectError: "not_reached",
    httpx2.TimeoutException: "no_answer",
}


def reason_of(error: httpx2.HTTPError) -> str:
    """Name a failure of the line."""
    cause: BaseException | None = error
    while cause is not None:
        if "CERTIFICATE" in str(cause):
            return "certificate_refused"
        cause = cause.__cause__ or cause.__context__
    return next((word for kind, word in _KINDS.items() if isinstance(error, kind)), "line_broken")
