"""From a folder to an experiment: what is written, what is said, and what is refused."""

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.choosing.plan import MeasuredTraining
from maskconver_tf.planning.first_configuration.new_experiment import NewRequest, new_experiment
from maskconver_tf.planning.first_configuration.parts.split import SplitRequest


@pytest.fixture
def request_of(tmp_path):
    def request_of(data, **changes) -> NewRequest:
        settings = {"out": str(tmp_path / "mine.gin"), "workers": 1, "progress": False}
        return NewRequest(str(data), **settings | changes)

    return request_of


def test_the_experiment_names_the_data_and_gin_takes_it(make_dataset, names, request_of, tmp_path):
    train, val = make_dataset(names), make_dataset(names[:2], "val")
    report = new_experiment(request_of(train))
    text = (tmp_path / "mine.gin").read_text(encoding="utf-8")
    assert f"TRAIN_DATA = {str(train)!r}" in text and f"EVAL_DATA = {str(val)!r}" in text
    configuration.load([tmp_path / "mine.gin"])
    assert "6 training pictures of 48 x 64 pixels" in report and "2 for evaluation" in report
    assert "assumed, not measured" in report and "unsure:" in report
    assert f"maskconver train --gin_file {tmp_path / 'mine.gin'} --model_dir runs/mine" in report


def test_a_split_is_made_beside_the_experiment(make_dataset, names, request_of, tmp_path):
    request = request_of(make_dataset(names), split=SplitRequest(0.3, "folder"), minutes=7.0)
    report = new_experiment(request)
    text = (tmp_path / "mine.gin").read_text(encoding="utf-8")
    assert f"TRAIN_DATA = {str(tmp_path / 'mine_data' / 'train')!r}" in text
    assert "4 pictures for training, 2 for validation" in report
    header = " ".join(line.strip("# ") for line in text.splitlines()[:6])
    assert "--minutes 7 --split 0.3 --group_by folder" in header


def test_measured_speed_memory_and_ceiling_are_told(make_dataset, names, request_of):
    asked = []

    def measure(text: str, part_size: int) -> MeasuredTraining:
        asked.append((text, part_size))
        return MeasuredTraining("CPU", 0.5, 800_000_000)

    def ceiling(plan, opened) -> dict[str, float]:
        assert len(opened.evaluation.pictures) == 6
        return {"all": 91.23, "things": 88.0}

    report = new_experiment(request_of(make_dataset(names)), measure, ceiling)
    assert "include 'experiments/model/" in asked[0][0] and asked[0][1] >= 1
    assert "measured here" in report and "memory: about 2.0 GB" in report
    assert "PQ ceiling: 91.2 (things 88.0)" in report


def test_an_experiment_is_not_replaced_silently(make_dataset, names, request_of, tmp_path):
    train = make_dataset(names)
    (tmp_path / "mine.gin").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="the file exists; choose another name, or .*--overwrite"):
        new_experiment(request_of(train))
    assert (tmp_path / "mine.gin").read_text(encoding="utf-8") == "mine"
    new_experiment(request_of(train, overwrite=True))
    assert "TRAIN_DATA" in (tmp_path / "mine.gin").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("mine.txt", "expected a name that ends in .gin"),
        ("no/folder/mine.gin", "does not exist; make it first"),
        ("folder.gin", "found a folder"),
    ],
)
def test_a_wrong_name_is_refused_before_the_data_is_read(out, message, request_of, tmp_path):
    (tmp_path / "folder.gin").mkdir()
    with pytest.raises(UserError, match=message):
        new_experiment(request_of("nowhere", out=str(tmp_path / out)))


def test_nothing_is_written_if_the_data_is_wrong(request_of, tmp_path):
    with pytest.raises(UserError, match="nowhere: found nothing"):
        new_experiment(request_of("nowhere"))
    assert list(tmp_path.iterdir()) == []
