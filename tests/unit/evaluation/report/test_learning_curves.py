"""Curves are read from event files as TensorBoard reads them, without TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from maskconver_tf.evaluation.report.learning_curves import read_curves


def scalar(tag: str, value: float, packed: bool = False) -> summary_pb2.Summary.Value:
    """A scalar as TensorFlow 2 writes it."""
    tensor = tensor_pb2.TensorProto(dtype=1, tensor_shape=tensor_shape_pb2.TensorShapeProto())
    if packed:
        tensor.tensor_content = np.float32(value).tobytes()
    else:
        tensor.float_val.append(value)
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor)


def write(path, points, time: float = 0.0) -> None:
    """Writes (step, value) pairs into an event file; a value is a `Summary.Value`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for number, (step, value) in enumerate(points):
            event = event_pb2.Event(step=step, wall_time=time + number)
            event.summary.value.append(value)
            writer.write(event.SerializeToString())


def test_scalars_come_by_group_and_name(tmp_path):
    write(tmp_path / "events.out.tfevents.1", [(1, scalar("loss", 4.0)), (2, scalar("loss", 2.0))])
    write(tmp_path / "all/events.out.tfevents.2", [(2, scalar("pq", 50.5, packed=True))])
    assert read_curves(tmp_path) == {
        "all/pq": {"steps": [2], "values": [50.5]},
        "loss": {"steps": [1, 2], "values": [4.0, 2.0]},
    }


def test_a_resumed_run_keeps_the_later_value_of_a_step(tmp_path):
    write(tmp_path / "b.tfevents.1", [(1, scalar("loss", 9.0)), (2, scalar("loss", 8.0))], time=0)
    write(tmp_path / "a.tfevents.2", [(2, scalar("loss", 3.0))], time=100)
    assert read_curves(tmp_path)["loss"] == {"steps": [1, 2], "values": [9.0, 3.0]}


def test_a_file_that_breaks_off_gives_what_it_has(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    write(path, [(1, scalar("loss", 4.0)), (2, scalar("loss", 2.0))])
    path.write_bytes(path.read_bytes()[:-7])
    assert read_curves(tmp_path)["loss"] == {"steps": [1], "values": [4.0]}


def test_pictures_texts_and_infinite_numbers_are_left_out(tmp_path):
    picture = scalar("picture", 1.0)
    picture.tensor.tensor_shape.dim.add(size=1)
    text = scalar("text", 1.0)
    text.tensor.dtype = 7
    points = [(1, picture), (1, text), (1, scalar("loss", float("nan"))), (1, scalar("a", 1.0))]
    write(tmp_path / "events.out.tfevents.1", points)
    assert list(read_curves(tmp_path)) == ["a"]


def test_a_long_curve_is_thinned_and_keeps_its_last_point(tmp_path):
    points = [(step, scalar("loss", float(step))) for step in range(1, 1002)]
    write(tmp_path / "events.out.tfevents.1", points)
    curve = read_curves(tmp_path)["loss"]
    assert 300 < len(curve["steps"]) <= 400
    assert curve["steps"][-1] == 1001
    assert curve["values"] == [float(step) for step in curve["steps"]]
    assert np.all(np.diff(curve["steps"]) > 0)


@pytest.mark.parametrize("exists", [True, False])
def test_a_run_without_curves_has_none(tmp_path, exists):
    assert read_curves(tmp_path if exists else tmp_path / "absent") == {}
