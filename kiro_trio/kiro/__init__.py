"""How Kiro says it: the service's own words on one side, `kiro_trio.conversation` on the other.

Asking: `request` puts a prompt into one body, by way of `history` (turns as Kiro wants them), `pairing` (tool calls
and their results), `media` (images and documents), `tools` with `tool_names`, `schema` and `hints`, `effort` (how the
model is asked to think), `system` (the head of every conversation) and `envelope` (the bytes). `catalog` knows the
models, `endpoint` the hosts and headers, `identity` who and which conversation we claim to be, `limits` what is too
large. Answering: `response`, `events`, `thinking`, `faults`, `usage`, `websearch`.

Pure: no `async`, no clock, no randomness, no log.
"""
