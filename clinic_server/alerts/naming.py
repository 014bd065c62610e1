"""The names of places, which are known further up the house: whoever puts the server together says where from."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from clinic_server.kit.call import Call

PlaceNames = Callable[[Connection], Mapping[str, str]]  # the name of each place, by its code


def place_names_of(call: Call) -> PlaceNames:
    """Return how this server looks up the names of places."""
    names: PlaceNames = call.request.app.state.place_names
    return names
