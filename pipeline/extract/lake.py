"""Where the lake lies: a folder, or a remote store that fsspec knows (`pipeline.schema.lake`)."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from pydantic import ValidationError

from pipeline.schema.errors import BadInput
from pipeline.schema.lake import RemoteLake
from pipeline.stage.hashing import list_files
from pipeline.stage.params import read_yaml

VERSION_KEYS = ("VersionId", "version_id", "generation", "ETag", "etag", "content_md5")
"""Where fsspec's file systems put what a store calls a content, the surest first."""


class Listed(NamedTuple):
    """A file of the lake before anything is read from it."""

    path: str
    """Relative to the lake's root, POSIX."""
    version: str
    """The store's name for this content, "" where there is none."""


class Lake(Protocol):
    """A folder of raw documents somewhere."""

    where: str

    def listed(self) -> list[Listed]:
        """Every file, sorted by path."""

    def opened(self, file: Listed) -> IO[bytes]:
        """A stream of the file's bytes."""

    def placed(self, file: Listed, folder: Path) -> AbstractContextManager[Path]:
        """The file on this machine, a copy in `folder` if it is not here anyway."""


def open_lake(path: Path) -> Lake:
    """The lake at a folder, or behind a YAML file that says where it is.

    Raises:
        BadInput: there is neither, or the file is wrong.
    """
    if path.is_dir():
        return Folder(path)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise BadInput(str(path), "is not a folder", do="set `lake.path` in params.yaml to a folder of documents, "
                       "or to a YAML file that names a remote one (docs/own-lake.md)")
    try:
        return Store(RemoteLake.model_validate_json(json.dumps(read_yaml(path))), str(path))
    except ValidationError as err:
        problems = "; ".join(f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in err.errors())
        raise BadInput(str(path), problems, wanted="url, options, listed", do="see docs/own-lake.md") from err


class Folder:
    """A lake in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root, self.where = root, str(root)

    def listed(self) -> list[Listed]:
        """Every file, sorted by path.

        Raises:
            BadInput: a symbolic link.
        """
        found = (path.relative_to(self.root).as_posix() for path in list_files(self.root))
        return sorted(Listed(name, "") for name in found)

    def opened(self, file: Listed) -> IO[bytes]:
        """The file itself."""
        return (self.root / file.path).open("rb")

    @contextmanager
    def placed(self, file: Listed, folder: Path) -> Iterator[Path]:  # noqa: ARG002  # nothing is copied
        """The file where it is."""
        yield self.root / file.path


class Store:
    """A lake in a remote store."""

    def __init__(self, lake: RemoteLake, named_by: str) -> None:
        self.lake, self.where = lake, f"{named_by} ({lake.url})"
        self.files, self.root = self._connected()

    def listed(self) -> list[Listed]:
        """Every object below the address, sorted by path; the store's own versions where it has them."""
        try:
            found: dict[str, dict[str, Any]] = self.files.find(self.root, detail=True)
        except Exception as err:  # of any kind: each store's client has errors of its own
            raise self._failed("cannot be listed", err) from err
        below = self.root.rstrip("/") + "/"
        return sorted(Listed(name.removeprefix(below), _version(about))
                      for name, about in found.items() if about.get("type", "file") == "file")

    def opened(self, file: Listed) -> IO[bytes]:
        """A stream of the version that was listed, where the store keeps versions."""
        version = {"version_id": file.version} if getattr(self.files, "version_aware", False) and file.version else {}
        try:
            stream: IO[bytes] = self.files.open(f"{self.root.rstrip('/')}/{file.path}", "rb", **version)
        except Exception as err:
            raise self._failed(f"`{file.path}` cannot be read", err) from err
        return stream

    @contextmanager
    def placed(self, file: Listed, folder: Path) -> Iterator[Path]:
        """A copy, gone when the block ends. Its name is ours: a key of a store may climb out of a folder."""
        with tempfile.NamedTemporaryFile(dir=folder) as copy:
            try:
                with self.opened(file) as stream:
                    shutil.copyfileobj(stream, copy)
            except OSError as err:
                raise self._failed(f"`{file.path}` cannot be read", err) from err
            copy.flush()
            yield Path(copy.name)

    def _connected(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        try:
            files, root = url_to_fs(self.lake.url, **self.lake.options)
        except ImportError as err:
            raise BadInput(self.where, f"its file system is not installed ({err})",
                           do="install the `remote` group, or the package that fsspec names") from err
        except Exception as err:
            raise self._failed("cannot be opened", err) from err
        return files, root

    def _failed(self, what: str, err: Exception) -> BadInput:
        return BadInput(self.where, f"{what} ({type(err).__name__}: {err})",
                        do="check url, options and the credentials in the environment")


def _version(about: dict[str, Any]) -> str:
    """A number, or a text without the quotes that HTTP puts around an etag."""
    found = next((about[key] for key in VERSION_KEYS if about.get(key) not in (None, "", "null")), "")
    return str(found).strip('"')
