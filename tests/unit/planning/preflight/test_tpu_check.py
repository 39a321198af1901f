"""The checks before compilation, and the compiler's process with scripts in its place."""

import json
import sys

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.planning.preflight import tpu_check
from maskconver_tf.planning.preflight.tpu_check import MemoryPlan, check_topology, compile_step


@pytest.mark.parametrize("topology", ["v9:2x2", "v5e", "v5e:2", "v5e:2x2x2", "2x2", "v5e:axb"])
def test_an_unknown_topology_is_refused(topology):
    with pytest.raises(UserError, match=f"--tpu {topology}: unknown; expected v5e or v6e"):
        check_topology(topology)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(tpu_check.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"jax and libtpu .* pip install .*tpu-check"):
        check_topology("v5e:2x2")


def test_cores_of_a_topology(monkeypatch):
    monkeypatch.setattr(tpu_check.importlib.util, "find_spec", lambda name: name)
    assert check_topology("v5e:4x8") == 32


# ---- The compiler's process ----------------------------------------------------------------------
@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """`compiler(program)` runs Python text in place of `tpu_compile`, with the same arguments."""

    def replace(program):
        script = tmp_path / "stand_in.py"
        script.write_text(program)
        popen = tpu_check.subprocess.Popen
        monkeypatch.setattr(
            tpu_check.subprocess,
            "Popen",
            lambda command, **kwargs: popen([sys.executable, str(script), *command[3:]], **kwargs),
        )

    return replace


def run(minutes=1.0, to_code=True):
    somewhere = tpu_check.Path("somewhere")
    return compile_step(b"a step", 4, "v5e:2x2", somewhere, minutes, to_code)


def test_updates_in_place_count_once(compiler):
    parts = {"arguments": 50, "outputs": 40, "aliased": 35, "temporaries": 7, "code": 3}
    result = {"fits": True, "bytes": parts, "cached": True}
    compiler(
        "import json, sys; assert open(sys.argv[1], 'rb').read() == b'a step'\n"
        "assert sys.argv[2:] == ['v5e:2x2', 'somewhere', 'code']; print('noise')\n"
        f"print(json.dumps({result}))"
    )
    assert run() == MemoryPlan(4, 50 + 40 - 35 + 7 + 3, True, cached=True)


def test_what_does_not_fit_is_no_error(compiler):
    result = {"fits": False, "needed_bytes": 99, "error": "full", "cached": False}
    compiler(f"print({json.dumps(json.dumps(result))})")
    assert run() == MemoryPlan(4, 99, False)


def test_a_memory_plan_is_returned_unchanged(compiler):
    result = {"fits": True, "needed_bytes": 99, "cached": False}
    compiler(f"import sys; assert sys.argv[-1] == 'plan'; print({json.dumps(json.dumps(result))})")
    assert run(to_code=False) == MemoryPlan(4, 99, True)


def test_several_compilers_can_run_at_once(compiler):
    compiler(
        "import json, os; assert os.environ['ALLOW_MULTIPLE_LIBTPU_LOAD'] == '1'\n"
        "print(json.dumps({'fits': False, 'needed_bytes': 9, 'cached': False}))"
    )
    assert run().needed_bytes == 9


def test_a_compiler_that_dies_or_refuses_is_one_message(compiler):
    compiler("import sys; sys.exit('Killed by the machine')")
    with pytest.raises(UserError, match="without a result .Killed by the machine"):
        run()
    compiler('print(\'{"error": "no such layout\\\\nand more", "cached": false}\')')
    with pytest.raises(
        UserError, match="--tpu v5e:2x2: the TPU compiler refused the step: no such layout"
    ):
        run()


def test_a_compiler_that_takes_too_long_is_ended(compiler):
    compiler("import time; time.sleep(600)")
    assert run(minutes=0.0) is None
