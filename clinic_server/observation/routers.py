"""Every page and call of the observation area, in the order in which routes are asked."""

from clinic_server.observation import api, pages
from clinic_server.observation.checks import api as checks_api
from clinic_server.observation.checks import pages as checks_pages
from clinic_server.observation.exit import api as exit_api
from clinic_server.observation.exit import pages as exit_pages
from clinic_server.observation.further import api as further_api
from clinic_server.observation.further import pages as further_pages
from clinic_server.observation.handover import api as handover_api
from clinic_server.observation.handover import pages as handover_pages
from clinic_server.observation.seats import api as seats_api
from clinic_server.observation.seats import pages as seats_pages
from clinic_server.observation.unseen import api as unseen_api
from clinic_server.observation.unseen import pages as unseen_pages

ROUTERS = (
    api.router,
    pages.router,
    exit_api.router,
    exit_pages.router,
    checks_api.router,
    checks_pages.router,
    seats_api.router,
    seats_pages.router,
    further_api.router,
    further_pages.router,
    unseen_api.router,
    unseen_pages.router,
    handover_api.router,
    handover_pages.router,
)
