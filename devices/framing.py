"""Incremental splitters: bytes in, in any slices, whole messages out. Pure; silence is the caller's to notice."""

from collections.abc import Callable

LINE_ENDS = b"\r\n\t\0"


class PreambleSplitter:
    """Cuts frames that start with a preamble and know their own length; finds back after any garbage.

    `whole_length(header)` gives the frame's full length from its first `header_length` bytes, or None for nonsense;
    `is_sound(frame)` is its checksum. What is not sound is searched again, for it may hide the start of a good frame.
    A preamble inside a frame's body means the frame was cut short: the splitter starts again there, so the two
    halves of different messages are never joined.
    """

    def __init__(
        self,
        preamble: bytes,
        header_length: int,
        whole_length: Callable[[bytes], int | None],
        is_sound: Callable[[bytes], bool],
    ) -> None:
        self._preamble = preamble
        self._header_length = header_length
        self._whole_length = whole_length
        self._is_sound = is_sound
        self._pending = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Take what arrived and return the frames it completed."""
        self._pending += received
        frames = []
        while (frame := self._next_frame()) is not None:
            frames.append(frame)
        return frames

    def clear(self) -> None:
        """Forget a half frame: what comes next belongs to another answer."""
        self._pending.clear()

    def _next_frame(self) -> bytes | None:
        while self._skip_to_preamble() and len(self._pending) >= self._header_length:
            length = self._whole_length(bytes(self._pending[: self._header_length]))
            if length is None:
                del self._pending[:1]
                continue
            restart = self._pending.find(self._preamble, 1, length)
            if restart > 0:
                del self._pending[:restart]
                continue
            if len(self._pending) < length:
                return None
            frame = bytes(self._pending[:length])
            if self._is_sound(frame):
                del self._pending[:length]
                return frame
            del self._pending[:1]
        return None

    def _skip_to_preamble(self) -> bool:
        start = self._pending.find(self._preamble)
        if start < 0:
            # Its first bytes may be the start of a preamble that is still arriving.
            del self._pending[: max(0, len(self._pending) - len(self._preamble) + 1)]
            return False
        del self._pending[:start]
        return True


class LineSplitter:
    """Cuts text that ends with CR, LF, TAB or NUL, or with a silence the caller reports through `end_of_silence`.

    A line longer than `max_length` comes out cut to `max_length + 1` bytes, so the reader of the line can refuse it;
    the rest of it is dropped.
    """

    def __init__(self, max_length: int) -> None:
        self._kept_length = max_length + 1
        self._pending = bytearray()

    @property
    def has_pending(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._pending)

    def feed(self, received: bytes) -> list[bytes]:
        """Take what arrived and return the lines it completed, without their ends; empty lines are nothing."""
        lines = []
        for byte in received:
            if byte not in LINE_ENDS:
                if len(self._pending) < self._kept_length:
                    self._pending.append(byte)
            elif self._pending:
                lines.append(self.end_of_silence())
        return lines

    def end_of_silence(self) -> bytes:
        """Return what has gathered as one line."""
        line = bytes(self._pending)
        self._pending.clear()
        return line
