"""The `files` table of `lake_manifest`: every file of the lake, before anything is read from it.

Key: `path`. Order: by `path`. Only `published` can be null.
"""

import polars as pl

FILES: dict[str, pl.DataType] = {
    "path": pl.String(),
    "sha256": pl.String(),
    "bytes": pl.Int64(),
    "mime": pl.String(),
    "version": pl.String(),
    "source": pl.String(),
    "licence": pl.String(),
    "rights_basis": pl.String(),
    "cleared_for_training": pl.Boolean(),
    "published": pl.String(),
}
"""
path                  relative to the lake's root, POSIX
mime                  by content first, then by name; application/octet-stream when neither tells
version               what a remote store calls this content: a version id, else an etag; "" for a local file
source                name of the rights entry whose pattern the path matches first
licence, rights_basis, cleared_for_training   of that entry
published             ISO date that stands for a file which does not name its own; null when unknown
"""
