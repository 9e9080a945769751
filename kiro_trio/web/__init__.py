"""HTTP towards clients: hypercorn's trio worker and quart-trio, with their faults mended.

`server` starts and stops the whole, `config` and `listener` are hypercorn's listening side, `http1` its protocol,
`connection` one request's ASGI connection, `app` the routes and error answers, `messages`, `models` and `usage` their
handlers, `openapi` their document. `direct` and `direct_http1` are the short way of prompts round ASGI and the framework.
"""
