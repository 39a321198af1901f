"""Configuration by Gin, on a module of stand-ins: no TensorFlow here."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskconver_tf.config import gin_support
from maskconver_tf.errors import UserError

ZOO = '''
class Base:
    def __init__(self, name=None):
        self.name = name

class Net(Base):
    """Passes what it does not know to a base that takes no **kwargs, as a Keras layer does."""
    def __init__(self, width=8, *, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.width, self.depth = width, depth

def sgd(rate=0.1):
    return ("sgd", rate)

def adam(rate=0.1, betas=(0.9, 0.99)):
    return ("adam", rate, betas)

def train(*, model_dir, steps, net, optimizer=None):
    return (model_dir, steps, net.width, net.depth, net.name, optimizer)

def fail(error):
    raise error("cannot")

def helper(value):
    return value

def call_helper(steps):
    return helper()
'''

BASE = """
from __gin__ import dynamic_registration

import gin_zoo

STEPS = 5
gin_zoo.train:
    steps = %STEPS
    net = @big/gin_zoo.Net()
big/gin_zoo.Net.width = 32
"""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    (folder / "gin_zoo.py").write_text(ZOO)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("gin_zoo")
    sys.path.remove(str(folder))
    gin_support.reset()


@pytest.fixture
def folder(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.gin").write_text(BASE)
    return tmp_path


def _train(zoo, *bindings, files=("base.gin",)):
    gin_support.load(files, bindings)
    return gin_support.configurable(zoo.train)(model_dir="run")


def _load_error(*bindings, files=("base.gin",)) -> str:
    with pytest.raises(UserError) as caught:
        gin_support.load(files, bindings)
    return str(caught.value)


# ---- What is bound -------------------------------------------------------------------------------
def test_a_file_configures_the_root_and_what_it_builds(zoo, folder):
    assert _train(zoo) == ("run", 5, 32, 1, None, None)


@pytest.mark.parametrize(
    "binding, expected",
    [
        ("train.steps=7", ("run", 7, 32, 1, None, None)),
        ("gin_zoo.train.steps=7", ("run", 7, 32, 1, None, None)),
        ("STEPS=9", ("run", 9, 32, 1, None, None)),
        ("Net.depth=3", ("run", 5, 32, 3, None, None)),
        ("big/Net.width=64", ("run", 5, 64, 1, None, None)),
        ("Net.name='given to the base'", ("run", 5, 32, 1, "given to the base", None)),
        ("train.optimizer=@gin_zoo.adam()", ("run", 5, 32, 1, None, ("adam", 0.1, (0.9, 0.99)))),
    ],
)
def test_the_command_line_overrides_the_file(zoo, folder, binding, expected):
    assert _train(zoo, binding) == expected
    gin_support.check_all_used()


def test_the_command_line_names_what_no_file_imports_by_its_complete_name(zoo, folder):
    (folder / "gin_annex.py").write_text("def lion(rate=3):\n    return ('lion', rate)\n")
    sys.path.insert(0, str(folder))
    try:
        result = _train(zoo, "train.optimizer=@gin_annex.lion()", "gin_annex.lion.rate=4")
    finally:
        sys.path.remove(str(folder))
    assert result[-1] == ("lion", 4)


def test_an_argument_of_the_caller_wins(zoo, folder):
    gin_support.load(["base.gin"])
    assert gin_support.configurable(zoo.train)(model_dir="run", steps=1)[1] == 1


def test_a_second_load_forgets_the_first(zoo, folder):
    _train(zoo, "train.optimizer=@gin_zoo.sgd()")
    assert _train(zoo)[-1] is None


# ---- Files ---------------------------------------------------------------------------------------
def test_an_include_is_found_beside_its_file_and_overridden_below(zoo, folder):
    (folder / "sub").mkdir()
    (folder / "base.gin").rename(folder / "sub" / "base.gin")
    (folder / "sub" / "leaf.gin").write_text("include 'base.gin'\ntrain.steps = 6\n")
    assert _train(zoo, files=["sub/leaf.gin"])[1] == 6


def test_a_file_included_twice_undoes_nothing(zoo, folder):
    (folder / "longer.gin").write_text("include 'base.gin'\nSTEPS = 50\n")
    (folder / "leaf.gin").write_text("include 'longer.gin'\ninclude 'base.gin'\n")
    assert _train(zoo, files=["leaf.gin"])[1] == 50


def test_a_later_file_overrides(zoo, folder):
    (folder / "overlay.gin").write_text("STEPS = 50\n")
    assert _train(zoo, files=["base.gin", "overlay.gin"])[1] == 50


def test_an_include_below_a_setting_is_refused(zoo, folder):
    (folder / "leaf.gin").write_text("STEPS = 6\ninclude 'base.gin'\n")
    assert _load_error(files=["leaf.gin"]).startswith("leaf.gin:2: include 'base.gin' comes below")


def test_a_circle_of_includes_is_refused(zoo, folder):
    (folder / "leaf.gin").write_text("include 'leaf.gin'\n")
    assert "includes itself" in _load_error(files=["leaf.gin"])


def test_a_missing_file_is_named_with_the_nearest_shipped(zoo, folder, monkeypatch):
    package = folder / "package"
    (package / "experiments").mkdir(parents=True)
    (package / "experiments" / "demo.gin").write_text("")
    monkeypatch.setattr(gin_support, "_PACKAGE", package)
    message = _load_error(files=["experiments/dmeo.gin"])
    assert "no Gin file 'experiments/dmeo.gin'" in message
    assert "did you mean 'experiments/demo.gin'?" in message


def test_a_missing_include_names_the_file_and_line_that_asks(zoo, folder):
    (folder / "leaf.gin").write_text("\ninclude 'bsae.gin'\n")
    assert _load_error(files=["leaf.gin"]).startswith("leaf.gin:2: no Gin file 'bsae.gin'")


def test_shipped_experiments_are_found_from_any_folder(zoo, folder, monkeypatch):
    package = folder / "site" / "package"
    (package / "experiments").mkdir(parents=True)
    (package / "experiments" / "demo.gin").write_text(BASE)
    monkeypatch.setattr(gin_support, "_PACKAGE", package)
    found = gin_support.resolve_gin_file("experiments/demo.gin")
    assert found == package / "experiments" / "demo.gin"


# ---- Mistakes that stop at once ------------------------------------------------------------------
@pytest.mark.parametrize(
    "binding, message",
    [
        ("trian.steps=3", "no function or class 'trian'; did you mean 'train'?"),
        ("train.stesp=3", "'train' has no parameter 'stesp'; did you mean 'steps'?"),
        ("Net.wdith=3", "'Net' has no parameter 'wdith'; did you mean 'width'?"),
        ("train.net=@gin_zoo.Nte()", "'gin_zoo.Nte'; did you mean 'gin_zoo.Net'?"),
        ("gin_zoo.train.net=@a.b()", "no function or class 'a.b'"),
        ("gin_zoo.steps=3", "no function or class 'gin_zoo'"),
        ("STEP=3", "nothing reads the macro 'STEP'; did you mean 'STEPS'?"),
        ("train.steps=%STEPZ", "'STEPZ', which is not set; did you mean 'STEPS'?"),
        ("train.steps=%gin.REQUIRED", "train.steps must be set"),
        ("train.steps=[1, %REQUIRED]", "train.steps must be set"),
        ("train.steps=ten", "text goes in quotes: 'text'"),
        ("train.steps=(1,", "EOF in multi-line statement"),
        ("train.steps", "expected ':' or '='"),
        ("import os", "expected --gin.NAME=VALUE"),
        ("include 'base.gin'", "expected --gin.NAME=VALUE"),
        ("", "expected --gin.NAME=VALUE"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_message(zoo, folder, binding, message):
    found = _load_error(binding)
    assert found.startswith(f"--gin.{binding}: ")
    assert message in found


@pytest.mark.parametrize(
    "line, message",
    [
        ("gin_zoo.trian.steps = 1", "no function or class 'gin_zoo.trian'; did you mean"),
        ("gin_zoo.train.stesp = 1", "no parameter 'stesp'; did you mean 'steps'?"),
        ("gin_zoo.train.net = @gin_zoo.Nets()", "no function or class 'gin_zoo.Nets'; did you"),
        ("gin_zoo.train.net = @", "Unexpected token"),
        ("gin_zoo.train.steps = 2", "train.steps is set in leaf.gin:"),
        ("import gin_zu", "'import gin_zu' fails: No module named 'gin_zu'"),
        ("from __gin__ import magic", "'from __gin__ import magic' fails"),
        ("OTHER = 2", "nothing reads the macro 'OTHER'"),
    ],
)
def test_a_mistake_in_a_file_is_named_by_its_line(zoo, folder, line, message):
    (folder / "leaf.gin").write_text(f"{BASE}\n{line}\n")
    found = _load_error(files=["leaf.gin"])
    assert found.startswith(f"leaf.gin:{BASE.count(chr(10)) + 2}: ")
    assert message in found


def test_a_reference_is_named_by_its_own_line(zoo, folder):
    (folder / "leaf.gin").write_text("include 'base.gin'\ntrain.net = [\n    1,\n    @Nte(),\n]\n")
    assert _load_error(files=["leaf.gin"]).startswith("leaf.gin:4: no function or class 'Nte'")


def test_a_short_name_of_two_things_is_refused(zoo, folder):
    (folder / "gin_annex2.py").write_text("def train(steps):\n    return steps\n")
    sys.path.insert(0, str(folder))
    try:
        message = _load_error("gin_annex2.train.steps=1", "train.steps=2")
    finally:
        sys.path.remove(str(folder))
    assert "may be any of gin_annex2.train, gin_zoo.train; say which" in message


def test_a_picture_for_a_gin_file_is_refused(zoo, folder):
    (folder / "leaf.gin").write_bytes(b"\x89PNG\xff")
    assert "leaf.gin: not a text file" in _load_error(files=["leaf.gin"])


# ---- Mistakes Gin passes in silence --------------------------------------------------------------
@pytest.mark.parametrize(
    "binding, message",
    [
        ("bgi/Net.depth=3", "bgi/Net.depth (nothing is built in scope 'bgi'; did you mean 'big'?)"),
        ("gin_zoo.adam.rate=1", "adam.rate (nothing built it)"),
        ("Net.width=4", "Net.width (the code, or a narrower scope, sets it)"),
        ("train.model_dir='x'", "train.model_dir (the code, or a narrower scope, sets it)"),
    ],
)
def test_a_binding_that_changes_nothing_is_named(zoo, folder, binding, message):
    _train(zoo, binding)
    with pytest.raises(UserError) as caught:
        gin_support.check_all_used()
    assert f"--gin.{binding}: {message}" in str(caught.value)
    assert str(caught.value).count("\n") == 1


def test_a_macro_stays_legal_when_its_reader_is_overridden(zoo, folder):
    _train(zoo, "train.steps=7")
    gin_support.check_all_used()


def test_a_binding_of_an_outer_scope_is_used_in_the_inner(zoo, folder):
    _train(zoo, "train.net=@big/small/gin_zoo.Net()", "big/small/Net.depth=2")
    gin_support.check_all_used()


# ---- Calls ---------------------------------------------------------------------------------------
def test_an_unbound_argument_of_the_root_is_named(zoo, folder):
    gin_support.load([], ["gin_zoo.train.steps=1"])
    with pytest.raises(UserError, match="^'train' needs 'net': bind in a .gin file"):
        gin_support.configurable(zoo.train)(model_dir="run")


def test_an_argument_missing_inside_stays_an_error_of_the_code(zoo, folder):
    gin_support.load([], ["gin_zoo.call_helper.steps=1"])
    with pytest.raises(TypeError, match="helper"):
        gin_support.configurable(zoo.call_helper)()


def test_a_user_error_from_inside_comes_out_as_it_was_raised(zoo, folder):
    gin_support.load([])
    with pytest.raises(UserError) as caught:
        gin_support.configurable(zoo.fail)(UserError)
    assert str(caught.value) == "cannot"


def test_what_a_call_would_get_is_known_without_the_call(zoo, folder):
    gin_support.load(
        ["base.gin"], ["gin_zoo.adam.betas=(%STEPS, 1)", "train.optimizer=@gin_zoo.adam()"]
    )
    assert gin_support.argument(zoo.train, "steps") == 5
    assert gin_support.argument(zoo.adam, "betas") == (5, 1)
    assert gin_support.argument(zoo.adam, "rate") == 0.1
    assert gin_support.argument(zoo.sgd, "rate") == 0.1


# ---- The saved configuration ---------------------------------------------------------------------
def test_the_operative_config_gives_the_same_run_in_a_new_process(zoo, folder):
    here = _train(zoo, "Net.depth=3", "train.optimizer=@o/gin_zoo.adam()", "o/gin_zoo.adam.rate=2")
    Path("config.gin").write_text(gin_support.operative_config())
    program = (
        "import gin_zoo; from maskconver_tf.config import gin_support as g; "
        "g.load(['config.gin']); print(g.configurable(gin_zoo.train)(model_dir='run')); "
        "g.check_all_used(); print(g.operative_config())"
    )
    paths = [str(Path(zoo.__file__).parent), str(Path(gin_support.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{here}\n{gin_support.operative_config()}\n", done.stderr
    assert here == ("run", 5, 32, 3, None, ("adam", 2, (0.9, 0.99)))


def test_the_bound_config_loads_and_holds_what_nothing_used_yet(zoo, folder):
    gin_support.load(["base.gin"], ["train.steps=7", "gin_zoo.adam.rate=2"])
    saved = gin_support.bound_config()
    Path("config.gin").write_text(saved)
    assert _train(zoo, "train.optimizer=@gin_zoo.adam()", files=["config.gin"]) == (
        *("run", 7, 32, 1, None),
        ("adam", 2, (0.9, 0.99)),
    )
    assert "STEPS" not in saved  # its one reader is overridden: reloaded, nothing would read it


def test_macros_may_read_macros(zoo, folder):
    (folder / "leaf.gin").write_text("include 'base.gin'\nSTEPS = %EPOCHS\nEPOCHS = 3\n")
    assert _train(zoo, files=["leaf.gin"])[1] == 3


def test_a_macro_of_itself_is_no_endless_loop(zoo, folder):
    assert "itself" in _load_error("STEPS=%STEPS")
    assert "itself" in _load_error("STEPS=%A", "A=[%STEPS]")


def test_the_operative_config_of_a_run_without_files_loads_too(zoo, folder):
    gin_support.load([], ["gin_zoo.sgd.rate=2"])
    gin_support.configurable(zoo.sgd)()
    saved = gin_support.operative_config()
    Path("config.gin").write_text(saved)
    gin_support.load(["config.gin"])
    assert gin_support.configurable(zoo.sgd)() == ("sgd", 2)
    assert gin_support.operative_config() == saved
