"""An export that this TensorFlow cannot load is one message."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from maskconver_tf.errors import UserError
from maskconver_tf.inference.exported_model import load_export

ARCHIVE = Path(__file__).parents[2] / "e2e/fixtures/old_layout.tar.xz"


@pytest.fixture
def version(tmp_path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "old_layout/exported/1"


def _change_graph(version: Path, tensorflow: str) -> None:
    """Makes a graph with an operation that nobody knows, as if `tensorflow` had written it."""
    file = version / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    graph = content.meta_graphs[0]
    graph.meta_info_def.tensorflow_version = tensorflow
    for node in graph.graph_def.library.function[0].node_def:
        node.op = "OperationOfTheFuture"
    file.write_bytes(content.SerializeToString())


def test_an_export_of_another_tensorflow_names_both(version):
    _change_graph(version, "9.1.0")
    here = tf.__version__
    match = (
        rf"1: written by TensorFlow 9\.1\.0, and this TensorFlow {here} cannot load it \(.*\)\. "
    )
    with pytest.raises(UserError, match=match + r"Install TensorFlow 9\.1\.0, or export the run"):
        load_export(version)


def test_a_damaged_graph_of_this_tensorflow_says_so(version):
    _change_graph(version, tf.__version__)
    with pytest.raises(UserError, match=r"damaged \(.*\)\. Copy the whole folder again"):
        load_export(version)


def test_damaged_weights_of_another_tensorflow_are_named(version):
    content = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    content.meta_graphs[0].meta_info_def.tensorflow_version = "9.1.0"
    (version / "saved_model.pb").write_bytes(content.SerializeToString())
    [weights] = (version / "variables").glob("variables.data-*")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UserError, match=r"variables: damaged"):
        load_export(version)
