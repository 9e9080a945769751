"""HTTP towards clients: hypercorn's trio worker and quart-trio, with their faults mended.

`server` is the listening side, `connection` one request's ASGI connection, `app` the routes and error answers,
`gateway` what all requests share.
"""
