"""A transport is a URL. One parser for all of them, and a form of it that may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from devices.errors import AddressRefused


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """A device URL, taken apart and unquoted."""

    scheme: str
    host: str
    port: int | None
    path: str
    username: str | None
    password: str | None = field(repr=False)
    query: Mapping[str, str]

    @classmethod
    def parse(cls, url: str) -> "LinkAddress":
        """Take a URL apart. Raises SpecRefused; the text of the refusal never holds the URL's password."""
        try:
            parts = urlsplit(url)
            return cls(
                scheme=parts.scheme,
                host=parts.hostname or "",
                port=parts.port,
                path=unquote(parts.path),
                username=None if parts.username is None else unquote(parts.username),
                password=None if parts.password is None else unquote(parts.password),
                query=dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))),
            )
        except ValueError:
            raise AddressRefused("the device URL is malformed") from None

    def whole_number(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a query value as an integer within low..high."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and low <= int(text[:12]) <= high):
            raise AddressRefused(f"{name} must be a whole number from {low} to {high}")
        return int(text)

    def refuse_other_queries(self, *known: str) -> None:
        """Refuse a misspelt setting instead of ignoring it."""
        if unknown := sorted(set(self.query) - set(known)):
            raise AddressRefused(f"unknown setting in the device URL: {', '.join(unknown)}")


def public_url(url: str) -> str:
    """Return the URL without user name and password, fit for a page or a log."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl() if host != parts.netloc else url
