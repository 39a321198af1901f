"""Writes a report as two files: check.json and the page check.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import utf8_safe, write_json
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.planning.dataset_check.page import make_page
from maskconver_tf.planning.dataset_check.report import Report

_JSON_FILE, _PAGE_FILE = "check.json", "check.html"


def write_report(report: Report, folder: Path) -> Path:
    """Writes the JSON and the page to `folder`; returns the path of the page."""
    return write_files(report.to_json(), make_page(report), folder)


def write_files(content: dict[str, Any], page: str, folder: Path) -> Path:
    """Writes check.json and check.html to `folder`; returns the path of the page."""
    make_out_folder(folder)
    page_file = folder / _PAGE_FILE
    try:
        write_json(folder / _JSON_FILE, content)
        page_file.write_text(utf8_safe(page), encoding="utf-8")
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return page_file


def _cannot_write(folder: Path, error: OSError) -> UserError:
    return UserError(f"{folder}: cannot be written ({error.strerror}); choose another --out")
