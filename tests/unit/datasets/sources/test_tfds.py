"""A TFDS dataset with the features of coco/2017_panoptic, which the test prepares itself."""

import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from maskconver_tf.datasets.build.build import build_named_source
from maskconver_tf.datasets.build.encode_picture import encode_picture
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError


class TinyPanoptic(tfds.core.GeneratorBasedBuilder):
    """Three pictures of `make_coco_folder`."""

    VERSION = tfds.core.Version("1.1.0")
    code_path, url_infos = None, {}  # What TFDS would look for beside a dataset's source.
    folder = None
    names = ("ciel", "pré", "ballon")

    def _info(self):
        objects = {
            "id": np.int64,
            "area": np.int64,
            "bbox": tfds.features.BBoxFeature(),
            "label": tfds.features.ClassLabel(names=self.names),
            "is_crowd": np.bool_,
        }
        features = {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "image/filename": tfds.features.Text(),
            "image/id": np.int64,
            "panoptic_image": tfds.features.Image(encoding_format="png"),
            "panoptic_image/filename": tfds.features.Text(),
            "panoptic_objects": tfds.features.Sequence(objects),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        content = json.loads(self.folder.annotations.read_text("utf-8"))
        labels = {entry["id"]: entry["name"] for entry in content["categories"]}
        for image, truth in zip(content["images"], content["annotations"]):
            yield (
                image["file_name"],
                {
                    "image": self.folder.images / image["file_name"],
                    "image/filename": image["file_name"],
                    "image/id": image["id"],
                    "panoptic_image": self.folder.panoptic / truth["file_name"],
                    "panoptic_image/filename": truth["file_name"],
                    "panoptic_objects": [
                        {
                            "id": info["id"],
                            "area": info["area"],
                            "bbox": tfds.features.BBox(0.0, 0.0, 1.0, 1.0),
                            "label": labels[info["category_id"]],
                            "is_crowd": bool(info["iscrowd"]),
                        }
                        for info in truth["segments_info"]
                    ],
                },
            )


@pytest.fixture
def options(make_coco_folder, tmp_path):
    """Options of a prepared dataset whose classes are those of `make_coco_folder`."""
    TinyPanoptic.folder = make_coco_folder()
    builder = TinyPanoptic(data_dir=str(tmp_path / "tfds"))
    builder.download_and_prepare()
    content = json.loads(TinyPanoptic.folder.annotations.read_text("utf-8"))
    (tmp_path / "classes.json").write_text(json.dumps(content["categories"]))
    return {
        "dataset": "tiny_panoptic",
        "data_dir": str(tmp_path / "tfds"),
        "split": "train",
        "classes": str(tmp_path / "classes.json"),
    }


def test_a_build_from_tfds_equals_a_build_from_the_folder(options, tmp_path):
    folder = TinyPanoptic.folder
    paths = {name: getattr(folder, name) for name in ("images", "panoptic", "annotations")}
    by_name = {
        item.name: encode_picture(item)
        for item in open_named_source("coco_panoptic", paths).pictures
    }
    source = open_named_source("tfds", options)
    items = list(source.pictures)
    assert sorted(item.name for item in items) == ["0.jpg", "1.jpg", "2.jpg"]
    for item in items:
        accepted = encode_picture(item)
        assert accepted.features == by_name[item.name].features
    assert [item.name for item in source.pictures.between(1, 3)] == [
        item.name for item in items[1:]
    ]
    build_named_source("tfds", options, tmp_path / "out", workers=2, progress=False)
    built = DatasetFolder(tmp_path / "out")
    assert built.num_examples == 3
    assert built.categories.source_ids.tolist() == [7, 200, 18]


def test_wrong_options_are_named(options):
    without = {name: value for name, value in options.items() if name != "classes"}
    found = "COCO's 133 classes: class 0 .counted from 0. is person, but in .* it is ciel; expected"
    with pytest.raises(UserError, match=f"{found}.* Give --classes FILE"):
        open_named_source("tfds", without)
    with pytest.raises(
        UserError, match="--split test: tiny_panoptic has no such split; name one of train"
    ):
        open_named_source("tfds", options | {"split": "test"})
    with pytest.raises(UserError, match="--dataset no_such_thing: TFDS does not know this dataset"):
        open_named_source("tfds", options | {"dataset": "no_such_thing"})
    with pytest.raises(
        UserError,
        match="found no prepared coco/2017_panoptic; prepare it with `tfds build coco/2017",
    ):
        open_named_source("tfds", options | {"dataset": "coco/2017_panoptic"})
