"""Fuzzing: invariants, and the examples that try to break them.

`strategies/` makes examples, a module per kind of thing. `targets/` has a module per target; its docstring is headed by the
invariant. Each target has `EXAMPLES` (a hypothesis strategy) and `check(example)`; a target of plain bytes has `check_bytes(data)` as
well, and may have seeds and found failures in `corpus/<target>/`, which every run replays.

    python -m fuzz                              lists the targets
    python -m fuzz decoder_reference            hypothesis, for a minute
    python -m fuzz all --seconds 600            one after another
    python -m fuzz decoder_bytes --engine atheris    coverage-guided, if atheris is installed

The same targets run bounded under pytest (`fuzz/test_targets.py`), with the same examples each time; set `FUZZ_RANDOM=1` for new ones.
A new target is a new module; nothing else has to be told.
"""
