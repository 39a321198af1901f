"""Each rule names a planted offender by file and line, and nothing else."""

from __future__ import annotations

import pytest

from tests.lint import room_rules as rules
from tests.lint.planting import plant, plant_at


@pytest.mark.parametrize("room", ["maskconver_tf/ops", "tests/unit/ops"])
def test_a_room_with_too_many_files_is_named(tmp_path, room):
    full = {f"{room}/m{i}.py": "" for i in range(rules.MAX_ROOM_FILES - 1)}
    full |= {f"{room}/__init__.py": "", f"{room}/notes.md": "", f"{room}/inner/a.py": ""}
    root = plant_at(tmp_path, full)
    assert rules.rooms_hold_few_files(root) == []
    plant_at(root, {f"{room}/one_more.py": ""})
    (offender,) = rules.rooms_hold_few_files(root)
    assert offender.startswith(f"{room}:1: 13 .py files, 12 at most")


@pytest.mark.parametrize("folder", ["maskconver_tf/ops", "tests/unit/ops", "benchmarks"])
def test_a_long_file_is_named_at_its_first_line_too_many(tmp_path, folder):
    root = plant_at(tmp_path, {f"{folder}/fits.py": "x = 1\n" * rules.MAX_FILE_LINES})
    assert rules.files_are_short(root) == []
    plant_at(root, {f"{folder}/long.py": "x = 1\n" * (rules.MAX_FILE_LINES + 9)})
    (offender,) = rules.files_are_short(root)
    assert offender.startswith(f"{folder}/long.py:301: 309 lines, 300 at most")


def test_a_long_function_is_named(tmp_path):
    body = '    """\n' + "    words\n" * 70 + '    """\n' + "    x = 1\n" * rules.MAX_FUNCTION_LINES
    short = body.replace("    x = 1\n", "", 1)
    text = f"def fits():\n{short}\n\nasync def long():\n{body}\n"
    (offender,) = rules.functions_are_short(plant(tmp_path, {"ops/a.py": text}))
    line = text.splitlines().index("async def long():") + 1
    assert offender.startswith(f"maskconver_tf/ops/a.py:{line}: long has 61 lines of code")


def test_a_folder_without_init_is_named(tmp_path):
    files = {"__init__.py": "", "ops/__init__.py": "", "ops/a.py": "", "input/a.py": ""}
    root = plant(tmp_path, files)
    assert rules.folders_are_packages(root) == ["maskconver_tf/input:1: no __init__.py"]


def test_a_room_that_holds_only_init_is_named(tmp_path):
    root = plant(
        tmp_path,
        {
            "__init__.py": "",
            "ops/__init__.py": "",
            "ops/a.py": "",
            "models/__init__.py": "",
            "models/backbones/__init__.py": "",
            "models/backbones/resnet.py": "",
            "serving/__init__.py": '"""Answers requests."""\n',
        },
    )
    (offender,) = rules.no_room_is_empty(root)
    assert offender.startswith("maskconver_tf/serving/__init__.py:1: the folder holds no other")


@pytest.mark.parametrize("name", ["ops/__init__.py", "ops/peaks.py"])
@pytest.mark.parametrize(
    "statements",
    [
        "from maskconver_tf.layers.peaks import find_peaks\n",
        "import maskconver_tf.layers.peaks as peaks\n",
        "from .layers import a, b\n__all__ = ['a', 'b']\n",
        "from .layers import a\n__all__: list[str] = ['a']\n__all__ += ['b']\n",
    ],
)
def test_a_file_that_only_reexports_is_named(tmp_path, name, statements):
    text = '"""Peaks."""\n\nfrom __future__ import annotations\n\n' + statements
    (offender,) = rules.no_file_only_reexports(plant(tmp_path, {name: text}))
    assert offender.startswith(f"maskconver_tf/{name}:5: the file only re-exports")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""Only a docstring."""\n',
        "from __future__ import annotations\n",
        "import os\n\nSIZE = 3\n",
        "import os\n\nos.environ['A'] = 'b'\n",
        "from math import pi\n\n\ndef area(r):\n    return pi * r * r\n",
    ],
)
def test_a_file_with_content_of_its_own_or_none_is_no_reexport(tmp_path, text):
    assert rules.no_file_only_reexports(plant(tmp_path, {"ops/__init__.py": text})) == []
