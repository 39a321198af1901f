"""The search for the largest batch, the compiler's process and its cache, with stand-ins for it."""

import json
import sys

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.planning.preflight import tpu_check, tpu_compile
from maskconver_tf.planning.preflight.preflight import format_largest
from maskconver_tf.planning.preflight.tpu_check import Fit, check_ready, compile_step, largest_batch


def needs(function, capacity, limit=10**9):
    """`fit` for a step that takes `function(batch)` bytes; and the batches it was asked for."""
    asked = []

    def fit(size):
        asked.append(size)
        return Fit(size, function(size), function(size) <= capacity) if size <= limit else None

    return fit, asked


# ---- Search --------------------------------------------------------------------------------------
@pytest.mark.parametrize("asked", [1, 3, 8, 100])
def test_on_a_straight_line_few_are_asked_for(asked):
    fit, sizes = needs(lambda b: 100 + 30 * b, 1000)
    largest, tried = largest_batch(asked, 1000, fit)
    assert largest.batch_size == 30
    assert len(sizes) <= 5 and len(set(sizes)) == len(sizes) == len(tried)
    assert format_largest(largest, tried).endswith("30 per core; one more does not")


def test_a_guess_that_does_not_fit_is_stepped_down_from():
    need = {4: 400, 8: 700, 12: 1100, 11: 1040, 10: 900}  # the line says 12
    largest, tried = largest_batch(4, 1000, needs(need.__getitem__, 1000)[0])
    assert largest.batch_size == 10
    assert [fit.batch_size for fit in tried] == [4, 8, 12, 11, 10]


@pytest.mark.parametrize("asked", [1, 8, 25, 50])
def test_a_need_that_bends_near_the_limit_does_not_end_the_search_early(asked):
    """As found: a compiler computes again what it kept for smaller batches, so that more fit."""
    fit, _ = needs(lambda b: 100 + 30 * b if b <= 28 else 800 + 4 * b, 1000)
    largest, tried = largest_batch(asked, 1000, fit)
    assert largest.batch_size == 50
    assert 51 in [fit.batch_size for fit in tried]


def test_nothing_fits():
    largest, tried = largest_batch(4, 1000, needs(lambda b: 2000 + b, 1000)[0])
    assert largest is None
    assert min(fit.batch_size for fit in tried) == 1
    assert "no batch down to 1 per core fits" in format_largest(largest, tried)


def test_a_need_that_does_not_grow_ends_the_search():
    largest, tried = largest_batch(1, 1000, needs(lambda b: 500, 1000)[0])
    assert len(tried) == tpu_check.MAX_PLANS
    assert format_largest(largest, tried).endswith("per core, or more; the search ended there")


def test_a_compile_out_of_time_ends_the_search_with_what_is_known():
    largest, _ = largest_batch(4, 1000, needs(lambda b: 10 * b, 1000, limit=8)[0])
    assert largest.batch_size == 8
    assert largest_batch(4, 1000, lambda size: None) == (None, [])
    assert "not known" in format_largest(None, [])


# ---- Messages ------------------------------------------------------------------------------------
@pytest.mark.parametrize("topology", ["v9:2x2", "v5e", "v5e:2", "v5e:2x2x2", "2x2", "v5e:axb"])
def test_an_unknown_topology_is_refused(topology):
    with pytest.raises(UserError, match=f"--tpu {topology}: unknown; expected v5e or v6e"):
        check_ready(topology)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(tpu_check.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"jax and libtpu .* pip install .*tpu-check"):
        check_ready("v5e:2x2")


def test_cores_of_a_topology(monkeypatch):
    monkeypatch.setattr(tpu_check.importlib.util, "find_spec", lambda name: name)
    assert check_ready("v5e:4x8") == 32


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (  # libtpu 0.0.42.1, before it makes code
            "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO "
            "temporaries (74.58G) exceeds available HBM (15.75G).",
            74.58 * 2**30,
        ),
        (
            "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO "
            "temporaries (43.31M) exceeds available HBM (1.00M).",
            43.31 * 2**20,
        ),
        (
            "RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory "
            "space hbm. Used 23.50G of 15.75G hbm. Exceeded hbm capacity by 7.75G.\nMore",
            23.5 * 2**30,
        ),
    ],
)
def test_out_of_memory_is_a_finding(words, needed):
    found = tpu_compile.failure(words)
    assert (found["fits"], found["needed_bytes"]) == (False, int(needed))
    assert "More" not in found["error"]


def test_anything_else_that_fails_is_none():
    assert "fits" not in tpu_compile.failure("UNIMPLEMENTED: no such thing")


# ---- The compiler's process ----------------------------------------------------------------------
@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """`compiler(program)`: Python text that runs in place of `tpu_compile`; sys.argv as there."""

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


def test_what_is_needed_counts_updates_in_place_once(compiler):
    parts = {"arguments": 50, "outputs": 40, "aliased": 35, "temporaries": 7, "code": 3}
    result = {"fits": True, "bytes": parts, "cached": True}
    compiler(
        "import json, sys; assert open(sys.argv[1], 'rb').read() == b'a step'\n"
        "assert sys.argv[2:] == ['v5e:2x2', 'somewhere', 'code']; print('noise')\n"
        f"print(json.dumps({result}))"
    )
    assert run() == Fit(4, 50 + 40 - 35 + 7 + 3, True, cached=True)


def test_what_does_not_fit_is_no_error(compiler):
    result = {"fits": False, "needed_bytes": 99, "error": "full", "cached": False}
    compiler(f"print({json.dumps(json.dumps(result))})")
    assert run() == Fit(4, 99, False)


def test_a_layout_of_memory_is_asked_for_and_taken_as_it_is(compiler):
    result = {"fits": True, "needed_bytes": 99, "cached": False}
    compiler(f"import sys; assert sys.argv[-1] == 'plan'; print({json.dumps(json.dumps(result))})")
    assert run(to_code=False) == Fit(4, 99, True)


def test_compilers_do_not_wait_for_each_other(compiler):
    compiler(
        "import json, os; assert os.environ['ALLOW_MULTIPLE_LIBTPU_LOAD'] == '1'\n"
        "print(json.dumps({'fits': False, 'needed_bytes': 9, 'cached': False}))"
    )
    assert run().needed == 9


def test_a_compiler_that_dies_or_refuses_is_one_message(compiler):
    compiler("import sys; sys.exit('Killed by the machine')")
    with pytest.raises(UserError, match="without a result .Killed by the machine"):
        run()
    compiler('print(\'{"error": "no such layout\\\\nand more", "cached": false}\')')
    with pytest.raises(UserError, match="refused the step for v5e:2x2: no such layout$"):
        run()


def test_a_compiler_that_takes_too_long_is_ended(compiler):
    compiler("import time; time.sleep(600)")
    assert run(minutes=0.0) is None


# ---- The cache -----------------------------------------------------------------------------------
def test_a_program_is_compiled_once(monkeypatch, tmp_path, capsys):
    compiled = []
    results = {"step": {"fits": True, "bytes": {}}, "bad": {"error": "odd"}}
    monkeypatch.setattr(tpu_compile, "to_stablehlo", lambda hlo: hlo.decode())
    monkeypatch.setattr(tpu_compile, "program_hash", lambda module, topology: module + topology)
    monkeypatch.setattr(
        tpu_compile,
        "compile_module",
        lambda module, topology: compiled.append(module + topology) or results[module],
    )
    monkeypatch.setattr(tpu_compile, "plan_memory", lambda *names: {"fits": True, "bytes": names})

    def compile_it(program, topology, depth="code"):
        (tmp_path / "hlo").write_text(program)
        arguments = ["", str(tmp_path / "hlo"), topology, str(tmp_path / "cache"), depth]
        monkeypatch.setattr(sys, "argv", arguments)
        tpu_compile.main()
        return json.loads(capsys.readouterr().out)

    assert compile_it("step", "v5e") == {"fits": True, "bytes": {}, "cached": False}
    assert compile_it("step", "v5e") == {"fits": True, "bytes": {}, "cached": True}
    assert compile_it("step", "v5e", "plan")["bytes"] == ["step", "v5e"], "a question of its own"
    compile_it("step", "v6e")
    assert compiled == ["stepv5e", "stepv6e"]
    compile_it("bad", "v5e")
    compile_it("bad", "v5e")
    assert compiled[2:] == ["badv5e", "badv5e"], "a failure must not be remembered"
