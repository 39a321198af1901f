"""The cache of results and the messages of the compiler, with stand-ins for the compiler."""

import json
import sys

import pytest

from maskconver_tf.planning.preflight import tpu_compile


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
    found = tpu_compile.parse_compiler_error(words)
    assert (found["fits"], found["needed_bytes"]) == (False, int(needed))
    assert "More" not in found["error"]


def test_other_errors_are_not_about_memory():
    assert "fits" not in tpu_compile.parse_compiler_error("UNIMPLEMENTED: no such thing")


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
