"""A Kiro of our own that speaks the real wire: for the demo, for tests and for benches.

script      what it says and how it misbehaves, as data; `loading` reads it from files
refusals    how Kiro refuses, in its own words
delivery    an answer as acts in order, and what misfortunes make of them
frames      steps of a reply as Kiro's events; `recording` gives them as bytes, without a server
question    a chat request; `rules` (with turn-, tool- and filerules) is what must hold of it
improvise   what is said without a script; `scene`, `intents` and `samples` help
accounts    who may ask; `signin` renews tokens and signs in; `answers` and `models` are the small calls
simulator   accounts, options, and what was `seen`
answering   what is answered to a request, and why
server      HTTP: `hearing` takes requests off a stream, `performing` puts answers onto it
"""

from kiro_trio.simulator.accounts import Account, ArnRule
from kiro_trio.simulator.loading import load_script
from kiro_trio.simulator.recording import stream_bytes
from kiro_trio.simulator.script import Match, Reply, Rule, Script, ScriptError, parse_script
from kiro_trio.simulator.seen import Ending, Exchange
from kiro_trio.simulator.server import handle_connection, serve_simulator
from kiro_trio.simulator.simulator import Simulator

__all__ = [
    "Account",
    "ArnRule",
    "Ending",
    "Exchange",
    "Match",
    "Reply",
    "Rule",
    "Script",
    "ScriptError",
    "Simulator",
    "handle_connection",
    "load_script",
    "parse_script",
    "serve_simulator",
    "stream_bytes",
]
