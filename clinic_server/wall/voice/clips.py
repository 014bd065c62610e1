"""Sentences spoken by espeak-ng, for displays whose browser has no voice."""

import asyncio
import shutil
import subprocess
from functools import lru_cache

import structlog

from clinic_server.wall.voice.rules import ClipMissing, Said

_log = structlog.get_logger(__name__)
_ENDS_WITHIN_S = 20  # a tenth of a second as a rule; the first after a start may find a busy disk
_WORDS_A_MINUTE = "140"


def can_speak() -> bool:
    """Tell whether espeak-ng is installed here."""
    return shutil.which("espeak-ng") is not None


async def clip(said: Said, voice: str) -> bytes:
    """Return a sentence as a WAV file, or raise ClipMissing."""
    try:
        return await asyncio.to_thread(_spoken, said.spoken, voice)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("clip_missing", reason=type(error).__name__)
        raise ClipMissing from None


@lru_cache(maxsize=256)
def _spoken(text: str, voice: str) -> bytes:
    command = ["espeak-ng", "-v", voice, "-s", _WORDS_A_MINUTE, "--stdout", "--", text]
    return subprocess.run(command, capture_output=True, check=True, timeout=_ENDS_WITHIN_S).stdout  # noqa: S603  # words of our own files and digits
