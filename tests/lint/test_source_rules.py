"""Each rule names a planted offender by file and line, and nothing else."""

from __future__ import annotations

import pytest

from tests.lint import source_rules as rules


@pytest.fixture
def plant(tmp_path):
    """`plant({path: text})`: the root of a repository with a package of these files."""

    def write(files: dict[str, str]):
        for name, text in files.items():
            path = tmp_path / "maskconver_tf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    "statement",
    [
        "from maskconver_tf.models import net",
        "from maskconver_tf.models.net import Net",
        "import maskconver_tf.models.net",
        "from maskconver_tf import models",
        "from ..models import net",
        "def f():\n    from maskconver_tf.models import net",
        "if TYPE_CHECKING:\n    from maskconver_tf.models import net",
    ],
)
def test_an_upward_import_is_named_however_it_is_spelled(plant, statement):
    root = plant({"models/net.py": "", "ops/peaks.py": f"import math\n\n{statement}\n"})
    (offender,) = rules.imports_point_one_way(root)
    line = 3 + statement.count("\n")
    assert offender.startswith(f"maskconver_tf/ops/peaks.py:{line}: 'ops' may not import 'models'")


@pytest.mark.parametrize(
    "room, target, allowed",
    [
        ("inference", "training", False),
        ("training", "inference", True),
        ("training", "export", False),
        ("export", "inference", True),
        ("losses", "models", False),
        ("files", "datasets", False),
        ("datasets", "files", True),
        ("datasets", "input", False),
        ("input", "datasets", True),
        ("input", "evaluation", False),
        ("input", "losses", False),
        ("evaluation", "datasets", True),
        ("evaluation", "input", False),
        ("planning", "training", True),
        ("training", "planning", False),
        ("planning", "config", False),
        ("config", "planning", True),
        ("models", "layers", True),
        ("layers", "models", False),
        ("types", "errors", False),
        ("ops", "errors", True),
        ("ops", "ops", True),
        ("cli", "export", True),
    ],
)
def test_the_order_of_the_rooms(plant, room, target, allowed):
    imports = f"import maskconver_tf.{target}.a\n"
    root = plant({f"{target}/a.py": "", f"{room}/b.py": imports})
    assert bool(rules.imports_point_one_way(root)) != allowed


def test_a_room_nobody_named_is_an_offender(plant):
    root = plant({"utils/strings.py": "import math\n"})
    (offender,) = rules.imports_point_one_way(root)
    assert offender.startswith("maskconver_tf/utils/strings.py:1: room 'utils'")


@pytest.mark.parametrize(
    "line",
    [
        "x = tf.keras.layers.Dense(1)",
        "x = tf.compat.v1.keras",
        "import tensorflow.keras.layers",
        "from tensorflow import keras",
        "from tensorflow.keras import layers",
        "import keras",
        "from keras.layers import Dense",
    ],
)
def test_keras_3_is_named(plant, line):
    root = plant({"layers/a.py": f"import tf_keras as keras\nx = keras.layers\n{line}\n"})
    assert rules.keras_is_tf_keras(root) == ["maskconver_tf/layers/a.py:3: use tf_keras"]


@pytest.mark.parametrize("line", ["import gin", "from gin import config", "import gin.config"])
def test_gin_elsewhere_is_named(plant, line):
    root = plant({"config/gin_support.py": "import gin\n", "training/train.py": f"\n{line}\n"})
    (offender,) = rules.only_config_imports_gin(root)
    assert offender.startswith("maskconver_tf/training/train.py:2:")


def test_skip_unknown_is_named(plant):
    root = plant({"config/gin_support.py": "gin.parse_config(\n    text, skip_unknown=True)\n"})
    (offender,) = rules.nothing_skips_unknown_gin(root)
    assert offender.startswith("maskconver_tf/config/gin_support.py:2:")


def test_tensorflow_in_a_light_module_is_named(plant):
    root = plant({"cli/main.py": "import sys\nimport tensorflow as tf\n"})
    assert rules.light_modules_need_no_tensorflow(root) == [
        "maskconver_tf/cli/main.py:2: loads TensorFlow by way of "
        "maskconver_tf/cli/main.py:2 -> tensorflow"
    ]


def test_tensorflow_is_found_behind_other_modules_and_their_packages(plant):
    root = plant(
        {
            "errors.py": "",
            "cli/main.py": "import maskconver_tf.errors\nimport maskconver_tf.files.a\n",
            "files/__init__.py": "import maskconver_tf.files.b\nimport maskconver_tf.files.a\n",
            "files/a.py": "",
            "files/b.py": "if True:\n    from tf_keras import layers\n",
        }
    )
    (offender,) = rules.light_modules_need_no_tensorflow(root)
    chain = (
        "maskconver_tf/cli/main.py:2 -> maskconver_tf/files/__init__.py:1 -> "
        "maskconver_tf/files/b.py:2"
    )
    assert chain in offender


def test_tensorflow_imported_later_is_no_offence(plant):
    later = "def f():\n    import tensorflow\n\nif TYPE_CHECKING:\n    import tensorflow\n"
    assert rules.light_modules_need_no_tensorflow(plant({"cli/main.py": later})) == []


def test_a_long_function_is_named(plant):
    body = '    """\n' + "    words\n" * 70 + '    """\n' + "    x = 1\n" * rules.MAX_FUNCTION_LINES
    short = body.replace("    x = 1\n", "", 1)
    root = plant({"ops/a.py": f"def fits():\n{short}\n\nasync def long():\n{body}\n"})
    (offender,) = rules.functions_are_short(root)
    assert "long has 61 lines of code" in offender


def test_a_folder_that_no_wheel_would_hold_is_named(plant):
    root = plant({"__init__.py": "", "ops/__init__.py": "", "ops/a.py": "", "input/a.py": ""})
    assert rules.folders_are_packages(root) == ["maskconver_tf/input:1: no __init__.py"]


def test_the_face_of_the_package_is_for_the_command_alone(plant):
    face = "def load():\n    from maskconver_tf.inference import a\n"
    user = "from maskconver_tf import load\n"
    root = plant({"__init__.py": face, "inference/a.py": "", "cli/main.py": user, "ops/a.py": user})
    (offender,) = rules.imports_point_one_way(root)
    assert offender.startswith("maskconver_tf/ops/a.py:1: 'ops' may not import '__init__'")
