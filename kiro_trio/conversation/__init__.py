"""What is said, in nobody's dialect: the neutral middle between clients and Kiro.

`prompt` is what a client asks, `reply` is what comes back, `faults` is every way in which it can fail,
`tokens` guesses how much of a model's window a text takes. Pure: no `async`, no clock, no randomness, no log.
"""
