"""Stage `lake_manifest`: every file of the lake, with its rights, before anything is read from it.

Reads   --lake     folder of raw documents, any formats; or a YAML file that names one in a remote store
        --rights   YAML: per source its paths, licence, rights basis and reviewer (docs/own-lake.md)
Writes  --out      files: path str (key), sha256 str, bytes int, mime str, version str, source str, licence str,
                   rights_basis str, cleared_for_training bool, published str or null

A file that no rights entry covers stops the run, and so do an empty lake and a symbolic link.
"""

from pathlib import Path

from pipeline.extract.lake import open_lake
from pipeline.extract.manifest import files_table
from pipeline.extract.rights import load_rights
from pipeline.schema.files import FILES
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import write_table


def main(lake: Path, rights: Path, out: Path) -> dict[str, object]:
    """Write the table of files; the resolved configuration is the rights as read."""
    entries = load_rights(rights)
    files = files_table(open_lake(lake), entries)
    with output_dir(out) as folder:
        write_table(files, folder, ["path"], FILES)
    return {"rights": entries.model_dump(mode="json")}


if __name__ == "__main__":
    run_stage(main, None)
