"""The sources of `maskconver data build` and `data check`, and the options of each source.

This module imports nothing heavy, so that --help answers at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.files.encoded_pictures.pixel_limit import HELP

DEFAULT_SOURCE = "coco_panoptic"

OPTIONS = {
    "images": ("DIR", "folder of pictures"),
    "panoptic": ("DIR", "folder of id maps or of two-channel files, PNG"),
    "annotations": ("FILE", "panoptic or instances JSON"),
    "root": ("DIR", "the dataset's own folder"),
    "split": ("NAME", "part of the dataset"),
    "truth": ("KIND", "panoptic, instance_ids or auto (default)"),
    "semantic": ("DIR", "folder of semantic masks, PNG"),
    "instances": ("DIR", "folder of instance masks, PNG"),
    "classes": ("FILE", 'class list, JSON: [{"id": 1, "name": "person", "isthing": 1}, ...]'),
    "void_ids": ("N,N", "labels that mean void, unless a class has that id (default: 0,255)"),
    "class_channel": ("C", "channel of the class, such as R (default) or RG: R + 256 G"),
    "instance_channel": ("C", "channel of the instance, such as G (default) or GB"),
    "stuff": ("DIR", "folder of stuff masks, PNG of category ids"),
    "stuff_classes": ("FILE", "class list of the stuff, in the format of --classes"),
    "background": ("NAME", "name of a stuff class for unlabelled pixels (default: they are void)"),
    "dataset": ("NAME", "TFDS name (default: coco/2017_panoptic)"),
    "data_dir": ("DIR", "folder of the prepared TFDS datasets (default: TFDS's own)"),
    "max_pixels": ("N", HELP),
    "channels": ("N,N,N", "channels of the files, from 0, that become red, green and blue"),
    "percentiles": ("A,B", "percentiles that become 0 and 255 (default with --channels: 0.1,99.9)"),
    "stretch": ("KIND", "picture: percentiles of each by itself (default); dataset: one range"),
    "mapping_of": ("DATASET", "dataset folder whose mapping of channels to take"),
}
"""Option name -> (metavar, help text)."""

MAPPING_OPTIONS = ("channels", "percentiles", "stretch", "mapping_of")
"""Options that map stored channels to 8-bit RGB."""

ALL_SOURCES_OPTIONS = ("max_pixels", *MAPPING_OPTIONS)
"""Options that every source takes."""

PATH_OPTIONS = {name for name, (metavar, _) in OPTIONS.items() if metavar in ("DIR", "FILE")}
"""Options that name a file or a folder."""


@dataclasses.dataclass(frozen=True)
class SourceSpec:
    """A source as --help describes it.

    Attributes:
      summary: what the source reads.
      rules: how it turns the labels into segments.
      required: options of `OPTIONS` that the user must give.
      optional: options of `OPTIONS` that the user may give.
    """

    summary: str
    rules: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


SOURCES = {
    "coco_panoptic": SourceSpec(
        "pictures, RGB id maps and a JSON file, in COCO panoptic layout",
        "stuff segments of one class in a picture are merged into one",
        ("images", "panoptic", "annotations"),
    ),
    "tfds": SourceSpec(
        "a prepared TensorFlow dataset with the features of coco/2017_panoptic",
        "like coco_panoptic; give --classes if the class names are not COCO's",
        ("split",),
        ("dataset", "data_dir", "classes"),
    ),
    "cityscapes": SourceSpec(
        "ROOT/leftImg8bit and ROOT/gtFine, --split train or val",
        "groups of things are crowds; labels that the evaluation ignores are void",
        ("root", "split"),
        ("truth",),
    ),
    "ade20k": SourceSpec(
        "ADEChallengeData2016 with annotations_instance, --split training or validation",
        "instances cover stuff; thing pixels without an instance are void",
        ("root", "split"),
    ),
    "png_folders": SourceSpec(
        "three folders with the same file names, and a class list",
        "each instance of a thing class is a segment; instance 0 of a thing class is a crowd",
        ("images", "semantic", "instances", "classes"),
        ("void_ids",),
    ),
    "coco_instances": SourceSpec(
        "pictures and instances_*.json (polygons, RLE), with or without PNG files of stuff",
        "small things cover large ones, crowds and stuff; hidden segments are counted",
        ("images", "annotations"),
        ("stuff", "stuff_classes", "background"),
    ),
    "two_channel": SourceSpec(
        "pictures, and PNG files with the class in one channel and the instance in another",
        "the same rules as png_folders",
        ("images", "panoptic", "classes"),
        ("class_channel", "instance_channel", "void_ids"),
    ),
}


def describe_sources() -> str:
    """Returns the text of --help about the sources and their options."""
    lines = ["sources (--source NAME) and their options:"]
    for name, spec in SOURCES.items():
        needed = [f"--{option} {OPTIONS[option][0]}" for option in spec.required]
        more = [f"[--{option} {OPTIONS[option][0]}]" for option in spec.optional]
        lines += [f"  {name}: {spec.summary};", f"      {spec.rules}"]
        lines += _wrapped(needed + more, "      ")
    return "\n".join(lines)


def checked_options(source: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that were given, after checking that they fit the source.

    Args:
      given: option -> value; None for an option that was not given.

    Raises:
      UserError: there is no such source, an option is missing or belongs to another source.
    """
    if source not in SOURCES:
        raise UserError(
            f"--source {source}: there is no such source; expected one of "
            f"{', '.join(SOURCES)}{suggest_name(source, SOURCES)}"
        )
    spec = SOURCES[source]
    options = {name: value for name, value in given.items() if value is not None}
    usage = " ".join(f"--{name} {OPTIONS[name][0]}" for name in spec.required)
    for name in options:
        if name not in spec.required + spec.optional + ALL_SOURCES_OPTIONS:
            others = [key for key, s in SOURCES.items() if name in s.required + s.optional]
            raise UserError(
                f"--{name}: this option belongs to {', '.join(others)}; the source {source} "
                f"needs {usage}. Remove --{name}, or name another --source"
            )
    missing = [f"--{name}" for name in spec.required if name not in options]
    if missing:
        names = ", ".join(missing)
        raise UserError(f"{names}: missing; the source {source} needs {usage}. Add {names}")
    return options


def _wrapped(words: list[str], indent: str, width: int = 92) -> list[str]:
    """Breaks the text into lines of at most `width`; an option and its value stay together."""
    lines = [indent]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append(indent)
        lines[-1] += ("" if lines[-1] == indent else " ") + word
    return lines
