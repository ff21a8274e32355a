"""The environment that moves numbers: versions named in `params.yaml: env`, checked at start."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import file_sha256
from pipeline.stage.params import load_section

LOCK = Path("requirements.lock")


def check_environment() -> None:
    """Compare what is installed with `params.yaml: env`.

    Raises:
        BadInput: another Python minor version, or a package is missing or at another version.
    """
    env = load_section(Env, "env")
    python = ".".join(platform.python_version_tuple()[:2])
    wrong = [] if python == env.python else [f"python {env.python} (running {python})"]
    for package, wanted in env.packages.items():
        found = _installed(package)
        if found.split("+")[0] != wanted:
            wrong.append(f"{package} {wanted} (installed: {found})")
    if wrong:
        raise BadInput("environment", "not the one params.yaml names", wanted=", ".join(wrong),
                       do="`make install` installs the pins")


def environment_record() -> dict[str, object]:
    """What the lineage record says of the environment: no host, no clock, no path."""
    env = load_section(Env, "env")
    return {
        "python": env.python,
        "packages": dict(env.packages),
        "threads": env.threads,
        "lock": {"uri": LOCK.as_posix(), "digest": {"sha256": file_sha256(LOCK)}},
    }


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "nothing"
