"""HTTP towards clients: hypercorn's trio worker and quart-trio, with their faults mended.

`server` starts and stops the whole, `listener` is hypercorn's listening side, `connection` one request's ASGI
connection, `app` the routes and error answers, `messages`, `models` and `usage` their handlers, `openapi` their document.
"""
