"""Talking to Kiro.

`http1` streams replies, `clients` makes the small calls, `attempt` is one try to get a reply. Below them, each of its own
use: `dial` (TCP, `tunnel` through proxies, `tls`), `pool` (idle connections), `exchange` (request and head), `body` and
`chunked` (where a body ends). Whatever fails is an `errors.UpstreamError`. Nobody here decides about trying again, but for
one case: an idle connection that died before it could answer is replaced.
"""
