"""Which devices the site has: those of the settings file, then those that were confirmed."""

from collections.abc import Iterable, Mapping

import structlog

from clinic_server.device_hub.carriers import SiteDevice
from clinic_server.device_hub.lookup import StoredDevice, configured_device
from clinic_server.device_hub.translation import site_options
from clinic_server.settings import Settings
from devices.supervisor import DeviceSpec

_log = structlog.get_logger(__name__)


class Roster:
    """Every device by its id. Of two with one id the first is the device, and the settings file comes first."""

    def __init__(self, settings: Settings) -> None:
        self._zone = settings.site.time_zone
        self.configured: tuple[StoredDevice, ...] = tuple(configured_device(one) for one in settings.devices)
        self._said: set[str] = set()
        self.displaced: frozenset[str] = frozenset()

    def devices(self, stored: Iterable[StoredDevice]) -> Mapping[str, SiteDevice]:
        """Return the site's devices; ``displaced`` then names the confirmed ones whose id the settings file has."""
        known: dict[str, SiteDevice] = {}
        for one in self.configured:
            self._add(known, one)
        displaced = [one.device_id for one in stored if not self._add(known, one)]
        self.displaced = frozenset(displaced)
        return known

    def _add(self, known: dict[str, SiteDevice], one: StoredDevice) -> bool:
        if one.device_id in known:
            if one.device_id not in self._said:
                _log.error("device_id_taken", device=one.device_id)
                self._said.add(one.device_id)
            return False
        options = site_options(one.kind, one.options, self._zone)
        spec = DeviceSpec(one.device_id, one.kind, one.address, one.is_simulated, options)
        known[one.device_id] = SiteDevice(spec, one.station, one.agent_id, one.machine, one.row_id is None)
        return True
