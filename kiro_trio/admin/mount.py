"""Where the owner's API and page join the application."""

from quart import Quart, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from kiro_trio.admin import page
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
    """Add both to `app`. Whether they are switched on is looked up with every request: settings can be reloaded."""
    place, files = Place(gateway), page.read_files()
    app.url_map.converters["rest"] = Rest

    async def admin(rest: str = "") -> Response:
        return await answer(place, ROUTES, request, f"/{rest}")

    async def show(rest: str = "") -> Response:
        if not gateway.settings.admin_api_key:
            raise NotFound
        return page.serve_file(files, rest, request)

    for prefix, view in ((PREFIX, admin), (page.PREFIX, show)):
        for rule in (prefix, f"{prefix}/", f"{prefix}/<rest:rest>"):
            app.add_url_rule(
                rule, endpoint=f"admin {rule}", view_func=view, methods=[*METHODS], merge_slashes=False
            )
