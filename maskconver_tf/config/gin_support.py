"""Gin for this package; the only file that imports gin.

The .gin files are plain Gin with `from __gin__ import dynamic_registration`; library code carries
no decorator. Gin 0.5 passes over many mistakes in silence: a typo in a scope, a macro nobody reads,
a setting of something never built, an include below an override. Its own reading of files can
neither find an include beside the file that names it, nor bind, from the command line, a name that
only the files import. So statements are taken one by one from Gin's parser and bound here, where
each mistake becomes one `UserError` with its place and the nearest name.

    load(["experiments/x.gin"], ["train.total_steps=10"])
    configurable(train)(model_dir=...)   # which calls check_all_used() once everything is built
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import difflib
import functools
import inspect
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import gin
from gin.config_parser import (
    BindingStatement,
    BlockDeclaration,
    ConfigParser,
    ImportStatement,
    IncludeStatement,
)

from maskconver_tf.errors import RunStopped, UserError
from maskconver_tf.files.paths import RemotePath, any_path

_PACKAGE = Path(__file__).resolve().parents[1]
_DYNAMIC_REGISTRATION = ImportStatement("__gin__.dynamic_registration", True, None, None)
_MACRO = "gin.macro"
_REQUIRED = "gin.REQUIRED"

_Key = tuple[str, str, str]
"""What a statement binds: scope, complete selector, parameter; a macro: name, `_MACRO`, value."""

_places: dict[_Key, str] = {}
"""Where each binding in force was made: Gin's configuration is global, and so is this."""


# ---- What the rest of the package calls ----------------------------------------------------------
def load(files: Iterable[str | Path], bindings: Iterable[str] = ()) -> None:
    """Makes `files`, then `bindings`, the configuration in force, in place of any before.

    Args:
      files: .gin files, found by `resolve_gin_file`; later ones override earlier ones.
      bindings: `name.parameter=value`, `scope/name.parameter=value` or `MACRO=value`, without
        `--gin.`. They override the files. A name may be short (`train.total_steps`) when a file
        configures it, or complete (`package.module.name`) when none imports it.

    Raises:
      UserError: for a file, import, name, parameter or macro that does not exist, a value that does
        not parse, an include below a binding, a parameter set twice in one file, a macro that
        nobody reads, or `%gin.REQUIRED` left standing. The message names the place.
    """
    reset()
    gin.parse_config(_DYNAMIC_REGISTRATION.format())  # so that a saved configuration has imports
    reader = _Reader()
    for file in files:
        reader.read_file(resolve_gin_file(file))
    for binding in bindings:
        reader.read_argument(binding)
    for key, binding in reader.checked_bindings().items():
        gin.bind_parameter(key, binding.value)
        _places[key] = binding.place
    gin.finalize()


def configurable(root: Callable) -> Callable:
    """`root`, with the arguments that Gin binds for whatever the caller leaves out.

    Raises:
      UserError: on a call, when an argument without default is bound nowhere; and in place of a
        `UserError` from inside, to which Gin adds where it passed.
    """

    @functools.wraps(root)
    def configured(*args: Any, **kwargs: Any) -> Any:
        return call(_registered(root), *args, **kwargs)

    return configured


def call(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Calls what Gin has configured, one of `arguments_of` say; raises as `configurable` does."""
    with _plain_errors():
        return function(*args, **kwargs)


def arguments_of(root: Callable, supplied: Iterable[str] = ()) -> dict[str, Any]:
    """The arguments that a call of `root` would get, without the call: bindings, else defaults.

    Args:
      root: as for `configurable`.
      supplied: names of those that the caller has itself; they are left out.

    Raises:
      UserError: one without default is bound nowhere, or building one fails.
    """
    with _plain_errors():
        _registered(root)
        found = gin.get_bindings(root)
    for name, parameter in inspect.signature(root).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            found.setdefault(name, parameter.default)
    expected = [name for name in inspect.signature(root).parameters if name not in supplied]
    if missing := [name for name in expected if name not in found]:
        raise UserError(_needs(root.__name__, ", ".join(map(repr, missing))))
    return {name: found[name] for name in expected}


def argument(target: Callable, parameter: str) -> Any:
    """What a call of `target` through Gin would get: the value bound, in no scope, or the default.

    For a parameter that one part of a configuration needs to know of another without building it.
    """
    try:
        bound = gin.query_parameter(f"{target.__module__}.{target.__qualname__}.{parameter}")
    except ValueError:
        return inspect.signature(target).parameters[parameter].default
    return copy.deepcopy(bound)  # This is how Gin resolves references inside a value.


def check_all_used(other_roots: Iterable[Callable] = ()) -> None:
    """Stops when a binding of `load` changed nothing; to be called after everything is built.

    Args:
      other_roots: what other commands call with the same configuration; their arguments, and those
        of what only they build, may wait.

    Raises:
      UserError: lists each binding that no call so far has taken its argument from, and why.
    """
    called = set(_called_keys())
    used = {_supplier(key) for key in called}
    roots = {f"{root.__module__}.{root.__qualname__}" for root in other_roots}
    waiting = {_MACRO} | (_reachable(roots) - {selector for _, selector, _ in called})
    unused = [key for key in _places if key not in used and key[1] not in waiting]
    if unused:
        lines = [f"  {_places[key]}: {_spell(key)} ({_why_unused(key, called)})" for key in unused]
        raise UserError("these settings change nothing; remove or mend them:\n" + "\n".join(lines))


def bound_config() -> str:
    """All bindings in force, whether used yet or not, as a .gin file that `load` reads."""
    return gin.config_str()


def operative_config() -> str:
    """The arguments of all calls so far, defaults included, as a .gin file that `load` reads."""
    return gin.operative_config_str()


def reset() -> None:
    """Forgets all bindings, and what was called with them."""
    gin.clear_config()
    _places.clear()


def resolve_gin_file(name: str | Path, beside: Path | None = None) -> Path | RemotePath:
    """Finds a .gin file: in the folder `beside`, here, or among those that come with the package.

    Raises:
      UserError: when it is in none of them.
    """
    if isinstance(remote := any_path(name), RemotePath):
        return remote
    folders = [beside] if beside else []
    folders += [Path(), _PACKAGE, _PACKAGE.parent]  # installed; in a checkout
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    shipped = shipped_gin_files()
    raise UserError(
        f"no Gin file '{name}', neither from {Path.cwd()} nor among the experiments of this "
        f"package{_nearest(str(name), shipped)}"
    )


def shipped_gin_files(folder: str = "experiments/**") -> list[str]:
    """Names, as `resolve_gin_file` takes them, of the .gin files that come with the package."""
    return sorted(
        path.relative_to(root).as_posix()
        for root in (_PACKAGE, _PACKAGE.parent)
        for path in root.glob(f"{folder}/*.gin")
    )


# ---- Reading -------------------------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class _Source:
    """A .gin text: a file, the command line (`path` None), or a configuration that Gin wrote."""

    text: str
    path: Path | None = None

    def place(self, line: int | None) -> str:
        return f"{self.path}:{line}" if self.path else f"--gin.{self.text}"


@dataclasses.dataclass(frozen=True)
class _Binding:
    value: Any
    place: str
    source: _Source


class _Reader:
    """Reads sources in order into Gin; `bindings` are those in force."""

    def __init__(self) -> None:
        self.bindings: dict[_Key, _Binding] = {}
        self._macros_read: set[str] = set()
        self._names = _Names()  # of all sources, for the command line
        self._done: set[Path] = set()
        self._open: list[Path] = []

    def read_file(self, path: Path) -> None:
        """A file comes in once: a second time would undo what came between."""
        resolved = path.resolve()
        if resolved in self._open:
            raise UserError(f"{path} includes itself by way of {self._open[-1].name}")
        if resolved in self._done:
            return
        self._open.append(resolved)
        self._read(_Source(_read_text(path), path))
        self._done.add(self._open.pop())

    def read_argument(self, text: str) -> None:
        source = _Source(text)
        match list(_statements(source, self._names)):
            case [BindingStatement() as statement]:
                with _located(source, statement):
                    self._bind(statement, self._names, source)
            case _:
                raise UserError(f"{source.place(None)}: expected --gin.NAME=VALUE")

    def _read(self, source: _Source) -> None:
        names = _Names(self._names)
        may_include = True
        for statement in _statements(source, names):
            with _located(source, statement):
                if isinstance(statement, IncludeStatement):
                    self._include(statement, source, may_include)
                elif isinstance(statement, BlockDeclaration):
                    names.find(statement.selector)
                elif isinstance(statement, BindingStatement):
                    self._bind(statement, names, source)
                    may_include = False

    def _include(self, statement: IncludeStatement, source: _Source, allowed: bool) -> None:
        if not allowed:
            raise UserError(
                f"include '{statement.filename}' comes below a setting, which it may undo; "
                "move it to the top"
            )
        self.read_file(resolve_gin_file(statement.filename, beside=source.path.parent))

    def _bind(self, statement: BindingStatement, names: _Names, source: _Source) -> None:
        key = _key(statement, names)
        earlier = self.bindings.get(key)
        if earlier and earlier.source is source:
            raise UserError(f"{_spell(key)} is set in {earlier.place} already; keep one of the two")
        place = source.place(statement.location.line_num)
        self.bindings[key] = _Binding(statement.value, place, source)
        self._macros_read |= _macros(statement.value)

    def checked_bindings(self) -> dict[_Key, _Binding]:
        """The bindings in force, less the macros whose every reader was overridden.

        Raises:
          UserError: a macro is read and not set, set and read nowhere, or reads itself.
        """
        live: dict[_Key, _Binding] = {}
        for key in self.bindings:
            if key[1] != _MACRO:
                self._add_live(key, live, readers=())
        macros = {key[0] for key in self.bindings if key[1] == _MACRO}
        for name in sorted(macros - self._macros_read):
            place = self.bindings[name, _MACRO, "value"].place
            advice = _nearest(name, self._macros_read)
            raise UserError(f"{place}: nothing reads the macro '{name}'{advice}")
        return live

    def _add_live(self, key: _Key, live: dict[_Key, _Binding], readers: tuple[_Key, ...]) -> None:
        """Adds the binding of `key` and the macros it reads; `readers` are the way here."""
        binding = self.bindings[key]
        if key in readers:
            raise UserError(f"{binding.place}: the macro '{key[0]}' reads itself")
        live[key] = binding
        for name in sorted(_macros(binding.value)):
            macro = (name, _MACRO, "value")
            if macro not in self.bindings:
                raise UserError(f"{binding.place}: {self._undefined(name, key)}")
            self._add_live(macro, live, (*readers, key))

    def _undefined(self, name: str, reader: _Key) -> str:
        reads = _spell(reader)
        if name == _REQUIRED:
            return f"{reads} must be set, in a .gin file or as --gin.{reads}=VALUE"
        advice = _nearest(name, [key[0] for key in self.bindings if key[1] == _MACRO])
        return f"{reads} reads the macro '{name}', which is not set{advice}"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; expected a .gin file") from None


def _statements(source: _Source, names: _Names) -> Iterator[Any]:
    """The statements of `source` but its imports, which go into `names` as they come by."""
    parser = None
    while True:
        try:
            parser = parser or ConfigParser(source.text, _ValueDelegate(names))
            statement = parser.parse_statement()
        except (SyntaxError, tokenize.TokenError) as error:
            raise _syntax_error(error, source) from None
        except UserError as error:  # from the delegate; Gin has added the line
            line = re.search(r"line (\d+)", str(error).removeprefix(_without_gin_notes(error)))
            place = source.place(int(line.group(1)))
            raise UserError(f"{place}: {_without_gin_notes(error)}") from None
        if statement is None:
            return
        if isinstance(statement, ImportStatement):
            with _located(source, statement):
                names.add_import(statement)
        else:
            yield statement


class _ValueDelegate(gin.config.ParserDelegate):
    """Turns `@name` into a reference to what `names` finds."""

    def __init__(self, names: _Names) -> None:
        super().__init__()
        self._names = names

    def configurable_reference(self, scoped_selector: str, evaluate: bool) -> Any:
        *scopes, selector = scoped_selector.split("/")
        complete = self._names.find(selector).selector
        return super().configurable_reference("/".join([*scopes, complete]), evaluate)


@contextlib.contextmanager
def _located(source: _Source, statement: Any) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"{source.place(statement.location.line_num)}: {error}") from None


def _syntax_error(error: SyntaxError | tokenize.TokenError, source: _Source) -> UserError:
    if isinstance(error, tokenize.TokenError):
        message, (line, _) = error.args
    else:
        # Gin puts what it made of the text first and the text itself last.
        message, line = error.msg.splitlines()[-1].strip().rstrip("."), error.lineno
    hint = "; text goes in quotes: 'text'" if "parse token" in message else ""
    return UserError(f"{source.place(line)}: {message}{hint}")


def _key(statement: BindingStatement, names: _Names) -> _Key:
    scope, selector, parameter = statement.scope, statement.selector, statement.arg_name
    if not parameter:
        return (f"{scope}/{selector}" if scope else selector), _MACRO, "value"
    found = names.find(selector)
    _check_parameter(found, parameter)
    return scope, found.selector, parameter


# ---- Names ---------------------------------------------------------------------------------------
class _Names:
    """What a name may mean in one source: by its imports, or for short where configured before.

    What one source finds or imports is passed on to `everywhere`, the names of all sources.
    """

    def __init__(self, everywhere: _Names | None = None) -> None:
        self._everywhere = everywhere
        self._found = everywhere._found if everywhere else {}
        self._modules: dict[str, Any] = {"gin": gin.config}  # for @gin.singleton()
        self._context = gin.config.ParseContext()
        self._context.process_import(_DYNAMIC_REGISTRATION)

    def add_import(self, statement: ImportStatement) -> None:
        if statement == _DYNAMIC_REGISTRATION._replace(location=statement.location):
            return
        try:
            self._context.process_import(statement)
        except (ImportError, SyntaxError, ValueError) as error:
            raise UserError(f"'{statement.format()}' fails: {error}") from error
        is_renamed = statement.is_from or statement.alias
        module = statement.module if is_renamed else statement.module.split(".")[0]
        self._modules[statement.bound_name()] = sys.modules[module]
        if self._everywhere:
            self._everywhere.add_import(statement)

    def find(self, selector: str) -> gin.config.Configurable:
        """The function or class that `selector` names, registered with Gin.

        Raises:
          UserError: when there is none, or several.
        """
        found = self._imported(selector) or self._configured(selector)
        if not (found or self._everywhere):
            found = self._importable(selector)
        if not found:
            raise UserError(f"no function or class '{selector}'{self._advice(selector)}")
        self._found[found.selector] = found
        return found

    def _imported(self, selector: str) -> gin.config.Configurable | None:
        first, *rest = selector.split(".")
        try:
            target = functools.reduce(getattr, rest, self._modules[first])
        except (KeyError, AttributeError):
            return None
        return self._context.get_configurable(selector) if rest and callable(target) else None

    def _configured(self, selector: str) -> gin.config.Configurable | None:
        matches = [name for name in self._found if f".{name}".endswith(f".{selector}")]
        if len(matches) > 1:
            raise UserError(f"'{selector}' may be any of {', '.join(sorted(matches))}; say which")
        return self._found[matches[0]] if matches else None

    def _importable(self, selector: str) -> gin.config.Configurable | None:
        """`package.module.name` that no file imports."""
        parts = selector.split(".")
        for end in range(len(parts) - 1, 0, -1):
            with contextlib.suppress(UserError):
                self.add_import(ImportStatement(".".join(parts[:end]), False, None, None))
                return self._imported(selector)
        return None

    def _advice(self, selector: str) -> str:
        imported = [
            f"{bound}.{name}"
            for bound, module in self._modules.items()
            if module is not gin.config
            for name, value in vars(module).items()
            if callable(value) and not name.startswith("_")
        ]
        short = [name.rpartition(".")[2] for name in self._found]
        return _nearest(selector, short + imported) or "; its module must be imported"


def _check_parameter(found: gin.config.Configurable, parameter: str) -> None:
    names, is_open = _parameters(found.wrapped)
    if parameter not in names and not is_open:
        advice = _nearest(parameter, names) or f"; it takes {', '.join(names) or 'none'}"
        raise UserError(f"'{found.name}' has no parameter '{parameter}'{advice}")


def _parameters(target: Callable) -> tuple[list[str], bool]:
    """Names of the parameters of `target`, and whether it takes any other name.

    Gin stops at `**kwargs`. A Keras layer's go to the layers it derives from, down to one that
    lists all it takes: a typo is found here, not in the middle of building the model.
    """
    names, is_open = [], True
    for function in _constructors(target):
        parameters = list(inspect.signature(function).parameters.values())
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        names += [p.name for p in parameters if p.kind in named and p.name not in (*names, "self")]
        is_open = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
        if not is_open:
            break
    return names, is_open


def _constructors(target: Callable) -> list[Callable]:
    if not inspect.isclass(target):
        return [target]
    bases = [base for base in target.__mro__[:-1] if "__init__" in vars(base)]
    return [base.__init__ for base in bases] or [target]


def _macros(value: Any) -> set[str]:
    references = map(repr, gin.config.iterate_references(value))
    return {reference[1:] for reference in references if reference.startswith("%")}


# ---- What was called -----------------------------------------------------------------------------
def _called_keys() -> Iterator[_Key]:
    """Scope, complete selector and parameter of every argument that Gin or a default supplied."""
    names = _Names()
    for statement in _statements(_Source(gin.operative_config_str()), names):
        yield _key(statement, names)


def _supplier(key: _Key) -> _Key | None:
    """The binding that supplied the argument: that of the innermost scope which has one."""
    scope, selector, parameter = key
    scopes = scope.split("/") if scope else []
    for end in range(len(scopes), -1, -1):
        candidate = ("/".join(scopes[:end]), selector, parameter)
        if candidate in _places:
            return candidate
    return None


def _why_unused(key: _Key, called: set[_Key]) -> str:
    scope, selector, _ = key
    scopes = sorted({called_scope for called_scope, name, _ in called if name == selector})
    if not scopes:
        return "nothing built it"
    if scope and not any(f"{other}/".startswith(f"{scope}/") for other in scopes):
        return f"nothing is built in scope '{scope}'{_nearest(scope, filter(None, scopes))}"
    return "the code, or a narrower scope, sets it"


def _reachable(selectors: set[str]) -> set[str]:
    """Complete selectors of what the bindings of `selectors` refer to, and these, and so on."""
    found, new = set(), selectors
    while new:
        found |= new
        values = [gin.config._CONFIG[key[:2]][key[2]] for key in _places if key[1] in new]
        references = [r for value in values for r in gin.config.iterate_references(value)]
        new = {reference.configurable.selector for reference in references} - found
    return found


def _registered(root: Callable) -> Callable:
    with contextlib.suppress(ValueError):
        return gin.get_configurable(root)
    with gin.unlock_config():
        return gin.external_configurable(root)


# ---- Messages ------------------------------------------------------------------------------------
def _without_gin_notes(error: Exception) -> str:
    """The message as raised, without the places in configuration and code that Gin appends."""
    return re.split(r"\n  In (?:call to configurable|file|bindings string)", str(error))[0]


def _missing_arguments(error: TypeError) -> str | None:
    """What to bind, if `error` says that something Gin called lacks arguments; else None."""
    match = re.search(
        r"([\w.]+)\(\) missing \d+ required [\w-]+ arguments?: ([^\n]+)"
        r"(?:\n  [^\n]+)*?\n  In call to configurable '(\w+)'",
        str(error),
    )
    if not match or match[1].removesuffix(".__init__").split(".")[-1] != match[3]:
        return None
    return _needs(match[3], match[2])


def _needs(name: str, arguments: str) -> str:
    return f"'{name}' needs {arguments}: bind in a .gin file, or as --gin.{name}.NAME=VALUE"


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Takes off what Gin adds to a message, and makes a `UserError` of a missing argument."""
    try:
        yield
    except UserError as error:
        raise UserError(_without_gin_notes(error)) from error
    except RunStopped as stop:
        raise RunStopped(_without_gin_notes(stop), stop.status) from stop
    except TypeError as error:
        if message := _missing_arguments(error):
            raise UserError(message) from error
        raise


def _spell(key: _Key) -> str:
    """The key as a user may write it."""
    scope, selector, parameter = key
    if selector == _MACRO:
        return scope
    return f"{scope}/" * bool(scope) + f"{selector.rpartition('.')[2]}.{parameter}"


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
