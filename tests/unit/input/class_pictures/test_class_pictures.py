"""Pictures with a class each, from folders and from TFDS, to batches."""

import collections

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.class_pictures.class_pictures import (
    explain_unreadable_pictures,
    open_class_pictures,
)
from maskconver_tf.input.classification_input import ClassificationEvaluation, ClassificationInput

COLORS = {"n1 ant": (200, 0, 0), "n2": (0, 200, 0), "n3": (0, 0, 200)}
SIZE = (32, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures of each color in train, one of them PNG under the name of a JPEG, and one in
    val; of unlike sizes; those of one class CMYK, as some of ImageNet's are."""
    root = tmp_path_factory.mktemp("pictures")
    for number, (name, color) in enumerate(COLORS.items()):
        for split, count in (("train", 2), ("val", 1)):
            path = root / split / name
            path.mkdir(parents=True)
            for i in range(count):
                pixels = np.broadcast_to(np.uint8(color), [40 + 8 * i, 50 + 10 * number, 3])
                image = Image.fromarray(pixels)
                image = image.convert("CMYK") if name == "n3" and not i else image
                image.save(path / f"{i}.JPEG", "PNG" if i else "JPEG")
    (root / "train" / "n2" / "notes.txt").write_text("no picture")
    return root


class TinyImages(tfds.core.GeneratorBasedBuilder):
    """The same pictures with the features of imagenet2012."""

    VERSION = tfds.core.Version("1.0.0")
    code_path, url_infos = None, {}  # What TFDS would look for beside a dataset's source.
    folder = None

    def _info(self):
        features = {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=list(COLORS)),
            "file_name": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples("train"),
            "validation": self._generate_examples("val"),
        }

    def _generate_examples(self, split):
        for path in sorted(self.folder.glob(f"{split}/*/*.JPEG")):
            name = f"{path.parent.name}/{path.name}"
            yield name, {"image": path, "label": path.parent.name, "file_name": name}


@pytest.fixture(scope="module")
def prepared(folder, tmp_path_factory):
    """`tfds:tiny_images`, where TFDS looks for it."""
    TinyImages.folder = folder
    where = str(tmp_path_factory.mktemp("tfds"))
    TinyImages(data_dir=where).download_and_prepare()
    with pytest.MonkeyPatch.context() as patch:
        builder = tfds.builder
        patch.setattr(tfds, "builder", lambda name: builder(name, data_dir=where))
        yield "tfds:tiny_images"


@pytest.fixture(params=["folder", "tfds"])
def data_dir(request, folder):
    return str(folder) if request.param == "folder" else request.getfixturevalue("prepared")


def test_both_kinds_give_the_same_classes_and_pictures(data_dir):
    train, val = open_class_pictures(data_dir, "train"), open_class_pictures(data_dir, "val")
    assert (train.num_examples, val.num_examples) == (6, 3)
    assert train.categories.names == tuple(COLORS)
    assert val.categories.to_coco() == train.categories.to_coco()
    parsed = [train.parse(one) for one in train.reader().examples()]
    seen = collections.Counter(int(one[types.CLASS_ID]) for one in parsed)
    assert seen == {0: 2, 1: 2, 2: 2}
    assert all(b"JPEG" in one[types.FILE_NAME].numpy() for one in parsed)


def test_the_first_pictures_of_a_folder_are_of_all_classes(folder):
    pictures = open_class_pictures(str(folder), "train")
    order = [int(pictures.parse(one)[types.CLASS_ID]) for one in pictures.reader().examples()]
    assert order == [0, 1, 2, 0, 1, 2]
    shared = [pictures.reader(1, host, 2).num_examples for host in (0, 1)]
    assert shared == [3, 3]


def batches(data_dir, count, first_step=0, **settings):
    settings = {"batch_size": 2, "shuffle_buffer": 4} | settings
    data = ClassificationInput(data_dir, SIZE, **settings)
    return list(data.batches(first_step).take(count).as_numpy_iterator())


def test_every_epoch_has_each_picture_once_with_its_own_class(data_dir):
    found = batches(data_dir, 6)
    assert found[0][types.IMAGE].shape == (2, *SIZE, 3)
    assert found[0][types.IMAGE].dtype == np.uint8
    for epoch in (found[:3], found[3:]):
        ids = np.concatenate([batch[types.CLASS_ID] for batch in epoch])
        assert sorted(ids) == [0, 0, 1, 1, 2, 2]
    for batch in found:
        expected = np.array(list(COLORS.values()))[batch[types.CLASS_ID]]
        np.testing.assert_allclose(batch[types.IMAGE].mean((1, 2)), expected, atol=3)


def test_a_run_resumes_as_if_it_had_never_stopped(data_dir):
    whole, rest = batches(data_dir, 5), batches(data_dir, 3, first_step=2)
    for a, b in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(a[types.CLASS_ID], b[types.CLASS_ID])
        np.testing.assert_array_equal(a[types.IMAGE], b[types.IMAGE])


def test_no_pipeline_searches_for_numbers_of_threads(folder):
    """The end of a search may take a minute."""
    training = ClassificationInput(str(folder), SIZE, batch_size=2).batches(0)
    evaluation = ClassificationEvaluation(str(folder), SIZE).examples()
    assert training.options().autotune.enabled is False
    assert evaluation.options().autotune.enabled is False


def test_a_step_s_pictures_are_named(folder):
    data = ClassificationInput(str(folder), SIZE, batch_size=2)
    [batch] = data.batches(1).take(1).as_numpy_iterator()
    named = [list(COLORS).index(one["file_name"].split("/")[-2]) for one in data.pictures_of(1)]
    assert named == batch[types.CLASS_ID].tolist()


def test_augmentation_crops_different_places_and_mirrors_half(tmp_path):
    """A picture that is dark at the left and bright at the right."""
    path = tmp_path / "train" / "one"
    path.mkdir(parents=True)
    ramp = np.broadcast_to(np.arange(0, 256, 2, np.uint8)[None, :, None], [64, 128, 3])
    Image.fromarray(ramp).save(path / "0.png")
    images = batches(str(tmp_path), 1, batch_size=32)[0][types.IMAGE].astype(int)
    rises = (images[:, :, -1] > images[:, :, 0]).all((1, 2))
    assert 8 < rises.sum() < 24
    assert images.mean((1, 2, 3)).std() > 5
    whole = {"area_range": (1.0, 1.0), "aspect_range": (2.0, 2.0), "flip": False}
    images = batches(str(tmp_path), 1, batch_size=4, **whole)[0][types.IMAGE]
    np.testing.assert_allclose(images[0, 0, :, 0], np.arange(64) * 4 + 1, atol=2)


def test_evaluation_sees_the_middle_once_in_order(data_dir):
    data = ClassificationEvaluation(data_dir, SIZE)
    found = list(data.examples().as_numpy_iterator())
    assert sorted(one[types.CLASS_ID] for one in found) == [0, 1, 2]
    shares = [len(list(data.examples(host, 2))) for host in (0, 1)]
    assert shares == [2, 1]


def test_the_middle_has_the_shape_of_the_input(tmp_path):
    path = tmp_path / "val" / "one"
    path.mkdir(parents=True)
    rows, columns = np.indices([64, 256])
    Image.fromarray(np.stack([rows * 4, columns, rows], -1).astype(np.uint8)).save(path / "0.png")
    data = ClassificationEvaluation(str(tmp_path), (32, 32), crop_share=0.5)
    [example] = data.examples().as_numpy_iterator()
    image = example[types.IMAGE].astype(int)
    # Rows 16..47 and columns 112..143, not scaled.
    np.testing.assert_array_equal(image[:, 0, 0], np.arange(16, 48) * 4)
    np.testing.assert_array_equal(image[0, :, 1], np.arange(112, 144))


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path):
    path = tmp_path / "train" / "one"
    path.mkdir(parents=True)
    Image.fromarray(np.zeros([40, 40, 3], np.uint8)).save(path / "0.jpg")
    (path / "1.jpg").write_bytes((path / "0.jpg").read_bytes()[:100])
    data = ClassificationInput(str(tmp_path), SIZE, batch_size=2)
    named = pytest.raises(UserError, match=r"1\.jpg: cannot be decoded; remove it")
    with named, explain_unreadable_pictures(data.folder):
        next(iter(data.batches()))


def test_missing_datasets_and_splits_are_named(tmp_path, prepared):
    with pytest.raises(UserError, match=r"nowhere: found nothing there; expected DIR/train/CLASS"):
        open_class_pictures(str(tmp_path / "nowhere"), "train")
    with pytest.raises(UserError, match="found no folder train there"):
        open_class_pictures(str(tmp_path), "train")
    (tmp_path / "train" / "empty").mkdir(parents=True)
    with pytest.raises(UserError, match="train: found no picture in its class folders"):
        open_class_pictures(str(tmp_path), "train")
    with pytest.raises(UserError, match="found no split 'test'; expected one of train, validation"):
        open_class_pictures(prepared, "test")
    with pytest.raises(UserError, match="tfds:no_such_thing: TFDS does not know this dataset"):
        open_class_pictures("tfds:no_such_thing", "train")
    with pytest.raises(UserError, match="found no prepared imagenet2012; .*by hand"):
        open_class_pictures("tfds:imagenet2012", "train")
    with pytest.raises(UserError, match="expected image and label, as in imagenet2012"):
        open_class_pictures("tfds:coco/2017_panoptic", "train")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"area_range": (0.5, 1.5)}, r"area_range = \(0.5, 1.5\).*at most 1"),
        ({"aspect_range": (2, 1)}, "aspect_range = .*lowest and the highest"),
        ({"max_examples": 4}, "ClassificationInput: shuffle_shards = True and max_examples = 4"),
    ],
)
def test_settings_out_of_range_are_refused(settings, expected):
    with pytest.raises(UserError, match=expected):
        ClassificationInput("anywhere", SIZE, **settings)
