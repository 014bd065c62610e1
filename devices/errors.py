"""What can go wrong with a device. Every error has a stable `code`; no text carries anything read from a card."""

from typing import ClassVar


class DeviceError(Exception):
    """Anything the supervisor answers by waiting and connecting again."""

    code: ClassVar[str] = "device_error"

    @property
    def detail(self) -> str:
        """The code, made exact where the error knows more: shown on the devices page."""
        return self.code


class WireError(DeviceError):
    """Bytes that do not follow the device's protocol."""

    code = "wire_error"


class BadFrame(WireError):
    """One message that cannot be decoded. `reason` is a stable lower_snake word, never the content."""

    code = "bad_frame"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CardUnusable(DeviceError):
    """The card, not the reader: pulled out in the middle, mute, locked, of no known kind. The next card may be good."""

    code = "card_unusable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkError(DeviceError):
    """The way to the device, not the device."""

    code = "link_error"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def detail(self) -> str:
        """The code with its reason: `link_lost: unplugged`."""
        return f"{self.code}: {self.reason}"


class LinkLost(LinkError):
    """A link that was open is gone: unplugged, reset, broker stopped, delivery declined."""

    code = "link_lost"


class LinkUnavailable(LinkError):
    """A link could not be opened: no such port, port taken, connection or credentials refused."""

    code = "link_unavailable"


class NoAnswer(DeviceError):
    """The link is open and the device stays silent."""

    code = "no_answer"


class ReaderRefused(DeviceError):
    """The reader answered with a status that forbids going on."""

    code = "reader_refused"

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status

    @property
    def detail(self) -> str:
        """The code with the reader's own status: `reader_refused: self_test_failed`."""
        return f"{self.code}: {self.status}"


class OtherDevice(DeviceError):
    """What answers is not the device this port was given to, or does not prove that it is."""

    code = "other_device"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def detail(self) -> str:
        """The code with its reason: `other_device: sam_id_differs`."""
        return f"{self.code}: {self.reason}"


class SpecRefused(DeviceError):
    """A device description that can never work; waiting does not help, so it is not tried again.

    `about` names the part to correct: kind, address, option, or empty where it is several together.
    """

    code = "spec_refused"
    about: ClassVar[str] = ""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def detail(self) -> str:
        """The code with the sentence that says what to correct."""
        return f"{self.code}: {self.reason}"


class KindRefused(SpecRefused):
    """No adapter serves this kind of device."""

    about = "kind"


class AddressRefused(SpecRefused):
    """A URL that can never be opened."""

    about = "address"


class OptionRefused(SpecRefused):
    """An option nobody knows, or a value it cannot have."""

    about = "option"
