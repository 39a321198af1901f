"""Each rule names a planted offender by file and line, and nothing else."""

from __future__ import annotations

import pytest

from tests.lint import source_rules as rules
from tests.lint.planting import plant


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
def test_an_upward_import_is_named_however_it_is_spelled(tmp_path, statement):
    root = plant(tmp_path, {"models/net.py": "", "ops/peaks.py": f"import math\n\n{statement}\n"})
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
        ("planning", "export", True),
        ("training", "planning", False),
        ("planning", "config", False),
        ("config", "planning", True),
        ("export", "training", False),
        ("models", "layers", True),
        ("layers", "models", False),
        ("types", "errors", False),
        ("ops", "errors", True),
        ("ops", "ops", True),
        ("cli", "export", True),
        ("cli", "config", True),
        ("config", "cli", False),
    ],
)
def test_the_order_of_the_rooms(tmp_path, room, target, allowed):
    imports = f"import maskconver_tf.{target}.a\n"
    root = plant(tmp_path, {f"{target}/a.py": "", f"{room}/b.py": imports})
    assert bool(rules.imports_point_one_way(root)) != allowed


def test_a_room_that_is_not_in_the_list_is_named(tmp_path):
    root = plant(tmp_path, {"utils/strings.py": "import math\n"})
    (offender,) = rules.imports_point_one_way(root)
    assert offender.startswith("maskconver_tf/utils/strings.py:1: room 'utils'")


# ---- Circles -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "statement",
    [
        "from maskconver_tf.ops import a",
        "from maskconver_tf.ops.a import find",
        "import maskconver_tf.ops.a",
        "from . import a",
        "def f():\n    from maskconver_tf.ops import a",
        "if TYPE_CHECKING:\n    from maskconver_tf.ops import a",
    ],
)
def test_a_circle_is_named_with_every_file_and_line(tmp_path, statement):
    root = plant(
        tmp_path,
        {
            "__init__.py": "",
            "ops/__init__.py": "",
            "ops/a.py": "import math\nfrom maskconver_tf.ops.b import find\n",
            "ops/b.py": "\n\nfrom maskconver_tf.ops import c, d\n",
            "ops/c.py": f"{statement}\n",
            "ops/d.py": "",
            "ops/user.py": "from maskconver_tf.ops import a, b, c\n",
        },
    )
    line = 1 + statement.count("\n")
    chain = f"maskconver_tf/ops/a.py:2 -> maskconver_tf/ops/b.py:3 -> maskconver_tf/ops/c.py:{line}"
    assert rules.no_files_import_in_circles(root) == [
        f"maskconver_tf/ops/a.py:2: import circle {chain} -> maskconver_tf/ops/a.py"
    ]


def test_a_file_that_imports_itself_is_a_circle(tmp_path):
    root = plant(tmp_path, {"ops/a.py": "def f():\n    from maskconver_tf.ops import a\n"})
    place = "maskconver_tf/ops/a.py:2"
    expected = f"{place}: import circle {place} -> maskconver_tf/ops/a.py"
    assert rules.no_files_import_in_circles(root) == [expected]


def test_each_circle_is_named(tmp_path):
    root = plant(
        tmp_path,
        {
            "ops/a.py": "from maskconver_tf.ops import b\nfrom maskconver_tf.ops import c\n",
            "ops/b.py": "from maskconver_tf.ops import a\n",
            "ops/c.py": "from maskconver_tf.ops import d\n",
            "ops/d.py": "from maskconver_tf.ops import c\n",
        },
    )
    first_words = [offender.split(": ")[0] for offender in rules.no_files_import_in_circles(root)]
    assert first_words == ["maskconver_tf/ops/a.py:1", "maskconver_tf/ops/c.py:1"]


def test_importing_a_module_of_the_same_room_is_no_circle_with_the_room(tmp_path):
    files = {"ops/__init__.py": "from maskconver_tf.ops import a\n", "ops/b.py": ""}
    files |= {"ops/a.py": "from maskconver_tf.ops import b\nfrom maskconver_tf.ops.b import x\n"}
    assert rules.no_files_import_in_circles(plant(tmp_path, files)) == []


# ---- Keras, Gin and TensorFlow -------------------------------------------------------------------
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
def test_keras_3_is_named(tmp_path, line):
    root = plant(tmp_path, {"layers/a.py": f"import tf_keras as keras\nx = keras.layers\n{line}\n"})
    assert rules.keras_is_tf_keras(root) == ["maskconver_tf/layers/a.py:3: use tf_keras"]


@pytest.mark.parametrize("line", ["import gin", "from gin import config", "import gin.config"])
def test_gin_elsewhere_is_named(tmp_path, line):
    root = plant(
        tmp_path, {"config/configuration.py": "import gin\n", "training/train.py": f"\n{line}\n"}
    )
    (offender,) = rules.only_config_imports_gin(root)
    assert offender.startswith("maskconver_tf/training/train.py:2:")


def test_skip_unknown_is_named(tmp_path):
    root = plant(
        tmp_path, {"config/configuration.py": "gin.parse_config(\n    text, skip_unknown=True)\n"}
    )
    (offender,) = rules.nothing_skips_unknown_gin(root)
    assert offender.startswith("maskconver_tf/config/configuration.py:2:")


def test_tensorflow_in_a_light_module_is_named(tmp_path):
    root = plant(tmp_path, {"cli/main.py": "import sys\nimport tensorflow as tf\n"})
    assert rules.light_modules_need_no_tensorflow(root) == [
        "maskconver_tf/cli/main.py:2: loads TensorFlow by way of "
        "maskconver_tf/cli/main.py:2 -> tensorflow"
    ]


def test_tensorflow_is_found_behind_other_modules_and_their_packages(tmp_path):
    root = plant(
        tmp_path,
        {
            "errors.py": "",
            "cli/main.py": "import maskconver_tf.errors\nimport maskconver_tf.files.a\n",
            "files/__init__.py": "import maskconver_tf.files.b\nimport maskconver_tf.files.a\n",
            "files/a.py": "",
            "files/b.py": "if True:\n    from tf_keras import layers\n",
        },
    )
    (offender,) = rules.light_modules_need_no_tensorflow(root)
    chain = (
        "maskconver_tf/cli/main.py:2 -> maskconver_tf/files/__init__.py:1 -> "
        "maskconver_tf/files/b.py:2"
    )
    assert chain in offender


def test_tensorflow_imported_inside_a_function_is_no_offence(tmp_path):
    later = "def f():\n    import tensorflow\n\nif TYPE_CHECKING:\n    import tensorflow\n"
    assert rules.light_modules_need_no_tensorflow(plant(tmp_path, {"cli/main.py": later})) == []


def test_only_the_command_may_import_the_package_itself(tmp_path):
    init = "def load():\n    from maskconver_tf.inference import a\n"
    user = "from maskconver_tf import load\n"
    root = plant(
        tmp_path, {"__init__.py": init, "inference/a.py": "", "cli/main.py": user, "ops/a.py": user}
    )
    (offender,) = rules.imports_point_one_way(root)
    assert offender.startswith("maskconver_tf/ops/a.py:1: 'ops' may not import '__init__'")
