"""The files of this machine that a sandbox sees: the Python that runs Perdure, its packages, and
the parts of the system that they need; read-only, and nothing else.

Home folders, the project's folder and /etc stay outside. Where Python or its packages lie in such a
folder, they are bound by themselves, never with their neighbours.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from perdure.errors import ConfigurationError
from perdure.sandbox.inside import packages

_EXTRA = "code-interpreter"
# What must be there, by the names under which code imports it. The extra brings more, without
# which code runs too.
PACKAGES = (
    "ipykernel",
    "jupyter_client",
    "matplotlib",
    "numpy",
    "openpyxl",
    "pandas",
    "PIL",
    "scipy",
)
# the same by their own names, without what runs the code
NEEDED = ("numpy", "pandas", "scipy", "matplotlib", "openpyxl", "pillow")
# not all of /usr: some keep applications in /usr/src or /usr/local
_SYSTEM = tuple(
    Path(folder)
    for folder in (
        "/usr/bin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/sbin",
        "/usr/share",
        "/usr/local/bin",
        "/usr/local/lib",
        "/usr/local/lib64",
        "/usr/local/share",
        "/nix/store",
        "/gnu/store",
        "/etc/alternatives",
        "/etc/fonts",
    )
)
_FILES = (Path("/etc/ld.so.cache"), Path("/etc/localtime"))
# links into /usr on most systems
_ROOTS = (Path("/bin"), Path("/lib"), Path("/lib32"), Path("/lib64"), Path("/sbin"))
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108
    "IPYTHONDIR": "/run/ipython",
    "JUPYTER_CONFIG_DIR": "/run/jupyter",
    "LANG": "C.UTF-8",
    # each thread of the numeric libraries, and each arena, costs memory that is rarely used
    "MALLOC_ARENA_MAX": "2",
    "MPLCONFIGDIR": "/run/matplotlib",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "TMPDIR": "/tmp",  # noqa: S108
}


class Runtime(NamedTuple):
    """The Python to run, and its files. `binds`: each folder or file, and the path where it is
    seen; `links`: name and target; `hidden`: folders that are seen empty.
    """

    python: str
    binds: tuple[tuple[Path, str], ...]
    links: tuple[tuple[Path, str], ...]
    hidden: tuple[str, ...]
    environment: Mapping[str, str]


def find(*, private: Iterable[Path] = ()) -> Runtime:
    """Returns the runtime of this process.

    Raises `ConfigurationError` where packages are missing, and where one of the `private` folders
    or files lies within a folder that would be seen.
    """
    python = Path(os.path.realpath(sys.executable))
    base = Path(sys.base_prefix).resolve()
    folders = _package_folders()
    seen = [(folder, str(folder)) for folder in (*_system(), *_python_folders(base))]
    binds = list(_needed(seen))
    path = []
    for index, folder in enumerate(folders):
        if _within(folder, (source for source, _ in binds)):
            path.append(str(folder))
        else:
            path.append(f"/opt/packages-{index}")
            binds.append((folder, path[-1]))
    for unseen in private:
        # what is bound is what a link leads to
        _check_unseen(unseen.resolve(), (source.resolve() for source, _ in binds))
    links = tuple((root, str(root.readlink())) for root in _ROOTS if root.is_symlink())
    environment = {
        **_ENVIRONMENT,
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join(path),
    }
    hidden = tuple(_foreign_packages((source for source, _ in seen), folders))
    return Runtime(str(python), tuple(binds), links, hidden, environment)


def installed_packages() -> tuple[str, ...]:
    """Returns the names of packages that code finds, those first that the extra names.

    Raises `ConfigurationError` where packages are missing.
    """
    folders = [str(folder) for folder in _package_folders()]
    return tuple(packages.installed(usual_packages(), folders))


def usual_packages() -> list[str]:
    """Returns the names of the packages that the extra brings."""
    return packages.wanted_by(_EXTRA)


def _foreign_packages(seen: Iterable[Path], own: Iterable[Path]) -> Iterator[str]:
    """Yields the folders with packages of other Pythons. The one that an environment was made with
    is one of them, unless the environment takes its packages from there.
    """
    kept = {*own, *(Path(folder).resolve() for folder in sys.path)}
    for folder in seen:
        for found in sorted(folder.glob("python3*/*-packages")):
            if found.is_dir() and not any(path.is_relative_to(found.resolve()) for path in kept):
                yield str(found)


def _system() -> Iterator[Path]:
    roots = (root for root in _ROOTS if not root.is_symlink())
    yield from (path for path in (*_SYSTEM, *roots) if path.is_dir())
    yield from (path for path in _FILES if path.is_file())


def _python_folders(base: Path) -> Iterator[Path]:
    """Yields the folders of a Python, without others beside them, such as conda's environments."""
    yield from (base / name for name in ("bin", "lib", "lib64", "share") if (base / name).is_dir())


def _package_folders() -> list[Path]:
    """Returns the folders that hold the packages, mostly one `site-packages`."""
    folders: dict[Path, None] = {}
    missing = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            missing.append(name)
        else:
            folders[Path(spec.origin).parent.parent.resolve()] = None
    if missing:
        raise ConfigurationError(
            f"The code interpreter needs Python packages that are not installed "
            f"({', '.join(missing)}): install Perdure with its extra code-interpreter."
        )
    return list(folders)


def _needed(binds: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Yields the binds without those that lie within an earlier one."""
    kept: list[Path] = []
    for source, place in binds:
        if not _within(source, kept):
            kept.append(source)
            yield source, place


def _within(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _check_unseen(private: Path, seen: Iterable[Path]) -> None:
    for folder in seen:
        if private.is_relative_to(folder) or folder.is_relative_to(private):
            raise ConfigurationError(
                f"The code interpreter would see {private}, because Python needs {folder}: "
                "keep it in another folder."
            )
