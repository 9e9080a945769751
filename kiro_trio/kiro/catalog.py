"""Catalog: which models there are, and which of them a client means by a name.

Three layers: the table of `kiro_trio.kiro.models`, the owner's configuration, and what the service itself lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from kiro_trio.kiro.model_names import Reading, parse_claude, plain_name, readings
from kiro_trio.kiro.models import ALIASES, MODELS, EffortPath, Model

Unknown = Literal["nearest", "pass", "refuse"]


class UnknownModel(LookupError):
    """A model that nobody knows, where the owner wants such names refused."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a client's name means: a model, and what the name itself asks of its thinking.

    `substitute` tells that the model is another one than the client asked for.
    """

    model: Model
    thinking: bool = False
    effort: str | None = None
    substitute: bool = False


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One line of the list that clients see: sizes in tokens, `created_at` as RFC 3339."""

    id: str
    display_name: str
    created_at: str
    window: int
    max_output: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models by Kiro's ids, and other names for them. Immutable; every change makes another catalogue.

    `unknown` decides about Claude models that are not here: `nearest` takes the newest one of the family that is not
    newer than asked (or the oldest), `pass` hands the name on. Other names are handed on either way. `refuse` raises.
    """

    models: Mapping[str, Model] = field(default_factory=lambda: _by_id(MODELS))
    aliases: Mapping[str, str] = field(default_factory=lambda: ALIASES)
    unknown: Unknown = "nearest"

    def resolve(self, asked: str) -> Resolution:
        """Find the model that a client calls `asked`.

        Raises:
            UnknownModel: there is no such model and `unknown` is `refuse`.
        """
        reading = Reading(asked)
        for reading in readings(asked):
            if model := self._known(reading.name):
                return Resolution(model, reading.thinking, reading.effort)
        if self.unknown == "refuse":
            raise UnknownModel(asked)
        claude = parse_claude(reading.name)
        if claude is None:
            return Resolution(Model(plain_name(asked)))
        nearest = self._nearest(claude.family, claude.version)
        if nearest is not None and (self.unknown == "nearest" or claude.version == (0, 0)):
            return Resolution(nearest, reading.thinking, reading.effort, substitute=claude.version != (0, 0))
        return Resolution(_guessed(reading.name, nearest), reading.thinking, reading.effort)

    def overridden(
        self,
        models: Mapping[str, Mapping[str, Any]] | None = None,
        aliases: Mapping[str, str] | None = None,
        unknown: Unknown | None = None,
    ) -> "Catalog":
        """Lay configuration over the catalogue: plain dicts, models by id with any of the fields of `Model`.

        Raises:
            ValueError: a field is unknown or has a wrong type; the text names it.
        """
        changed = dict(self.models)
        for model_id, fields in (models or {}).items():
            changed[model_id] = _configured(changed.get(model_id) or _guessed(model_id, None), fields)
        named = {name.strip().lower(): target for name, target in (aliases or {}).items()}
        return replace(
            self,
            models=MappingProxyType(changed),
            aliases=MappingProxyType({**self.aliases, **named}),
            unknown=unknown or self.unknown,
        )

    def enriched(self, models_json: bytes | str | Mapping[str, Any]) -> "Catalog":
        """Lay an answer of `ListAvailableModels` over the catalogue.

        Models only come in or get better figures: the answer speaks for one account and region, so nothing goes out.
        What cannot be read is left as it is; nothing is raised. Source: docs/wire.md, "Models".
        """
        changed = dict(self.models)
        for row in _rows(models_json):
            model_id = row.get("modelId")
            if isinstance(model_id, str) and model_id:
                changed[model_id] = _reported(changed.get(model_id) or _guessed(model_id, None), row)
        return replace(self, models=MappingProxyType(changed))

    def listing(self, *, thinking_names: bool = True) -> tuple[ListedModel, ...]:
        """All models as clients see them, Claude's by Anthropic's spelling of their ids.

        With `thinking_names` each Claude model is followed by its `-thinking` name, for clients without a switch.
        """
        lines: list[ListedModel] = []
        for model in self.models.values():
            lines.append(_listed(model))
            if thinking_names and model.id.startswith("claude"):
                lines.append(_listed(model, "-thinking", " (Thinking)"))
        return tuple(lines)

    def listed(self, name: str) -> ListedModel | None:
        """The line for one model by any name that it has; None if there is no such model."""
        for reading in readings(name):
            if model := self._known(reading.name):
                line = _listed(model, "-thinking", " (Thinking)") if reading.thinking else _listed(model)
                return replace(line, id=name.strip())
        return None

    def _known(self, name: str) -> Model | None:
        return self.models.get(self.aliases.get(name, name))

    def _nearest(self, family: str, asked: tuple[int, int]) -> Model | None:
        known = sorted(
            (claude.version, model.id)
            for model in self.models.values()
            if (claude := parse_claude(model.id)) and claude.family == family
        )
        if not known:
            return None
        fitting = [entry for entry in known if entry[0] <= asked] if asked != (0, 0) else known
        return self.models[(fitting or known[:1])[-1][1]]


def _by_id(models: Iterable[Model]) -> Mapping[str, Model]:
    return MappingProxyType({model.id: model for model in models})


def _guessed(name: str, like: Model | None) -> Model:
    """A model that is in no table: native thinking came with Claude 4.6, except for Haiku."""
    claude = parse_claude(name)
    modern = claude is not None and claude.version >= ((5, 0) if claude.family == "haiku" else (4, 6))
    effort: EffortPath = "output_config" if modern else ""
    return Model(name, window=like.window if like else Model(name).window, effort=effort)


def _configured(model: Model, fields: Mapping[str, Any]) -> Model:
    try:
        row = msgspec.convert(fields, _ConfiguredModel)
    except msgspec.ValidationError as error:
        raise ValueError(f"models.{model.id}: {error}") from None
    changes = {
        name: value for name, value in msgspec.structs.asdict(row).items() if value is not msgspec.UNSET
    }
    if changes.get("effort") == "none":
        changes["effort"] = ""
    return replace(model, **changes)


class _ConfiguredModel(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of `Model` that the owner may set."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    window: Annotated[int, msgspec.Meta(gt=0)] | msgspec.UnsetType = msgspec.UNSET
    max_output: Annotated[int, msgspec.Meta(gt=0)] | msgspec.UnsetType = msgspec.UNSET
    rate: float | msgspec.UnsetType = msgspec.UNSET
    effort: Literal["none", "", "output_config", "reasoning"] | msgspec.UnsetType = msgspec.UNSET
    created: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")] | msgspec.UnsetType = msgspec.UNSET


def _rows(models_json: bytes | str | Mapping[str, Any]) -> list[dict[str, Any]]:
    answer: Any = models_json
    if isinstance(models_json, bytes | str):
        try:
            answer = msgspec.json.decode(models_json)
        except (msgspec.DecodeError, RecursionError):
            return []
    if not isinstance(answer, Mapping):
        return []
    rows = answer.get("models") or answer.get("availableModels")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _reported(model: Model, row: Mapping[str, Any]) -> Model:
    limits = row.get("tokenLimits")
    limits = limits if isinstance(limits, Mapping) else {}
    name, rate = row.get("modelName"), _number(row.get("rateMultiplier"))
    return replace(
        model,
        name=name if isinstance(name, str) and name else model.name,
        rate=model.rate if rate is None else rate,
        window=_tokens(limits.get("maxInputTokens"), model.window),
        max_output=_tokens(limits.get("maxOutputTokens"), model.max_output),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _tokens(value: object, known: int) -> int:
    number = _number(value)
    return int(number) if number and 1 <= number < 1 << 40 else known


def _listed(model: Model, suffix: str = "", words: str = "") -> ListedModel:
    # Claude Code's model discovery and its table of windows know Anthropic's spelling best.
    spelled = model.id.replace(".", "-") if model.id.startswith("claude") else model.id
    return ListedModel(
        id=spelled + suffix,
        display_name=model.display_name + words,
        created_at=f"{model.created}T00:00:00Z",
        window=model.window,
        max_output=model.max_output,
    )


DEFAULT = Catalog()
"""The catalogue as it is without configuration."""
