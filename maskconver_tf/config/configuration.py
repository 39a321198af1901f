"""Loads the configuration, calls functions with it, and saves it.

The .gin files are plain Gin with `from __gin__ import dynamic_registration`; library code carries
no decorator. Gin 0.5 silently accepts many mistakes: a typo in a scope, a macro that nothing
reads, a binding of something that is never built, an include below a setting. Gin's own file
reader cannot find an include beside the file that names it. On the command line it cannot bind a
name that only the files import. Therefore we take single statements from Gin's parser and bind
them here. Each mistake becomes one `UserError` with its place and the nearest name.

    configuration.load(["experiments/x.gin"], ["RunLength.total_steps=10"])
    configuration.configurable(train)(model_dir=...)
    configuration.check_all_used()  # once everything is built
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gin

from maskconver_tf.config.bindings import MACRO, Binding, Key, OptionSetting
from maskconver_tf.config.doubtful_settings.unused import unused_bindings
from maskconver_tf.config.gin_files import resolve_gin_file
from maskconver_tf.config.messages import explain_missing_arguments, plain_errors
from maskconver_tf.config.names import DYNAMIC_REGISTRATION
from maskconver_tf.config.old_configurations import earlier_defaults
from maskconver_tf.config.places import macro_behind, place_of_setting
from maskconver_tf.config.reader import Reader
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath, local_or_remote_path

_places: dict[Key, str] = {}
"""Where each loaded binding was made. It is global because Gin's configuration is global."""

_noted: set[str] = set()
"""Old names and notes that the user was told. `load` may be called several times."""


def load(
    files: Iterable[str | Path],
    bindings: Iterable[str | OptionSetting] = (),
    note_renamed: bool = True,
    continued: Path | RemotePath | None = None,
) -> None:
    """Replaces the loaded configuration by `files`, then `bindings`.

    Settings that did not exist when a run wrote its configuration get their earlier values, see
    `earlier_defaults`, and a note on stderr names those that differ from the defaults of today.

    Args:
      files: .gin files, found by `resolve_gin_file`. Later files override earlier ones.
      bindings: `name.parameter=value`, `scope/name.parameter=value` or `MACRO=value`, without
        `--gin.`. They override the files. A name may be short (`RunLength.total_steps`) if a file
        configures it. It must be complete (`package.module.name`) if no file imports it. An
        `OptionSetting` is a binding that an option of a command makes.
      note_renamed: whether to print a note on stderr for each old name in `files`; False for the
        saved configuration of a run. Old names in `bindings` always get a note.
      continued: the configuration of the run that the caller may continue; it need not exist.

    Raises:
      UserError: a file, import, name, parameter or macro does not exist; a value does not parse;
        an include is below a binding; one file sets a parameter twice; nothing reads a macro; or
        a `%gin.REQUIRED` was not replaced. The message names the place.
    """
    files = list(files)
    reset()
    gin.parse_config(DYNAMIC_REGISTRATION.format())  # so that a saved configuration has imports
    reader = Reader(_note_rename)
    for file in files:
        reader.read_file(resolve_gin_file(file), note_renamed)
    for binding in bindings:
        reader.read_argument(binding)
    checked = reader.checked_bindings()
    for key, binding in checked.items():
        gin.bind_parameter(key, binding.value)
        _places[key] = binding.place
    of_run = [file for file in files if not note_renamed or _is_of_run(resolve_gin_file(file))]
    _bind_missing_settings(checked, of_run, continued)
    gin.finalize()


def _bind_missing_settings(
    checked: dict[Key, Binding],
    of_run: Sequence[str | Path],
    continued: Path | RemotePath | None,
) -> None:
    """Binds the settings that `earlier_defaults` knows. They have no place: nobody wrote them."""
    before = _bindings_of_run(continued) if continued else None
    missing = earlier_defaults.missing_settings(checked, bool(of_run), before)
    for key, value in missing.items():
        gin.bind_parameter(key, value)
    if text := earlier_defaults.describe(missing):
        file = of_run[0] if of_run else continued
        note = f"{file}: this run was trained before some settings existed and keeps {text}"
        if note not in _noted:
            _noted.add(note)
            print(note, file=sys.stderr)


def _is_of_run(file: Path | RemotePath) -> bool:
    """Whether a run wrote the file: it is in the run's folder, beside the class list."""
    folder, _, name = str(file).rpartition("/")
    beside = local_or_remote_path(f"{folder}/categories.json" if folder else "categories.json")
    return name == "config.gin" and beside.is_file()


def _bindings_of_run(file: Path | RemotePath) -> dict[Key, Binding] | None:
    """Reads the configuration of a run. None if there is none, or it is damaged."""
    if not file.is_file():
        return None
    with contextlib.suppress(UserError):
        reader = Reader(lambda place, old, new: None)
        reader.read_file(file, note_renamed=False)
        return reader.checked_bindings()
    return None


def _note_rename(place: str, old: str, new: str) -> None:
    if old not in _noted:
        _noted.add(old)
        print(f"{place}: '{old}' is now '{new}'; the old name still works", file=sys.stderr)


def reset() -> None:
    """Forgets all bindings, and all calls made with them."""
    gin.clear_config()
    _places.clear()


# ---- Calls ---------------------------------------------------------------------------------------
def configurable(root: Callable) -> Callable:
    """Wraps `root`: Gin's bindings supply the arguments that the caller does not give.

    Raises:
      UserError: the call lacks an argument without default that no binding sets. A `UserError` from
        inside the call is raised again, without the notes that Gin adds.
    """

    @functools.wraps(root)
    def configured(*args: Any, **kwargs: Any) -> Any:
        return call(_registered(root), *args, **kwargs)

    return configured


def call(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Calls a function that Gin has configured, such as one that `arguments_of` returned.

    Raises:
      UserError: as for `configurable`.
    """
    with _placed_errors():
        return function(*args, **kwargs)


def arguments_of(root: Callable, supplied: Iterable[str] = ()) -> dict[str, Any]:
    """Returns the arguments that a call of `root` would get: bindings, else defaults.

    It does not call `root`.

    Args:
      root: as for `configurable`.
      supplied: names of the arguments that the caller supplies; the result lacks them.

    Raises:
      UserError: no binding sets an argument without default, or building an argument fails.
    """
    with _placed_errors():
        _registered(root)
        found = gin.get_bindings(root)
    for name, parameter in inspect.signature(root).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            found.setdefault(name, parameter.default)
    expected = [name for name in inspect.signature(root).parameters if name not in supplied]
    if missing := [name for name in expected if name not in found]:
        raise UserError(explain_missing_arguments(root.__name__, ", ".join(map(repr, missing))))
    return {name: found[name] for name in expected}


def argument(target: Callable, parameter: str) -> Any:
    """Returns one argument that a call of `target` through Gin would get.

    This is the value bound outside any scope, else the default. The function does not build
    `target`.
    """
    try:
        bound = gin.query_parameter(f"{target.__module__}.{target.__qualname__}.{parameter}")
    except ValueError:
        return inspect.signature(target).parameters[parameter].default
    return copy.deepcopy(bound)  # This is how Gin resolves references inside a value.


def bound_class(target: Callable, parameter: str) -> Any:
    """Returns the class or function that is bound to `parameter` of `target`, without a call.

    Raises:
      UserError: the bound value is not a reference such as `@PanopticTask()`.
    """
    name, bound = f"{target.__module__}.{target.__qualname__}.{parameter}", None
    with contextlib.suppress(ValueError):
        bound = gin.query_parameter(name)
    if not isinstance(bound, gin.config.ConfigurableReference):
        short = f"{target.__name__}.{parameter}"
        raise UserError(f"{short} = {bound!r}: expected a reference, such as @PanopticTask()")
    return bound.configurable.wrapped


def bound_reference(target: Callable, parameter: str) -> tuple[str, Any] | None:
    """Returns scope and class of the reference that is bound to `parameter` of `target`.

    It follows macros. None if the parameter has no reference.
    """
    name = f"{target.__module__}.{target.__qualname__}.{parameter}"
    while True:
        try:
            bound = gin.query_parameter(name)
        except ValueError:
            return None
        if not isinstance(bound, gin.config.ConfigurableReference):
            return None
        scope, selector = bound.config_key
        if selector != MACRO:
            return scope, bound.configurable.wrapped
        name = f"{scope}/{MACRO}.value"


def place_of(target: Callable, parameter: str, scope: str = "") -> str | None:
    """Returns where `parameter` of `target` was set for calls in a scope; None if nobody set it.

    If a macro supplies the value, this is the place of the macro.
    """
    selector = f"{target.__module__}.{target.__qualname__}"
    parts = scope.split("/") if scope else []
    keys = [("/".join(parts[:end]), selector, parameter) for end in range(len(parts), -1, -1)]
    key = next((key for key in keys if key in _places), None)
    return _places[macro_behind(key, _places) or key] if key else None


@contextlib.contextmanager
def _placed_errors() -> Iterator[None]:
    """Makes plain errors; one about a setting begins with the file and line that set it."""
    try:
        with plain_errors():
            yield
    except UserError as error:
        raise UserError(f"{place_of_setting(str(error), _places)}{error}") from error


def _registered(root: Callable) -> Callable:
    with contextlib.suppress(ValueError):
        return gin.get_configurable(root)
    with gin.unlock_config():
        return gin.external_configurable(root)


# ---- Afterwards ----------------------------------------------------------------------------------
def check_all_used(other_roots: Iterable[Callable] = ()) -> None:
    """Checks that each loaded binding changed something. Call it after everything is built.

    Args:
      other_roots: functions that other commands call with the same configuration. Bindings that
        only these functions, or objects they build, would use are not reported.

    Raises:
      UserError: no call so far used some bindings. The message lists them with the reason.
    """
    if unused := unused_bindings(_places, other_roots):
        lines = [f"  {_places[key]}: {found}" for key, found in unused.items()]
        raise UserError(
            "\n".join(["these settings change nothing; remove or correct them:", *lines])
        )


def bound_config() -> str:
    """Returns all loaded bindings, used or not, as a .gin file for `load`."""
    return gin.config_str()


def operative_config() -> str:
    """Returns all arguments of the calls so far, with defaults, as a .gin file for `load`."""
    return gin.operative_config_str()
