"""Sentences spoken by espeak-ng, for screens whose browser has no voice."""

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import structlog

from clinic_server.kit.errors import NotFound

_log = structlog.get_logger(__name__)
WRITTEN: Final[Mapping[str, str]] = {"zh-CN": "cmn", "zh-TW": "cmn", "en": "en"}
"""The voice of espeak-ng that reads what is written in a language of the screens."""
_ENDS_WITHIN_S = 20  # a tenth of a second as a rule; the first after a start may find a busy disk
_WORDS_A_MINUTE = "140"


class ClipMissing(NotFound):
    """There is nothing to hear: nobody says this now, or this server has no voice."""

    code = "clip_missing"


def can_speak() -> bool:
    """Tell whether espeak-ng is installed here."""
    return shutil.which("espeak-ng") is not None


async def clip(words: str, voice: str) -> bytes:
    """Return a sentence as a WAV file, or raise ClipMissing."""
    try:
        return await asyncio.to_thread(_spoken, words, voice)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("clip_missing", reason=type(error).__name__)
        raise ClipMissing from None


@lru_cache(maxsize=64)
def _spoken(words: str, voice: str) -> bytes:
    command = ["espeak-ng", "-v", voice, "-s", _WORDS_A_MINUTE, "--stdout", "--", words]
    return subprocess.run(command, capture_output=True, check=True, timeout=_ENDS_WITHIN_S).stdout  # noqa: S603  # words of our own files, digits, and a group's name after --
