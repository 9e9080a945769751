"""Lessons: what a reply teaches for the requests after it.

Two things are learnt: what Kiro does not take (`kiro_trio.kiro.refusals`), for as long as the gateway runs, and how far
token estimates are off for each model (`kiro_trio.conversation.calibration`), kept in a file beside the credentials.
"""

from pathlib import Path

import msgspec
import trio

from kiro_trio.conversation.calibration import Calibration
from kiro_trio.conversation.prompt import Prompt
from kiro_trio.credentials.atomic import locked, replace_file
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.refusals import Refusals
from kiro_trio.session.run import Outcome
from kiro_trio.telemetry import get_logger

log = get_logger("gateway")

# What is lost by a crash is learnt again from one reply, so there is no hurry.
SAVE_EVERY = 60.0

_CLOSING = 2.0


def calibration_path(credentials: Path) -> Path:
    """Where the ratios are: `credentials.calibration.json` beside `credentials.json`."""
    return credentials.with_name(f"{credentials.stem}.calibration.json")


class _Stored(msgspec.Struct):
    """The file: real tokens over estimated ones, by Kiro's name of the model."""

    ratios: dict[str, float] = {}


class Lessons:
    """Learns from replies and advises requests. `path` None: estimates are left as they are.

    Nothing in the file is worth a failed request: what cannot be read counts as empty, what cannot be written is tried
    again. Of several processes, the last to write is remembered.
    """

    def __init__(self, path: Path | None) -> None:
        self.calibration = Calibration()
        self._path = path
        self._refusals = Refusals()
        self._news = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take up what was learnt before, then keep what is learnt, until cancelled; the last news are still saved."""
        if self._path is not None:
            self.calibration = await trio.to_thread.run_sync(_read, self._path)
        task_status.started()
        try:
            while True:
                await self._news.wait()
                await trio.sleep(SAVE_EVERY)
                await self._save()
        finally:
            with trio.move_on_after(_CLOSING, shield=True):
                await self._save()

    def advise(self, prompt: Prompt, options: RequestOptions) -> RequestOptions:
        """The options to begin with for `prompt`."""
        return self._refusals.adapt(prompt, options)

    def correct(self, model_id: str, estimate: int) -> int:
        """The estimate in the light of what Kiro counted before for this model of its."""
        return self.calibration.apply(model_id, estimate)

    def learn(self, prompt: Prompt, model_id: str, estimate: int, outcome: Outcome) -> None:
        """Take in how a request went; `estimate` is the one before its correction."""
        if outcome.failure is not None:
            return
        self._refusals.learn(prompt, [attempt.failure for attempt in outcome.attempts if attempt.failure])
        usage = outcome.usage
        # Searches on the model's behalf add to a prompt what was never estimated.
        if self._path is None or prompt.web_search or usage is None or usage.input_tokens is None:
            return
        measured = usage.input_tokens + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        calibration = self.calibration.learn(model_id, estimated=estimate, measured=measured)
        if calibration is not self.calibration:
            self.calibration = calibration
            self._news.set()

    async def _save(self) -> None:
        if self._path is None or not self._news.is_set():
            return
        self._news = trio.Event()
        try:
            await trio.to_thread.run_sync(_write, self._path, self.calibration)
        except OSError as error:
            self._news.set()
            log.warning("token estimates", problem=f"{self._path}: {error.strerror or type(error).__name__}")


def _read(path: Path) -> Calibration:
    try:
        return Calibration.from_ratios(msgspec.json.decode(path.read_bytes(), type=_Stored).ratios)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.warning(
            "token estimates", problem=f"{path}: cannot be read ({type(error).__name__}); learnt anew"
        )
    return Calibration()


def _write(path: Path, calibration: Calibration) -> None:
    with locked(path):
        replace_file(path, msgspec.json.encode(_Stored(calibration.ratios)) + b"\n")
