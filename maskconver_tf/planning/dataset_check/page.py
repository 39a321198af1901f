"""Makes the report of a check as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import html
from enum import Enum
from typing import Any

import numpy as np

from maskconver_tf.datasets.findings import Finding, by_kind
from maskconver_tf.planning.dataset_check.report import Report, ReportPicture, advice_lines

_SHOWN_PER_KIND = 200
"""Number of findings of one kind on the page. The JSON has all of them."""

_MOST_UNFOLDED = 20
"""If the page has more findings than this, the reader unfolds each kind with a click."""

_STYLE = """
:root { --ink: #1d2129; --soft: #667; --line: #d9dde5; --back: #fff; --card: #f5f7fa;
  --accent: #2867b2; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #9aa3b2; --line: #3a414d;
  --back: #16191e; --card: #20252c; --accent: #6ea8ee; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 1180px; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem;
  border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); } code { font-size: .92em; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .8rem;
  margin: .8rem 0; }
.card { background: var(--card); border-radius: 8px; padding: .7rem .9rem; }
.card b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.card.bad b { color: var(--bad); }
details { background: var(--card); border-radius: 8px; padding: .5rem .9rem; margin: .5rem 0; }
summary { cursor: pointer; font-weight: 600; } summary span { color: var(--bad); }
details li { overflow-wrap: anywhere; } details ul { margin: .5rem 0; padding-left: 1.2rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
.chart { background: var(--card); border-radius: 8px; padding: .6rem .8rem; }
svg { width: 100%; height: auto; display: block; } svg rect { fill: var(--accent); }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif;
  } svg line { stroke: var(--line); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr));
  gap: .9rem; }
.pairs { display: grid; grid-template-columns: repeat(2, minmax(0, 420px)); gap: .9rem; }
figure { margin: 0; } figure img { width: 100%; max-height: 26rem; object-fit: contain;
  border-radius: 6px; display: block; }
figcaption { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .22rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { font-weight: 600; color: var(--soft); } .name { text-align: left; white-space: normal; }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: 3px;
  margin-right: .45em; }
.none td { color: var(--soft); } .wide { overflow-x: auto; }
"""


def make_page(report: Report) -> str:
    """Returns the HTML text, which contains the pictures and charts."""
    body = [_head(report), problems_section(report.problems, _pairs(report))]
    body += [_ceilings(report), _advice(report)]
    for name, part in report.parts.items():
        body.append(_part(name, part, report.drawings[name], report.colors[name]))
    return page_frame("Dataset check", body)


def page_frame(title: str, sections: list[str]) -> str:
    """Returns a whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _head(report: Report) -> str:
    counts = {f"pictures in {name}": part["num_pictures"] for name, part in report.parts.items()}
    wheres = [part["where"] for part in report.parts.values()]
    return head_section("Dataset check", wheres, counts, len(report.problems))


def head_section(title: str, wheres: list[str], counts: dict[str, int], num_problems: int) -> str:
    """Returns the head of a page: its title, the folders, and numbers by their label."""
    cards = [_card(label, f"{count:,}") for label, count in counts.items()]
    cards.append(_card("problems", f"{num_problems:,}", "bad" if num_problems else ""))
    names = ", ".join(f"<code>{_text(where)}</code>" for where in wheres)
    return (
        f"<h1>{_text(title)}</h1><p class=soft>{names}</p><div class=cards>{''.join(cards)}</div>"
    )


def _card(label: str, value: str, kind: str = "") -> str:
    return f'<div class="card {kind}"><b>{_text(value)}</b>{_text(label)}</div>'


# ---- Problems ------------------------------------------------------------------------------------


def problems_section(problems: list[tuple[str, Finding]], pairs: str = "") -> str:
    """Returns the list of problems by kind.

    Args:
      problems: each problem, as name of the part and finding.
      pairs: HTML that follows the list.
    """
    if not problems:
        return "<h2>Problems</h2><p>None found.</p>"
    parts = {id(finding): part for part, finding in problems}
    kinds = [
        _kind(kind, [(parts[id(f)], f) for f in findings], len(problems) <= _MOST_UNFOLDED)
        for kind, findings in by_kind(finding for _, finding in problems)
    ]
    return f"<h2>Problems</h2>{''.join(kinds)}{pairs}"


def _pairs(report: Report) -> str:
    """Returns the pictures that occur twice, each pair side by side."""
    if not report.pairs:
        return ""
    figures = "".join(_figure(drawing) for pair in report.pairs for drawing in pair)
    return f"<h3>Duplicate pictures</h3><div class=pairs>{figures}</div>"


def _kind(kind: Enum, entries: list[tuple[str, Finding]], is_open: bool) -> str:
    rows = [
        f"<li>{_text(part)}: <code>{_text(finding.file)}</code>: {_text(finding.found)}</li>"
        for part, finding in entries[:_SHOWN_PER_KIND]
    ]
    if len(entries) > _SHOWN_PER_KIND:
        rows.append(f"<li>... and {len(entries) - _SHOWN_PER_KIND} more, all in check.json</li>")
    return (
        f"<details{' open' if is_open else ''}><summary>{_text(kind.title)} "
        f"<span>({len(entries)})</span></summary>"
        f"<p class=soft>Expected: {_text(kind.expected)}.<br>Way out: {_text(kind.way_out)}.</p>"
        f"<ul>{''.join(rows)}</ul></details>"
    )


# ---- Ceilings ------------------------------------------------------------------------------------


def _ceilings(report: Report) -> str:
    rows = [
        "<tr><td class=name>{}</td><td>{} x {}</td><td>{:.3g}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>".format(
            _text(name),
            *ceiling["input_size"],
            ceiling["relative_time"],
            *(_score(ceiling[key]) for key in ("pq", "pq_things", "pq_stuff")),
            *(_score(ceiling[f"pq_{key}"]) for key in ("aligned", "shifted", "label_stride_1")),
            ceiling["num_dropped_segments"],
            ceiling["num_pictures"],
        )
        for name, part in report.parts.items()
        for ceiling in part["ceilings"]
    ]
    if not rows:
        return ""
    grid = report.grid
    return (
        "<h2>PQ ceiling</h2><p class=soft>The score of a perfect model. The truth is reduced to "
        f"{grid['num_slots']} slots, labels at stride {grid['label_stride']} and masks at stride "
        f"{grid['mask_stride']}, fused with default thresholds and scored against itself. PQ is "
        "the mean of two grids: as it lies, and half a cell beside it. Time is that of a picture, "
        "as a multiple of the first size, because work grows with the pixels of the input. "
        "<code>maskconver preflight --measure</code> tells seconds.</p>"
        "<table><tr><th class=name>part</th><th>input</th><th>time</th><th>PQ</th><th>things</th>"
        "<th>stuff</th>"
        "<th>as it lies</th><th>beside it</th><th>labels at stride 1</th>"
        f"<th>segments without slot</th><th>pictures</th></tr>{''.join(rows)}</table>"
    )


def _advice(report: Report) -> str:
    """Baselines and warnings, as the terminal shows them."""
    lines = [
        f"<li>{_text(name)}: {_text(line.strip(' !'))}</li>"
        for name, part in report.parts.items()
        for line in advice_lines(part)
    ]
    return f"<h2>Baselines and warnings</h2><ul>{''.join(lines)}</ul>" if lines else ""


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


# ---- A part --------------------------------------------------------------------------------------


def _part(
    name: str, part: dict[str, Any], drawings: list[ReportPicture], colors: np.ndarray
) -> str:
    seen = sum(entry["num_segments"] > 0 for entry in part["classes"])
    cards = [
        (f"of {part['num_listed']:,} pictures can be used", f"{part['num_pictures']:,}"),
        ("segments", f"{part['num_segments']:,}"),
        ("crowds", f"{part['num_crowds']:,}"),
        (f"of {len(part['classes'])} classes seen", f"{seen}"),
        ("of pixels void", f"{part['void_share']:.1%}"),
    ]
    if part["sizes"]:
        for side in ("height", "width"):
            low, high = part["sizes"][side]
            cards.append((f"{side}, pixels", f"{low}" if low == high else f"{low} to {high}"))
    charts = "".join(_chart(title, bars) for title, bars in part["histograms"].items())
    return (
        f"<h2>{_text(name)}</h2><div class=cards>{''.join(_card(*card) for card in cards)}</div>"
        f"{_notes(part)}<div class=charts>{charts}</div>"
        f"<h3>Pictures and their truth</h3><div class=pictures>"
        f"{''.join(_figure(drawing) for drawing in drawings)}</div>"
        f"<h3>Classes</h3>{_class_table(part, colors)}"
    )


def _notes(part: dict[str, Any]) -> str:
    notes = [f"{text}: {count:,}" for text, count in part["converted"].items()]
    for key, text in (
        ("num_merged_stuff_segments", "stuff segments are merged into another one of their class"),
        ("num_hidden_segments", "segments are hidden: other segments cover them"),
    ):
        if part[key]:
            notes.append(f"{part[key]:,} {text}")
    return "".join(f"<p class=soft>{_text(note)}</p>" for note in notes)


def _chart(title: str, bars: dict[str, list]) -> str:
    """Returns a bar chart as SVG, with a label below each bar."""
    width, height, left, bottom, top = 360, 150, 4, 18, 14
    most = max([1, *bars["counts"]])
    step = (width - left) / max(1, len(bars["counts"]))
    parts = []
    for i, (label, count) in enumerate(zip(bars["labels"], bars["counts"], strict=True)):
        x, tall = left + i * step, (height - bottom - top) * count / most
        y = height - bottom - tall
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{tall:.1f}">'
            f"<title>{_text(label)}: {count:,}</title></rect>"
        )
        if count:
            parts.append(_svg_text(x + step / 2, y - 3, f"{count:,}"))
        parts.append(_svg_text(x + step / 2, height - 4, label))
    parts.append(f'<line x1="0" x2="{width}" y1="{height - bottom}" y2="{height - bottom}"/>')
    return (
        f"<div class=chart><b>{_text(title)}</b>"
        f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg></div>'
    )


def _svg_text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(text)}</text>'


def _figure(drawing: ReportPicture) -> str:
    names = ", ".join(drawing.classes)
    data = base64.b64encode(drawing.jpeg).decode()
    return (
        f'<figure><img alt="" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{_text(drawing.name)}: {_text(names) or 'void'}</figcaption></figure>"
    )


def _class_table(part: dict[str, Any], colors: np.ndarray) -> str:
    num_pixels = max(1, sum(entry["num_pixels"] for entry in part["classes"]))
    order = sorted(enumerate(part["classes"]), key=lambda entry: -entry[1]["num_pixels"])
    rows = [
        f"<tr{'' if entry['num_segments'] else ' class=none'}><td class=name>"
        f'<span class=swatch style="background:rgb({",".join(map(str, colors[class_id]))})"></span>'
        f"{_text(entry['name'])}</td><td>{entry['id']}</td>"
        f"<td>{'thing' if entry['isthing'] else 'stuff'}</td><td>{entry['num_pictures']:,}</td>"
        f"<td>{entry['num_segments']:,}</td><td>{entry['num_crowds']:,}</td>"
        f"<td>{entry['num_pixels'] / num_pixels:.2%}</td><td>{entry['mean_area']:,.0f}</td></tr>"
        for class_id, entry in order
    ]
    return (
        "<div class=wide><table><tr><th class=name>class</th><th>id</th><th>kind</th>"
        "<th>pictures</th><th>segments</th><th>crowds</th><th>of labelled pixels</th>"
        f"<th>mean area, pixels</th></tr>{''.join(rows)}</table></div>"
    )


def _text(value: Any) -> str:
    return html.escape(str(value))
