import re

import pytest

from maskconver_tf.config.named_models import (
    ModelFile,
    count_models,
    find_models,
    named_models,
)
from maskconver_tf.errors import UserError


def test_each_model_file_except_the_base_is_listed_by_family_and_size():
    names = [model.name for model in named_models()]
    assert {"resnet50", "mobilenet_mh_640", "mobilenet_mh_256", "tiny"} < set(names)
    assert "maskconver" not in names
    assert [name for name in names if name.startswith("resnet")] == [
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
    ]


def test_every_model_file_describes_its_model_in_a_sentence():
    for model in named_models():
        assert 10 < len(model.description) < 300, model.name
        assert "#" not in model.description
    [resnet50] = find_models(["resnet50"])
    assert resnet50.description.startswith("The paper's large model: a ResNet50 backbone,")
    assert resnet50.gin_file == "experiments/model/resnet50.gin"


def test_models_come_in_the_order_of_the_names_and_all_without_names():
    assert [model.name for model in find_models(["tiny", "resnet18"])] == ["tiny", "resnet18"]
    assert find_models([]) == named_models()


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="no model 'resnet5'; did you mean 'resnet50'.*--names"):
        find_models(["resnet5"])
    with pytest.raises(UserError, match="no model 'transformer'; `maskconver models --names`"):
        find_models(["transformer"])


def test_a_path_of_the_users_own_gin_file_works_as_a_name(tmp_path):
    path = tmp_path / "mine.gin"
    path.write_text("# Mine, for\n# cats. More.\ninclude 'experiments/model/tiny.gin'\n")
    [model] = find_models([str(path)])
    assert (model.name, model.gin_file, model.description) == ("mine", str(path), "Mine, for cats")
    with pytest.raises(UserError, match="no Gin file 'yours.gin'"):
        find_models(["yours.gin"])


@pytest.mark.parametrize("size", ["(800, 1200)", "640"])
def test_an_illegal_input_size_is_refused_before_anything_is_built(size):
    words = re.escape(f"tiny.input_size = {size} (") + ".*multiples of 32"
    with pytest.raises(UserError, match=words):
        list(count_models(find_models(["tiny"]), 133, bindings=[f"INPUT_SIZE = {size}"]))


def test_a_file_that_binds_no_model_is_refused(tmp_path):
    path = tmp_path / "data.gin"
    path.write_text(
        "from __gin__ import dynamic_registration\n"
        "from maskconver_tf.input import pipeline\n\n"
        "pipeline.TrainingInput.data_dir = %TRAIN_DATA\n"
        "pipeline.EvaluationInput.data_dir = %EVAL_DATA\n"
    )
    with pytest.raises(UserError, match="data.gin: binds no model; include"):
        list(count_models([ModelFile("data", str(path))], 133))


def test_a_mistake_in_a_setting_is_one_clean_message():
    with pytest.raises(UserError) as caught:
        list(count_models(find_models(["tiny"]), 133, bindings=["resnet.depth = 42"]))
    message = str(caught.value)
    assert message.startswith("resnet.depth = 42 (a whole number): expected 10, 18, 26, 34, 50")
    assert "In call to" not in str(caught.value)
