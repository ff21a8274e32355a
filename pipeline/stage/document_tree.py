"""The tree of a table of documents, from its Parquet parts and the local secret.

Leaves cost one elliptic-curve multiplication each (about 0.15 ms); from `PARALLEL_FROM` on they
are shared out over processes. Neither their number nor the order of arrival changes the tree.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from pipeline.lineage.document_proof import head_of, is_document_table, lake_file_identity, row_identities
from pipeline.lineage.merkle import Tree, head_digest
from pipeline.lineage.vrf import Secret
from pipeline.schema.errors import BadInput
from pipeline.stage.merkle_key import merkle_secret, table_secret

PARALLEL_FROM = 20_000
BATCH = 2_000
_COLUMNS = {"documents": ("doc_id", "raw_sha256", "locator", "text"), "files": ("sha256",)}


def document_roots(products: Iterable[str]) -> dict[str, str]:
    """Path -> hex digest of the head of its tree, for every product that is a table of documents.

    Raises:
        BadInput: a table lacks a column, or the secret cannot be read.
    """
    tables = [path for path in products if is_document_table(path)]
    if not tables:
        return {}
    secret = merkle_secret()
    return {path: head_digest(head_of(*plant(Path(), path, secret))) for path in tables}


def plant(root: Path, table: str, secret: bytes) -> tuple[Secret, Tree]:
    """The secret function of `table` and the tree over its rows, read below `root`."""
    function = table_secret(secret, table)
    return function, Tree(leaves(function, sorted(set(_identities(root, table)))))


def leaves(function: Secret, identities: list[bytes]) -> Iterator[bytes]:
    """The leaf of each identity, in their order."""
    if len(identities) < PARALLEL_FROM:
        yield from map(function.evaluate, identities)
        return
    batches = [identities[start:start + BATCH] for start in range(0, len(identities), BATCH)]
    # spawned, not forked: a stage may have threads running
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for made in pool.map(_evaluate, [function.scalar] * len(batches), batches):
            yield from made


def _evaluate(scalar: int, identities: list[bytes]) -> list[bytes]:
    return list(map(Secret(scalar.to_bytes(32, "big")).evaluate, identities))


def _identities(root: Path, name: str) -> Iterator[bytes]:
    import polars as pl  # a stage that writes tables has it loaded; the others do without

    columns = list(_COLUMNS[name.rsplit("/", 1)[-1]])
    for part in sorted((root / name).glob("*.parquet")):
        try:
            table = pl.read_parquet(part, columns=columns).select(columns)
        except (pl.exceptions.PolarsError, OSError) as err:
            raise BadInput(str(part), f"not a part of a table of documents ({type(err).__name__})",
                           wanted="columns " + ", ".join(columns), do="run the stage that writes it again") from err
        if any(table.null_count().row(0)):
            raise BadInput(str(part), "a row has no identity", wanted="no null in " + ", ".join(columns))
        for row in table.iter_rows():
            yield from row_identities(*row) if len(columns) > 1 else [lake_file_identity(*row)]
