"""The gateway: what all requests and the owner share, whoever asks over HTTP.

`opening` builds it from the settings, `gateway` is the whole. `live` is what runs and `settled` what is known of it
afterwards, seen by `watching`; `books` is what is kept (`history`, `clients` with their `limits`, `balances`), `metrics` and `gauges` are its
figures, `capturing` keeps what went wrong, `reloading` says what can change while it runs, `keys` how keys are shown and
compared, `current` which account is in use, `listing` asks which models there are. `sign_ins` lets new accounts in: `sign_in`
is one of them, `signing` its steps. The rooms above (`web` for clients, `admin` for the owner) are strangers to each other;
what both need is here, and here nobody knows the web framework.
"""
