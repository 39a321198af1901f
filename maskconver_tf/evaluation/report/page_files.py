"""Puts the page together: one HTML file with its style and scripts, and script files with data.

A page that is opened from a disk may load scripts, but may not fetch files. So the data are scripts
that call a function or set a variable.
"""

from __future__ import annotations

import html
import importlib.resources
import json
from pathlib import Path
from typing import Any

from maskconver_tf.files.json_file import utf8_safe

STYLES = (
    "colors.css",
    "page.css",
    "tables.css",
    "pictures.css",
    "viewer.css",
    "narrow.css",
)
SCRIPTS = (
    "dom.js",
    "tables.js",
    "links.js",
    "charts.js",
    "headline.js",
    "losses.js",
    "classes.js",
    "confusion.js",
    "calibration.js",
    "training.js",
    "filters.js",
    "pictures.js",
    "maps.js",
    "viewer.js",
    "stage.js",
    "main.js",
)
"""Parts of the page, in the order in which a browser reads them."""
PAGE, DATA = "index.html", "data"


def write_page(folder: Path, title: str) -> Path:
    """Writes index.html and returns its path."""
    text = _part("page.html")
    for name, parts in (("STYLE", STYLES), ("SCRIPT", SCRIPTS)):
        text = text.replace(f"/*{name}*/", "\n".join(_part(part) for part in parts))
    path = folder / PAGE
    path.write_text(utf8_safe(text.replace("TITLE", html.escape(title), 2)), encoding="utf-8")
    return path


def write_data(folder: Path, name: str, value: Any) -> None:
    """Writes data/NAME.js, which sets REPORT.NAME.

    Args:
      value: what JSON can hold. Numbers keep all digits.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    (folder / DATA).mkdir(exist_ok=True)
    script = f"var REPORT=window.REPORT||{{}};REPORT.{name}={text};\n"
    (folder / DATA / f"{name}.js").write_text(script, encoding="utf-8")


def is_report(folder: Path) -> bool:
    """Whether a folder is a report, so that a new one may replace it."""
    return (folder / PAGE).is_file() and (folder / DATA / "report.js").is_file()


def _part(name: str) -> str:
    files = importlib.resources.files("maskconver_tf.evaluation.report")
    return (files / "page" / name).read_text(encoding="utf-8")
