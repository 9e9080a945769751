"""kiro_trio: an Anthropic Messages API gateway to Kiro, on structured concurrency. This is the map of the house.

It never pretends that a broken answer was whole, never loses a token, and never keeps a client waiting in silence.

The rooms (◇ pure: no `async`, no clock, no randomness, no log; ◆ has to do with the world)

    cli/            ◆  serve, simulate, demo, replay: where the house is put together
    web/            ◆  HTTP towards clients: hypercorn's trio worker and quart-trio, with their faults mended
    admin/          ◆  HTTP towards the owner: accounts, requests, keys, and the page that shows them (`static/`)
    gateway/        ◆  what clients and owner share: the accounts, the way to Kiro, the sessions that are running
    settings/       ◆  what the owner decides; below here nobody reads configuration, they are handed values
    session/           one client request, one nursery
        plan.py     ◇  POLICIES: the whole failure story in one table
        outbox.py   ◆  the one door to the client: what has been sent, pings, exactly one ending
        run.py      ◆  keep_alive, drain_watch, relay
    upstream/       ◆  talking to Kiro: a pooled streaming client, one attempt and its nursery, small calls, web search
    captures/       ◆  exchanges that went wrong, kept without words and secrets (all but its folder.py is ◇)
    simulator/      ◆  a Kiro of our own that speaks the real wire and misbehaves as told (its script.py is ◇)
    credentials/    ◆  who we are to Kiro: the file, renewals, and the keeper who lends accounts (its roster.py is ◇)
    kiro/           ◇  how Kiro says it: requests, replies, models, endpoints, faults
    dialects/       ◇  how clients say it: Anthropic's Messages API
    conversation/   ◇  what is said, in nobody's dialect: a prompt, a reply's events, a fault
    shrinking/      ◇  from a request that is refused to the smallest one that still is
    wire/           ◇  bytes to frames and back: AWS event stream, server-sent events, plain heads of HTTP
    telemetry/      ◆  logs, with every secret taken out

Arrows point down only, and `kiro` and `dialects` are strangers to each other: both know only `conversation`, so another
dialect is another folder and changes nothing below. The floors are checked (`lint-imports`, contracts in pyproject.toml).

One streaming request, from socket to socket

1.  `web.listener` takes the connection. A prompt with a plain head and a good key goes the short way, `web.direct`; for
    every other request `web.app`, on quart-trio, checks the key and finds the handler. Both ways lead to the same place:
2.  `web.messages` has the body read (`dialects.anthropic.request`, out comes a `Prompt`) and said to Kiro
    (`kiro.request`, out comes a `KiroRequest`). It returns an answer that conducts itself: nothing is open yet.
3.  `web.direct_http1` or `web.connection` hands that answer its door, and `session.run` begins:

        connection nursery (hypercorn's, one per connection; on the long way quart-trio's, one per request)
        ├── waits for the client's disconnect; cancels all below
        └── Session.run
            └── session nursery
                ├── keep_alive    a ping whenever the outbox has been quiet
                ├── drain_watch   the server is being stopped: say so
                └── relay         attempts, one after another
                    └── attempt nursery (one per try)
                        ├── decode     socket -> frames -> reply events -> the client's events, one write per read
                        └── watchdog   first-byte and idle limits, only while we wait for Kiro
        app nursery (lifespan): token renewal, store watcher, state

4.  The relay leases an account (`credentials.keeper`) and makes an attempt (`upstream.attempt`): `wire.eventstream`
    finds the frames, `kiro.response` reads them, `dialects.anthropic.stream` words them, `session.outbox` sends them.
5.  An attempt ends in a value, `Ended(failure)`. `session.plan.judge` says what follows from the failure and from how
    much the client has heard: before content another try is free, after it only an `error` event is honest, and after a
    tool call was closed nothing is ever asked for again.

Where this differs from what one might expect

- Values cross nurseries, exceptions do not: an exception that leaves a nursery arrives in a group.
- The answer's status is decided late, by the session: a reply that never began is a real HTTP status.
- An answer in one piece is the same session whose events are folded; the buffered endpoint is one that holds them back. There is no
  second pipeline to keep in step.
- Words that came in one read with a failure are told only to a client that has heard the beginning.
- Whether Kiro always sends its closing events is not known; so a reply without them is called cut only where they have
  been seen before, or where nothing but the end of the connection ended it.
- Small calls go over our own client too (behind httpx), each on a fresh connection: a renewal that is sent twice loses
  a refresh token.
"""

__version__ = "0.1.0"
