"""The site's own screens: every page of the desk shows its open alerts by itself, so there is nothing to send."""

from devices.options import known_options_only
from devices.pagers.page import Outcome, Page, PagerSpec, Reached


class Screen:
    """Takes every page; whether a person has seen it only an acknowledgement says."""

    def __init__(self, spec: PagerSpec) -> None:
        known_options_only(spec)

    async def send(self, address: str, page: Page) -> Outcome:  # noqa: ARG002 - a screen has no other address
        """See Pager."""
        return Outcome(Reached.ACCEPTED, "shown_by_the_page")
