"""Semantic and instance masks in two folders, with worked answers."""

import json
import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import build_named_source
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.dataset_folder import DatasetFolderSource
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from tests.unit.datasets.sources.label_pictures.labelled_picture import (
    CLASSES,
    IDS,
    INSTANCES,
    LABELS,
    SEGMENTS,
    as_rgb,
    only_finding,
    read_truth,
    save,
    save_picture,
)


@pytest.fixture
def png_folders(tmp_path):
    """One picture in a subfolder, with an RGB semantic mask and a 16-bit instance mask."""
    save_picture(tmp_path / "images/a/пёс 1.png")
    save(tmp_path / "semantic/a/пёс 1.png", as_rgb(LABELS))
    save(tmp_path / "instances/a/пёс 1.png", INSTANCES.astype(np.uint16))
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES, ensure_ascii=False), "utf-8")
    paths = {name: str(tmp_path / name) for name in ("images", "semantic", "instances")}
    return paths | {"classes": str(tmp_path / "classes.json")}


def test_png_folders(png_folders):
    source = open_named_source("png_folders", png_folders)
    assert read_truth(source) == (IDS, SEGMENTS)
    assert source.categories.source_ids.tolist() == [1_000_000, 0, 300, 7]
    [item] = source.pictures
    assert (item.name, item.image_id) == ("a/пёс 1.png", "a/пёс 1")
    assert source.findings == []


def test_masks_are_found_under_names_of_the_other_unicode_form(png_folders, tmp_path):
    for folder in ("semantic", "instances"):
        [file] = (tmp_path / folder / "a").iterdir()
        file.rename(file.with_name(unicodedata.normalize("NFD", file.name)))
    source = open_named_source("png_folders", png_folders)
    assert read_truth(source) == (IDS, SEGMENTS)
    assert source.findings == []


@pytest.mark.parametrize("mode", ["gray", "palette"])
def test_labels_are_gray_values_and_palette_indices(png_folders, tmp_path, mode):
    labels = np.where(LABELS == 1_000_000, 255, LABELS)  # All labels but 300 fit into a byte.
    labels = np.where(labels == 300, 7, labels).astype(np.uint8)
    picture = Image.fromarray(labels)
    if mode == "palette":
        picture.putpalette([99] * 768)
        assert picture.mode == "P"
    picture.save(tmp_path / "semantic/a/пёс 1.png")
    ids, segments = read_truth(open_named_source("png_folders", png_folders))
    assert ids[0] == [1, 1, 1, 1, 0, 0]
    assert {class_id for class_id, _ in segments} == {1, 3}


def test_unknown_labels_are_named(png_folders, tmp_path):
    path = tmp_path / "semantic/a/пёс 1.png"
    save(path, as_rgb(np.where(LABELS == 0, 12, LABELS)))
    finding = only_finding(open_named_source("png_folders", png_folders))
    assert (finding.problem, finding.file) == (Problem.UNKNOWN_LABEL, str(path))
    assert finding.found == "label 12"
    read_truth(open_named_source("png_folders", png_folders | {"void_ids": "255, 12"}))
    Image.new("CMYK", (6, 4)).save(path, "TIFF")
    assert only_finding(open_named_source("png_folders", png_folders)).problem is Problem.LABEL_MODE


def test_file_names_may_be_in_another_encoding_than_utf_8(png_folders, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    save_picture(tmp_path / f"images/{name}.png")
    for folder in ("semantic", "instances"):
        shutil.copy(tmp_path / folder / "a/пёс 1.png", tmp_path / folder / f"{name}.png")
    build_named_source("png_folders", png_folders, tmp_path / "out", workers=1, progress=False)
    _, item = DatasetFolderSource(tmp_path / "out")
    assert (item.name, item.image_id) == (r"caf\udce9.png", name)


def test_masks_of_different_sizes_are_refused(png_folders, tmp_path):
    save(tmp_path / "instances/a/пёс 1.png", np.zeros([4, 5], np.uint8))
    finding = only_finding(open_named_source("png_folders", png_folders))
    assert finding.problem is Problem.SIZE
    assert finding.found.startswith("5 x 4, and 6 x 4 in ")


def test_files_without_a_partner_are_named(png_folders, tmp_path):
    path = tmp_path / "semantic/a/пёс 1.png"
    path.rename(path.with_suffix(".PNG"))
    read_truth(open_named_source("png_folders", png_folders))
    save(tmp_path / "semantic/stray.png", as_rgb(LABELS))
    (tmp_path / "instances/a/пёс 1.png").unlink()
    # macOS makes such files; they are not pictures.
    save(tmp_path / "images/._stray.png", as_rgb(LABELS))
    source = open_named_source("png_folders", png_folders)
    [stray] = source.findings
    assert (stray.problem, stray.picture) == (Problem.NO_PICTURE, "stray.png")
    assert only_finding(source).problem is Problem.MAP_MISSING
    save_picture(tmp_path / "images/a/пёс 1.jpg")
    with pytest.raises(UserError, match=r"пёс 1.jpg and a/пёс 1.png; expected one file"):
        open_named_source("png_folders", png_folders)
    shutil.rmtree(tmp_path / "images/a")
    with pytest.raises(UserError, match="images: found no picture; expected files that end in"):
        open_named_source("png_folders", png_folders)
