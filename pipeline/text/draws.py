"""Seeded draws by item: a choice depends on the seed and the item's key, never on position or order."""

import hashlib


def unit_draw(seed: int, key: str) -> float:
    """A number in [0, 1) that looks uniform over keys: the first 52 bits of BLAKE2b(seed, key).

    52 bits, because every such number is exact in a double on every machine.
    """
    digest = hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 12) / 2**52
