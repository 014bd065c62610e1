"""Simulated devices in this process: found like any other, started when one is confirmed, served by hand."""

import structlog

from devices.supervisor import DeviceSpec
from firmware_stubs.simulated import SIMULATED, SimulatedDevice

_log = structlog.get_logger(__name__)


class Simulation:
    """The simulated devices that run here, by the id of the device they play."""

    def __init__(self) -> None:
        self._running: dict[str, SimulatedDevice] = {}

    def start(self, spec: DeviceSpec) -> None:
        """Plug a device's simulation in; a real device, or one that somebody else simulates, has none here."""
        if not spec.simulated or spec.kind not in SIMULATED or not spec.url.startswith(_address(spec.kind)):
            return
        device = SIMULATED[spec.kind](spec.url)
        try:
            device.start()
        except ValueError:  # somebody else plays it: then the line is there, and theirs to serve
            _log.warning("simulated_elsewhere", device=spec.device_id)
        else:
            self._running[spec.device_id] = device

    def stop(self, device_id: str) -> None:
        """Take a device's simulation away, if it has one."""
        if (device := self._running.pop(device_id, None)) is not None:
            device.stop()

    def stop_all(self) -> None:
        """Take every simulation away."""
        for device_id in tuple(self._running):
            self.stop(device_id)

    def deeds(self, device_id: str) -> tuple[str, ...]:
        """Return what a person could do with the device, and what could befall it; nothing for a real one."""
        device = self._running.get(device_id)
        return device.deeds() if device else ()

    def do(self, device_id: str, deed: str) -> None:
        """Do one of the deeds. KeyError: not one of them."""
        if deed not in self.deeds(device_id):
            raise KeyError(deed)
        self._running[device_id].do(deed)


def _address(kind: str) -> str:
    return f"memory://simulated-{kind.replace('_', '-')}-"
