"""Captures: exchanges that went wrong, kept so that they can be seen again (`kiro-trio replay`). See docs/replay.md.

`capture` is the file, `recording` what is noted of a request while it runs, and `redaction` what takes the words out:
`filler` says what stands in their place, `bodies` where words are in a request, `replies` in Kiro's answer, `pictures`
in files. `folder` keeps the files, few and small. Only the folder has to do with the world.
"""
