"""What a pager with one line of ASCII shows: the page's short words and its number, so that a doubled one is known."""

from typing import Final

from devices.pagers.page import Page

MOST_CHARACTERS: Final = 80


def pager_text(page: Page, most_characters: int = MOST_CHARACTERS) -> str:
    """Return the text, cut before the number where it is too long; what no pager shows becomes "?"."""
    ending = f" #{page.number}"
    said = "".join(sign if " " <= sign <= "~" else "?" for sign in page.short)
    if len(said) + len(ending) <= most_characters:
        return said + ending
    return said[: most_characters - len(ending) - 2] + ".." + ending
