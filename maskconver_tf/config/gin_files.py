"""Finds .gin files: the user's, and those that come with the package."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.config.messages import nearest
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath, local_or_remote_path

_PACKAGE = Path(__file__).resolve().parents[1]


def resolve_gin_file(name: str | Path, beside: Path | None = None) -> Path | RemotePath:
    """Finds a .gin file: in the folder `beside`, else here, else among the package's own.

    A path in a bucket is returned as it is.

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
        f"{nearest(str(name), shipped_gin_files()) or '; check the path'}"
    )


def shipped_gin_files(folder: str = "experiments/**") -> list[str]:
    """Names of the .gin files that come with the package, as `resolve_gin_file` takes them."""
    return sorted(
        path.relative_to(root).as_posix()
        for root in (_PACKAGE, _PACKAGE.parent)
        for path in root.glob(f"{folder}/*.gin")
    )
