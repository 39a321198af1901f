"""The work of `maskconver tune`: proposals, search, held-out test and report."""

from __future__ import annotations

import dataclasses
import functools
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import write_json
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.halves import Gain, paired_gain
from maskconver_tf.training.tuning.kept_picture import KeptPicture
from maskconver_tf.training.tuning.proposal_store import GIGABYTE, StoreOptions, open_store
from maskconver_tf.training.tuning.search import GRID, SWITCHES, Search, grid_from
from maskconver_tf.training.tuning.surface import measure_surface, surface_size, write_surface
from maskconver_tf.training.tuning.sweep import Sweep
from maskconver_tf.training.tuning.swept_picture import SweptPicture

LEAST_PICTURES = 4


@dataclasses.dataclass(frozen=True)
class TuneOptions:
    """Choices for a search.

    Attributes:
      proposals: folder of the kept proposals; None for `proposals` in the folder of the results.
      store: see `StoreOptions`.
      per_class: whether classes may get their own score threshold.
      switches: whether to try `mask_quality` and `runner_up`.
      keep: "if_real" keeps the thresholds in the run if the held-out half shows a real gain,
        "always" in any case, "never" only reports them.
    """

    proposals: str | None = None
    store: StoreOptions = dataclasses.field(default_factory=StoreOptions)
    per_class: bool = True
    switches: bool = True
    keep: str = "if_real"

    def keeps(self, tuned: Tuned) -> bool:
        """Whether to write the choice into the run."""
        return self.keep == "always" or (self.keep == "if_real" and tuned.held_out.is_real)


@dataclasses.dataclass(frozen=True)
class Tuned:
    """The result of a search.

    Attributes:
      fusion: the chosen settings.
      chosen_on: PQ before and after on the half that they were chosen on; its interval says
        nothing, because they were chosen there.
      held_out: PQ before and after on the other half.
      num_pictures: of each half.
    """

    fusion: PanopticFusion
    chosen_on: Gain
    held_out: Gain
    num_pictures: tuple[int, int]


def tune(
    segmenter: PanopticSegmenter,
    data: Any,
    out: Path,
    source: dict[str, Any],
    options: TuneOptions,
) -> Tuned:
    """Chooses the settings of the fusion on a dataset, and writes and prints what it found.

    Args:
      segmenter: of the run, with the settings to start from.
      data: an `EvaluationInput`.
      out: folder for `tune.json`, `tune.csv` and `tune.png`.
      source: what the proposals depend on.
      options: see `TuneOptions`.

    Raises:
      UserError: the run has another fusion, or the dataset has too few pictures.
    """
    start = segmenter.fusion
    if not isinstance(start, PanopticFusion):
        raise UserError(
            f"tune: this run has a {type(start).__name__}; expected a PanopticFusion, whose "
            "thresholds it can sweep. Compare settings with `maskconver evaluate` instead"
        )
    make_out_folder(out)
    floor = min(options.store.floor, _least_score(start))
    kept = Path(options.proposals) if options.proposals else out / "proposals"
    store = open_store(
        kept, segmenter, data, source, dataclasses.replace(options.store, floor=floor)
    )
    print(_proposals_line(store.manifest, kept))
    sweep, began = _open_sweep(store, segmenter), time.perf_counter()
    grid = grid_from(start, floor)
    tuned = _search(sweep, start, grid, options)
    sweep.expect("surface", surface_size(grid))
    files = write_surface(measure_surface(sweep, tuned.fusion, grid), out)
    sweep.close()
    write_json(out / "tune.json", _to_json(start, tuned, store.manifest))
    print(f"{sweep.num_settings} settings in {time.perf_counter() - began:.0f} s")
    print(format_tuned(start, tuned, segmenter.categories.names))
    print(f"{out}: tune.json, {', '.join(file.name for file in files)}")
    return tuned


def _search(
    sweep: Sweep, start: PanopticFusion, grid: dict[str, Any], options: TuneOptions
) -> Tuned:
    switches = SWITCHES if options.switches else ()
    search = Search(sweep, grid, switches, options.per_class, surface_size(grid))
    best = search.best(start)
    gains = [paired_gain(*(sweep.of_pictures(f, half) for f in (start, best))) for half in (0, 1)]
    return Tuned(best, *gains, tuple(int((sweep.half == half).sum()) for half in (0, 1)))


def _open_sweep(store: Any, segmenter: PanopticSegmenter) -> Sweep:
    is_thing, stride = segmenter.categories.is_thing, 2**segmenter.model.mask_level
    pictures = [
        SweptPicture(functools.partial(KeptPicture.load, file), is_thing, stride)
        for file in store.files()
    ]
    if len(pictures) < LEAST_PICTURES:
        is_cut = len(pictures) < store.manifest["num_examples"]
        way_out = (
            "more space with --max_gigabytes" if is_cut else "a larger dataset with --data DIR"
        )
        raise UserError(
            f"tune: found {len(pictures)} of at least {LEAST_PICTURES} pictures: it needs half of "
            f"them to choose on and half to test. Give {way_out}"
        )
    return Sweep(pictures, is_thing, tqdm(desc="sweep", unit="setting"))


def _least_score(fusion: PanopticFusion) -> float:
    own = (fusion.score_threshold, fusion.stuff_score_threshold, *fusion.class_score_thresholds)
    return min(value for value in own if value is not None)


# ---- The report ----------------------------------------------------------------------------------
def format_tuned(start: PanopticFusion, tuned: Tuned, names: tuple[str, ...]) -> str:
    """Formats what changes, and what it brings on the held-out half."""
    rows = [("setting", "before", "after")]
    for name in (*GRID, *SWITCHES):
        before, after = getattr(start, name), getattr(tuned.fusion, name)
        rows.append((name, _shown(before), _shown(after)))
    for name, before, after in zip(names, _classes(start, names), _classes(tuned.fusion, names)):
        if before != after:
            rows.append((f"  score of {name}", _shown(before), _shown(after)))
    for label, gain, count in (
        ("PQ, chosen on", tuned.chosen_on, tuned.num_pictures[0]),
        ("PQ, held out", tuned.held_out, tuned.num_pictures[1]),
    ):
        rows.append((f"{label} ({count} pictures)", f"{gain.before:.2f}", f"{gain.after:.2f}"))
    width = max(len(row[0]) for row in rows)
    lines = [f"{name:{width}}  {before:>8}  {after:>8}" for name, before, after in rows]
    return "\n".join([*lines, verdict(tuned.held_out)])


def verdict(gain: Gain) -> str:
    """Says whether the gain on the held-out half is real."""
    text = (
        f"The held-out half gains {gain.after - gain.before:+.2f} PQ, 95 % interval "
        f"{gain.low:+.2f} to {gain.high:+.2f}: "
    )
    return text + ("the gain is real" if gain.is_real else "that may be chance")


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if type(value) is float else str(value)


def _classes(fusion: PanopticFusion, names: tuple[str, ...]) -> tuple[float | None, ...]:
    return fusion.class_score_thresholds or (None,) * len(names)


def _proposals_line(manifest: dict[str, Any], folder: Path) -> str:
    some = f"{manifest['num_pictures']} of {manifest['num_examples']} pictures"
    size = f"{manifest['num_bytes'] / GIGABYTE:.2f} GB"
    exact = ""
    if manifest["dtype"] == "float16":
        exact = "; float16 moves a score by some hundredths, --precision float32 keeps it exact"
    return f"{folder}: proposals of {some}, {manifest['dtype']}, {size}{exact}"


def _to_json(start: PanopticFusion, tuned: Tuned, manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "before": dataclasses.asdict(start),
        "after": dataclasses.asdict(tuned.fusion),
        "chosen_on": tuned.chosen_on._asdict() | {"num_pictures": tuned.num_pictures[0]},
        "held_out": tuned.held_out._asdict() | {"num_pictures": tuned.num_pictures[1]},
        "gain_is_real": tuned.held_out.is_real,
        "proposals": manifest,
    }
