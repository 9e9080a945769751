"""HTTP towards the owner: the API under `/api/admin`, for scripts (a key) and for the page (a session's cookie).

`table` lists the routes, `dispatch` takes a request to one of them, `openapi` describes them; the other modules do what is
asked: `accounts` and `changes`, `importing`, `sign_ins`, `live` and `records`, `clients`, `config`, `login`.
`page` serves the owner's page, the files of `static`.
"""

from kiro_trio.admin.mount import mount

__all__ = ["mount"]
