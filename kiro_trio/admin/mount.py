"""Where the owner's API joins the application."""

from quart import Quart, Response, request
from werkzeug.routing import BaseConverter

from kiro_trio.admin.dispatch import answer
from kiro_trio.admin.place import Place
from kiro_trio.admin.routes import PREFIX
from kiro_trio.admin.table import ROUTES
from kiro_trio.gateway.gateway import Gateway


class Rest(BaseConverter):
    """The rest of a path, whatever is in it: a line break too, so that every path below the prefix is ours to answer."""

    regex = r"[\s\S]+"
    part_isolating = False


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def mount(app: Quart, gateway: Gateway) -> None:
    """Add the API to `app`. Whether it is switched on is looked up with every request: settings can be reloaded."""
    place = Place(gateway)
    app.url_map.converters["rest"] = Rest

    async def admin(rest: str = "") -> Response:
        return await answer(place, ROUTES, request, f"/{rest}")

    for rule in (PREFIX, f"{PREFIX}/", f"{PREFIX}/<rest:rest>"):
        app.add_url_rule(
            rule, endpoint=f"admin {rule}", view_func=admin, methods=[*METHODS], merge_slashes=False
        )
