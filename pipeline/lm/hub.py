"""Fetch a base model from the Hugging Face hub: the pinned files of a pinned commit, each checked.

    python -m pipeline.lm.hub OWNER/NAME COMMIT LICENCE > params/pins/NAME.yaml

drafts a pin from what the hub serves now, for a reviewer to accept.
"""

import re
import sys
import tempfile
from pathlib import Path, PurePosixPath

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from ruamel.yaml import YAML

from pipeline.lineage.manifest import is_inside
from pipeline.lm.checkpoint import MODEL_FILES, check_complete
from pipeline.lm.load import PICKLES
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.schema.pin import SHA256, Pin
from pipeline.stage.hashing import file_sha256, list_files
from pipeline.stage.params import load_section


def read_pin(path: Path) -> Pin:
    """The pin in a YAML file, its file names and digests checked.

    Raises:
        BadInput: not a pin, or it names pickles, code, a path outside or a malformed digest.
    """
    pin = load_section(Pin, "pin", path)
    for name, digest in pin.files.items():
        if not is_inside(name) or PurePosixPath(name).suffix in (*PICKLES, ".py"):
            raise BadInput(str(path), f"`files` names `{name}`", wanted="safetensors, JSON and text inside the folder",
                           do="pin a revision with safetensors; code and pickles are never fetched")
        if not re.fullmatch(SHA256, digest):
            raise BadInput(str(path), f"`files.{name}` is not a sha256", wanted="64 hex digits", got=digest)
    return pin


def fetch_pinned(pin: Pin, folder: Path) -> None:
    """`fetch_files`, and check that they are a model that can be used.

    Raises:
        BadInput: also, files are missing that a model needs.
    """
    fetch_files(pin, folder)
    check_complete(folder)


def fetch_files(pin: Pin, folder: Path) -> None:
    """Download the pinned files into `folder` and check every one.

    Raises:
        BadInput: the hub does not answer, or does not hold the repository, revision or a file.
        NotVerified: bytes differ from the pin; all such files are named.
    """
    download(pin.repo, pin.revision, sorted(pin.files), folder)
    missing = sorted(name for name in pin.files if not (folder / name).is_file())
    if missing:
        raise BadInput(f"{pin.repo}@{pin.revision[:12]}", f"does not hold {missing}", do="correct the pin")
    wrong = [f"{name}: pinned {digest}, served {found}" for name, digest in sorted(pin.files.items())
             if (found := file_sha256(folder / name)) != digest]
    if wrong:
        raise NotVerified(f"{pin.repo}@{pin.revision[:12]}", "; ".join(wrong),
                          do="do not use it; ask the publisher which bytes are right")


def download(repo: str, revision: str, patterns: list[str], folder: Path) -> None:
    """Fetch the files of `repo` that match `patterns` into `folder`, nothing else left in it."""
    try:
        snapshot_download(repo, revision=revision, allow_patterns=patterns, local_dir=folder)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as err:
        reason = " ".join(str(err).split())[:300]
        raise BadInput(f"{repo}@{revision[:12]}", f"cannot be fetched ({reason})",
                       do="check the pin and the network, unset HF_HUB_OFFLINE (`make` sets it), "
                          "or set HF_ENDPOINT to a mirror") from err
    for stray in [path for path in list_files(folder) if ".cache" in path.relative_to(folder).parts]:
        stray.unlink()  # the client's bookkeeping, with times in it


def draft_pin(repo: str, revision: str, licence: str) -> Pin:
    """A pin of the model files the hub serves now: trust on first use, until a reviewer accepts it."""
    with tempfile.TemporaryDirectory() as folder:
        download(repo, revision, [*MODEL_FILES, "*.safetensors"], Path(folder))
        files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in list_files(Path(folder))}
    return Pin(repo=repo, revision=revision, licence=licence, files=files)


if __name__ == "__main__":
    YAML().dump({"pin": draft_pin(*sys.argv[1:4]).model_dump()}, sys.stdout)
