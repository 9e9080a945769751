"""Fuzzing: invariants, and the examples that try to break them. `README.md` says how to run it and what it has found.

`strategies/` makes examples, a module per kind of thing. `targets/` has a module per target; its docstring is headed by the
invariant. A target has `EXAMPLES` (a hypothesis strategy) and `check(example)`, with `check_bytes(data)` if its examples are bytes; or it has a
`MACHINE` (hypothesis' rule-based state machine). `BOUNDED` says how many examples a test run tries, `NEEDS` names a package that it
cannot do without. A new target is a new module; nothing else has to be told.
"""
