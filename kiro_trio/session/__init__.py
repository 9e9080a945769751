"""One client request, one nursery: try, fail over, keep the client company, end exactly once.

`plan` says what follows from a fault, `outbox` is the one door to the client, `run` ties them together.
Knows neither HTTP nor event-stream bytes.
"""
