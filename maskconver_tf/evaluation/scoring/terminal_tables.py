"""Formats the results of `maskconver score` for the terminal."""

from __future__ import annotations

from typing import Any

from maskconver_tf.evaluation.results import format_rows, format_table
from maskconver_tf.evaluation.scoring.counting.detections import AP_NAMES
from maskconver_tf.evaluation.scoring.score_results import GROUPS, SIZES

Results = dict[str, Any]


def format_scoring(results: Results) -> str:
    """Formats the content of results.json as tables: groups and classes, sizes, losses, others."""
    tables = [format_table(results), _intervals(results), _by_size(results), _lost(results)]
    if "boundary" in results:
        tables.append(_boundary(results["boundary"]))
    tables.append(_others(results))
    if "difference" in results:
        tables.append(_difference(results["difference"]))
    return "\n\n".join([*tables, *_notes(results)])


def _intervals(results: Results) -> str:
    rows = [
        [
            group.capitalize(),
            *(_span(results[group]["interval"][name]) for name in ("pq", "sq", "rq")),
        ]
        for group in GROUPS
    ]
    return format_rows(["95 % interval", "PQ", "SQ", "RQ"], rows)


def _by_size(results: Results) -> str:
    rows = [
        [size, *(_number(results["by_size"][size][group]["pq"]) for group in GROUPS)]
        for size in SIZES
    ]
    return format_rows(["PQ by size", *(group.capitalize() for group in GROUPS)], rows)


def _lost(results: Results) -> str:
    """The kinds from the costliest to the cheapest; the last row is 100 - PQ."""
    lost, fixes = results["lost"], results["fixes"]
    if lost["all"] is None:
        return "Nothing is lost: no class occurs in truth or prediction"
    kinds = sorted(fixes, key=lambda kind: -lost["all"][kind])
    rows = [
        [
            kind.replace("_", " "),
            *(_number(lost[group] and lost[group][kind]) for group in GROUPS),
            _span(lost["interval"]["all"][kind]),
            str(lost["segments"]["all"][kind]),
            _signed(fixes[kind]["all"]["gain"]),
        ]
        for kind in kinds
    ]
    total = [_number(lost[group] and lost[group]["total"]) for group in GROUPS]
    total.append(_span(lost["interval"]["all"]["total"]))
    groups = [group.capitalize() for group in GROUPS]
    header = ["PQ lost to", *groups, "All, 95 %", "segments", "its fix brings"]
    return format_rows(header, [*rows, ["100 - PQ", *total, "", ""]])


def _boundary(boundary: Results) -> str:
    rows = [
        [
            group.capitalize(),
            *(_number(boundary[group][name]) for name in ("pq", "sq", "rq")),
            _span(boundary[group]["interval"]["pq"]),
        ]
        for group in GROUPS
    ]
    return format_rows(["boundary", "PQ", "SQ", "RQ", "95 % of PQ"], rows)


def _others(results: Results) -> str:
    semantic, names = results["semantic"], {"mean_iou": "mIoU", "pixel_accuracy": "pixel accuracy"}
    rows = [
        [shown, _number(semantic[name]), _span(semantic["interval"][name])]
        for name, shown in names.items()
    ]
    rows.append(["LRP error", _number(results["all"]["lrp"]), ""])
    if results["instance_ap"] is not None:
        ap = results["instance_ap"]
        rows += [
            [
                name.replace("ap", "AP").replace("_", " "),
                _number(ap[name]),
                _span(ap["interval"].get(name)),
            ]
            for name in AP_NAMES
        ]
    if results["calibration"] is not None:
        error = results["calibration"]["all"]["ece"]
        rows.append(["calibration error", _number(error), ""])
    return format_rows(["score", "%", "95 %"], rows)


def _difference(found: Results) -> str:
    rows = [
        [name, _signed(entry["difference"]), _span(entry["interval"], signed=True)]
        for name, entry in found.items()
    ]
    return format_rows(["difference", "%", "95 %"], rows)


def _notes(results: Results) -> list[str]:
    notes = []
    if not any(entry["tp"] + entry["fn"] for entry in results["per_class"].values()):
        notes.append(
            "No picture of the truth has a segment that can be found, so these scores tell nothing "
            "about the predictions. Check --truth; for folders also --coding, --classes, --void_ids"
        )
    program = results["coco_program"]
    if program["pictures_with_other_areas"] and results["mode"] == "default":
        notes.append(_other_areas(program))
    if results["instance_ap"] is None:
        notes.append("No AP: a predicted thing has no score, or no class is a thing")
    if results["missing_predictions"]:
        notes.append(f"Missing predictions, counted as empty: {results['missing_predictions']}")
    if results["unused_predictions"]:
        notes.append(f"Predictions without truth, not used: {results['unused_predictions']}")
    return notes


def _other_areas(program: Results) -> str:
    first, change = program["first_segment_with_other_area"], program["difference"]["all"]
    gives = "no finite PQ"
    if change is not None:
        gives = f"PQ {_number(program['pq']['all'])} ({_signed(change, 3)})"
    count = program["pictures_with_other_areas"]
    pictures = f"{count} pictures have" if count > 1 else "1 picture has"
    return (
        f"COCO's program would give {gives}. It trusts the areas in the truth's file; {pictures} "
        f"other areas than the pixels, first segment {first['segment_id']} of image "
        f"{first['image_id']!r}. --strict scores as that program does"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _signed(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:+.{digits}f}"


def _span(bounds: list[float] | None, signed: bool = False) -> str:
    shown = _signed if signed else _number
    return "-" if bounds is None else " .. ".join(shown(bound) for bound in bounds)
