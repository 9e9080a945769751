"""How clients say it: a folder for each API that clients speak; all of them meet in `kiro_trio.conversation`.

A dialect parses a client's body into a `Prompt` and turns reply events into that API's own answers. Pure: no `async`,
no clock, no randomness, no log.
"""
