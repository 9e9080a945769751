"""The command line: `serve` runs the gateway, `simulate` a Kiro of our own, `demo` both with one request through them.

`login` makes an account (`browsing` in a browser, with `paste` as one way back), `accounts` and the modules
`account_*` look after those that there are; `wiring` is what these have in common, `terminal`, `tables` and `words` speak.

`env` and `claude` bring Claude Code and the gateway together, `statusline` is what Claude Code then shows: `usage_query` asks,
`statusline_text` says it, `claude_settings` has it shown. `outlet` is stdout as it may be.

Here, and only here, the house is put together: settings are read, logs are switched on, signals are caught.
"""
