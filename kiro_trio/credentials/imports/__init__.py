"""Taking over accounts that other programs keep: reading only, never a byte written where they live.

candidate   an account as it was found
objects     JSON of every shape: credentials files, exports of account managers, the IDE's token
kirocli     the database of kiro-cli; `database` opens it without leaving a trace
places      where each program keeps its accounts; `sources` reads what stands there
plan        what would become of each candidate, and why
"""
