"""Finds .gin files of the user and of the package."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.files.paths import RemotePath, local_or_remote_path

_PACKAGE = Path(__file__).resolve().parents[1]


def resolve_gin_file(name: str | Path, beside: Path | None = None) -> Path | RemotePath:
    """Finds a .gin file.

    It looks in the folder `beside`, then in the current folder, then among the files of the
    package. It returns a path in a bucket unchanged.

    Raises:
      UserError: no such file exists.
    """
    if isinstance(remote := local_or_remote_path(name), RemotePath):
        return remote
    folders = [beside] if beside else []
    folders += [Path(), _PACKAGE, _PACKAGE.parent]  # installed; in a checkout
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"no Gin file '{name}' in {Path.cwd()} or among the experiments of this package"
        f"{suggest_name(str(name), shipped_gin_files()) or '; check the path'}"
    )


def shipped_gin_files(folder: str = "experiments/**") -> list[str]:
    """Lists the .gin files that come with the package, as names for `resolve_gin_file`."""
    return sorted(
        path.relative_to(root).as_posix()
        for root in (_PACKAGE, _PACKAGE.parent)
        for path in root.glob(f"{folder}/*.gin")
    )
