"""How Kiro says it: the service's own words on one side, `kiro_trio.conversation` on the other.

Asking. `request` puts a prompt into one body. On the way there:

- `history` brings the turns into the form that Kiro takes, with `entries` (who speaks), `pairing` (calls and their results)
  and `media` (images and documents);
- `tools` declares the tools, with `tool_names`, `schema` (`schema_root`, `schema_strict`) and `hints`;
- `catalog` knows the models, from `models` and by `model_names`; `effort` asks them to think;
- `system` words the head of the conversation, `envelope` makes the bytes, `limits` says what is too large, `tally` counts
  what was changed, and `options` is what the owner may decide.

Calling. `endpoint` makes the calls of `presets`, which are `templates` and can be changed (`preset_changes`); `identity`
is the machine and the conversation that we claim to be.

Answering. `response` reads Kiro's event stream, with `events` and `thinking`; `faults` reads its errors, `usage` what an
account has left, `websearch` what a search found.

Pure: no `async`, no clock, no randomness, no log.
"""
