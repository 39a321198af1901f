"""SavedModels in bfloat16, and with the network compiled by XLA, answer requests."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.files.id_map import rgb_to_ids
from tests.e2e.exports.threshold import THRESHOLD


@pytest.fixture
def export(trained, tmp_path):
    """`export(*options)`: exports the tiny run and loads its only version."""

    def run(*options: str):
        arguments = ["export", "--model", str(trained), "--out", str(tmp_path), "--skip_measure"]
        assert main([*arguments, "--score_threshold", str(THRESHOLD), *options]) == 0
        return tf.saved_model.load(str(tmp_path / "1"))

    yield run
    tf_keras.mixed_precision.set_global_policy("float32")  # As other tests in this process expect.


@pytest.fixture(scope="module")
def paths(scenes) -> list:
    return sorted((scenes / "images/train").iterdir())[:2]


def functions_compiled_by_xla(loaded) -> list[str]:
    library = loaded.signatures["serving_default"].graph.as_graph_def().library.function
    return [each.signature.name for each in library if each.attr["_XlaMustCompile"].b]


def test_xla_answers_batches_of_any_size_like_the_run(export, trained, paths):
    loaded = export("--xla")
    assert functions_compiled_by_xla(loaded)
    predictor = maskconver_tf.load(trained, score_threshold=THRESHOLD)
    expected = [predictor(path).panoptic_map for path in paths]
    contents = [path.read_bytes() for path in paths]
    serve = loaded.signatures["serving_default"]
    for batch in (contents, contents[:1], []):
        answer = serve(encoded_images=tf.constant(batch, tf.string))
        assert answer["status"].numpy().tolist() == [0] * len(batch)
        for png, wanted in zip(answer["panoptic_png_bytes"].numpy(), expected):
            found = rgb_to_ids(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
            assert np.mean(found == wanted) > 0.999


def test_bfloat16_answers_near_float32(export, paths):
    loaded = export("--bfloat16", "--model_only")
    content = loaded.signatures["serving_default"].graph.as_graph_def()
    nodes = [node for function in content.library.function for node in function.node_def]
    kinds = [node.attr["T"].type for node in [*nodes, *content.node] if node.op == "Conv2D"]
    assert kinds.count(tf.bfloat16.as_datatype_enum) > 0.9 * len(kinds) > 0
    image = np.asarray(Image.open(paths[0]).convert("RGB"))
    found = loaded.signatures["raw_heads"](images=tf.constant(image[np.newaxis]))
    assert all(value.dtype != tf.bfloat16 for value in found.values())
    plain = export("--model_only").signatures["raw_heads"](images=tf.constant(image[np.newaxis]))
    scores, expected = found["proposal_scores"][0].numpy(), plain["proposal_scores"][0].numpy()
    np.testing.assert_allclose(np.sort(scores), np.sort(expected), atol=0.03)
    best, wanted = (x["proposal_class_ids"][0].numpy() for x in (found, plain))
    assert best[scores.argmax()] == wanted[expected.argmax()]
