"""A keyboard whose keys come at the very moments a test says, through the browser's own input: trusted, not made up."""

import time
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import CDPSession, Page, expect

SHIFTED = dict(zip(')!@#$%^&*(_+{}|:"<>?~', "0123456789-=[]\\;',./`", strict=True))
PLACES = {
    "-": "Minus",
    "=": "Equal",
    "[": "BracketLeft",
    "]": "BracketRight",
    "\\": "Backslash",
    ";": "Semicolon",
    "'": "Quote",
    ",": "Comma",
    ".": "Period",
    "/": "Slash",
    "`": "Backquote",
    " ": "Space",
}
NAMED = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "F8": ("F8", 119, ""), "F9": ("F9", 120, "")}
SHIFT, CTRL, ALT = 8, 2, 1
IN_INPUT_METHOD = 229
BEGINS_BEFORE_S = 0.01
HAND_S = 0.4
FURTHEST_TABS = 80


def place_of(character: str) -> tuple[str, int, bool]:
    """Return the key's place on a US keyboard, its code, and whether Shift is held."""
    plain = SHIFTED.get(character, character).lower()
    shifted = plain != character
    if plain.isascii() and plain.isalpha():
        return f"Key{plain.upper()}", ord(plain.upper()), shifted
    return (
        (f"Digit{plain}" if plain.isdigit() else PLACES[plain]),
        ord(plain) if plain.isdigit() or plain == " " else 0,
        shifted,
    )


@dataclass
class Keyboard:
    """Keys at given moments: whatever the machine is busy with, the page sees the gaps that the test means."""

    session: CDPSession
    at: float = field(default_factory=time.time)

    @classmethod
    async def of(cls, page: Page) -> "Keyboard":
        return cls(await page.context.new_cdp_session(page))

    async def type(
        self, text: str, gaps_ms: Sequence[float] | float = 8.0, end: str = "Enter", begin: str = ""
    ) -> None:
        """Type a text between the keys that begin and end it; the last gap goes on to the end of the keys.

        The browser has all the keys at once, so that it is never busy for long between two of them.
        """
        gaps = [gaps_ms] if isinstance(gaps_ms, float | int) else list(gaps_ms)
        events = []
        self.at += 1.0  # long after whatever was before
        if begin:
            events += self._pressed(begin)
            self.at += BEGINS_BEFORE_S
        for number, character in enumerate(text):
            events += self._pressed(character)
            self.at += gaps[min(number, len(gaps) - 1)] / 1000
        if end:
            events += self._pressed(end)
        await self._send(events)

    async def press(self, key: str, modifiers: int = 0, code: str = "") -> None:
        """Press and release one key now."""
        await self._send(self._pressed(key, modifiers, code))

    async def press_in_input_method(self, character: str) -> None:
        """Press a key that an input method takes for itself: the page is told its place and nothing else."""
        place, _, shifted = place_of(character) if character not in NAMED else (character, 0, False)
        await self._send(self._events("Process", place, IN_INPUT_METHOD, "", SHIFT if shifted else 0))

    def _pressed(self, key: str, modifiers: int = 0, code: str = "") -> list[dict[str, Any]]:
        if key in NAMED:
            place, number, text = NAMED[key]
            return self._events(key, place, number, text, modifiers)
        place, number, shifted = place_of(key)
        text = "" if modifiers else key
        return self._events(key, code or place, number, text, modifiers | (SHIFT if shifted else 0))

    def _events(self, key: str, code: str, number: int, text: str, modifiers: int) -> list[dict[str, Any]]:
        event: dict[str, Any] = {
            "key": key,
            "code": code,
            "windowsVirtualKeyCode": number,
            "modifiers": modifiers,
            "timestamp": self.at,
        }
        return [{"type": "keyDown", "text": text, **event}, {"type": "keyUp", **event}]

    async def _send(self, events: Sequence[dict[str, Any]]) -> None:
        await gather(*(self.session.send("Input.dispatchKeyEvent", event) for event in events))


async def confirm_all(page: Page) -> None:
    """Confirm one after the other what the bench asks for, as somebody who looks at each, and ask for the permit."""
    boxes = page.locator("[data-confirmations] input")
    await boxes.first.wait_for()
    keyboard = await Keyboard.of(page)
    for _ in range(await boxes.count()):
        keyboard.at += 0.4
        await keyboard.press(" ")
    await page.keyboard.press("F9")


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody at a desk without a mouse, who goes from field to field by Tab and types as hands do."""

    page: Page
    keyboard: Keyboard

    @classmethod
    async def of(cls, page: Page) -> "Hand":
        return cls(page, await Keyboard.of(page))

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before has long been let go."""
        for key in keys:
            self.keyboard.at += HAND_S
            await (self.page.keyboard.press(key) if key != " " else self.keyboard.press(key))

    async def reach(self, name: str) -> None:
        """Go on by Tab until the keyboard stands in the field, round the page if need be."""
        for _ in range(FURTHEST_TABS):
            if await self.page.evaluate("document.activeElement.name") == name:
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {name}")

    async def choose(self, name: str, value: str) -> None:
        """Choose one of a list by the arrows."""
        await self.reach(name)
        await self.page.keyboard.press("Home")
        for _ in range(FURTHEST_TABS):
            if await self.page.evaluate("document.activeElement.value") == value:
                return
            await self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{name} does not offer {value}")

    async def write(self, **words: str) -> None:
        """Write into one field after the other, words of any script as an input method gives them."""
        for name, said in words.items():
            await self.reach(name)
            if said.isdecimal():
                await self.keyboard.type(said, 150, end="")
            else:
                await self.page.keyboard.insert_text(said)

    async def answer(self, *digits: str) -> None:
        """Answer questions by digits, resting after each: a digit counts once the keyboard rests."""
        for number, digit in enumerate(digits, 1):
            await self.press(digit)
            await expect(self.page.locator("fieldset.answers input:checked")).to_have_count(number)
