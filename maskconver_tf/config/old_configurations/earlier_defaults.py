"""Gives the configuration of an old run the defaults of its time.

A run keeps the settings that were bound, and a setting that was left out has its default. If the
code gets a new setting with a better default, an old run must still compute as before. The table
`EARLIER` has a row for each such setting.

How to add a row: write the complete name of the setting (module, class, parameter) and the value
that computes what the code computed before the setting existed. The value is one of

- a literal of Gin: a number, a text, None, a bool, or a tuple of these;
- `value_of("module.Class.other")`: the value of another setting of the same configuration;
- `Derived(function)`: `function` takes `value`, and `value("module.Class.other")` returns the
  value of another setting. The function returns a literal.

The setting needs a default that is a literal. A row stays for ever. It also makes new runs write
the value of the setting into their configuration, so that a later default does not reach them.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gin

from maskconver_tf.config.bindings import MACRO, Binding, Key, key_text, macro_key

Bindings = Mapping[Key, Binding]
Value = Callable[[str], Any]
"""Takes the complete name of a setting; returns its value in a configuration."""


@dataclasses.dataclass(frozen=True)
class Derived:
    """An earlier value that depends on other settings of the configuration."""

    compute: Callable[[Value], Any]


def value_of(setting: str) -> Derived:
    """The earlier value of a setting that had the value of another one, its complete name."""
    return Derived(lambda value: value(setting))


_MASKCONVER = "maskconver_tf.models.maskconver.MaskConver"
_UNET = "maskconver_tf.models.pixel_decoders.convnext_unet.ConvNeXtUNet"

_LOSS = "maskconver_tf.losses.maskconver_loss.MaskConverLoss"

_OPTIMIZER = "maskconver_tf.training.optimizers.make_optimizer"
_RESNET = "maskconver_tf.models.backbones.resnet.resnet"
EARLIER: dict[str, Any] = {
    f"{_OPTIMIZER}.ema_warmup": False,
    f"{_OPTIMIZER}.ema_statistics": False,
    f"{_RESNET}.norm_epsilon": Derived(lambda value: 1e-5 if value(f"{_RESNET}.weights") else 1e-3),
    f"{_MASKCONVER}.embedding_norm": value_of(f"{_MASKCONVER}.norm"),
    f"{_LOSS}.padding": "ignored",
    "maskconver_tf.input.pipeline.TrainingInput.shuffle_shards": False,
    "maskconver_tf.input.targets.TargetBuilder.min_visible": 0.0,
    f"{_UNET}.drop_path_rises": Derived(
        lambda value: "block" if value(f"{_UNET}.drop_path") else "level"
    ),
}
"""Complete name of a setting -> the value that it has in runs from before the setting."""


# ---- Completing a configuration ------------------------------------------------------------------
def missing_settings(
    bindings: Bindings, is_of_run: bool, continued: Bindings | None = None
) -> dict[Key, Any]:
    """Returns values for the settings of `EARLIER` that a configuration builds but does not bind.

    Args:
      bindings: the configuration.
      is_of_run: whether a run wrote it. Then the settings have their earlier values, else the
        defaults of today.
      continued: the configuration of the run that goes on with `bindings`. Settings that
        `bindings` leaves out keep the values of this run. None for a new run.

    Returns:
      Key -> value, outermost scopes first.
    """
    if continued:
        values = {key: binding.value for key, binding in continued.items()}
        before = values | missing_settings(continued, is_of_run=True)
    else:
        before = {}
    found: dict[Key, Any] = {}
    for name in EARLIER:
        for key in _open_keys(name, bindings):
            old = _Settings(bindings, key[0])
            default = old.earlier(name) if is_of_run else default_of(name)
            value = _resolved(before[key], before) if key in before else default
            outer = [found[k] for k in _enclosing(key) if k in found]
            if not outer or outer[0] != value:
                found[key] = value
    return found


def describe(settings: Mapping[Key, Any]) -> str:
    """Names the settings whose value is not the default of today; empty if there is none."""
    texts = []
    for key, value in settings.items():
        default = default_of(f"{key[1]}.{key[2]}")
        if value != default:
            texts.append(f"{key_text(key)} = {value!r} (default now {default!r})")
    return ", ".join(texts)


def default_of(name: str) -> Any:
    """Returns the default that the setting `name` has in the code of today."""
    selector, _, parameter = name.rpartition(".")
    module, _, owner = selector.rpartition(".")
    target = getattr(importlib.import_module(module), owner)
    return copy.deepcopy(inspect.signature(target).parameters[parameter].default)


@dataclasses.dataclass(frozen=True)
class _Settings:
    """The values of an old configuration, seen from a scope."""

    bindings: Bindings
    scope: str

    def earlier(self, name: str) -> Any:
        row = EARLIER[name]
        return row.compute(self.value) if isinstance(row, Derived) else copy.deepcopy(row)

    def value(self, name: str) -> Any:
        selector, _, parameter = name.rpartition(".")
        key = (self.scope, selector, parameter)
        for candidate in (key, *_enclosing(key)):
            if candidate in self.bindings:
                values = {k: binding.value for k, binding in self.bindings.items()}
                return _resolved(values[candidate], values)
        return self.earlier(name) if name in EARLIER else default_of(name)


def _open_keys(name: str, bindings: Bindings) -> Iterator[Key]:
    """Yields the keys of a setting that no binding sets, in the scopes that bind its class."""
    selector, _, parameter = name.rpartition(".")
    scopes = {scope for scope, owner, _ in bindings if owner == selector}
    if not scopes and selector not in _referenced(bindings):
        return
    for scope in sorted({"", *scopes}, key=lambda scope: (len(scope.split("/")), scope)):
        key = (scope, selector, parameter)
        if not any(candidate in bindings for candidate in (key, *_enclosing(key))):
            yield key


def _referenced(bindings: Bindings) -> set[str]:
    references = [gin.config.iterate_references(binding.value) for binding in bindings.values()]
    return {reference.configurable.selector for some in references for reference in some}


def _enclosing(key: Key) -> Iterator[Key]:
    """Yields the keys of the same setting in the scopes around `key`, the innermost first."""
    scope, selector, parameter = key
    while scope:
        scope = scope.rpartition("/")[0]
        yield scope, selector, parameter


def _resolved(value: Any, values: Mapping[Key, Any]) -> Any:
    """Replaces a macro by its value."""
    while isinstance(value, gin.config.ConfigurableReference) and (
        value.configurable.selector == MACRO
    ):
        value = values[macro_key(repr(value)[1:])]
    return value
