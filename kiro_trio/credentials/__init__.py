"""Who we are to Kiro: the accounts, their file, their tokens, and how they stand.

Read it from the middle. `keeper` lends accounts to requests: `waiting` is the line in front of it, `renewals` and
`discoveries` are what it does for accounts, both as `errands` that nobody's leaving stops; `custody` is what these share,
`owner` what a person may do, `status` what a person sees.

What is decided, without clock or lock: `roster` picks, from each `account` and its `standing`, by tables; `consequences`
says what a failure costs; `affinity` and `line` say who goes where and when; `record` is what outlives the process.

What is kept: `store` is the interface and the file behind it, `file` the file itself, `ledger` how our changes and those of
others become one, `document` and `entry` its text, `atomic` how it is written; `state` keeps the records beside it.

What is said to Kiro: `calls` is how, `renewal`, `profiles` and `allowance` are one call each and what its answer means.
`credential` has the types that other rooms see: `Credential`, `Lease`, `Proxy`, `Defaults`. `login` makes new accounts,
`imports` finds those that other programs keep.
"""
