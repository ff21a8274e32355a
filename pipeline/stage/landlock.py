"""Linux Landlock by its three system calls: take file and TCP rights away from this process for good.

No root and no library is needed. Rights are denied unless a rule on a folder (or file) grants them;
the children of the process inherit all of it. Only the calling thread is confined, so call it in a
process that has no other (right after a fork).

Sources: linux/landlock.h; kernel.org/doc/html/latest/userspace-api/landlock.html.
"""

import ctypes
import os
import sys
from collections.abc import Mapping
from enum import IntFlag
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System call numbers, the same on every architecture but Alpha."""
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38
TCP_ABI = 4
"""The first version that can refuse TCP (Linux 6.7). Version 3 (6.2) is the first that covers truncation."""


class Right(IntFlag):
    """LANDLOCK_ACCESS_FS_*."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Right.READ_FILE | Right.READ_DIR
RUN = READ | Right.EXECUTE
CHANGE = (READ | Right.WRITE_FILE | Right.TRUNCATE | Right.REFER | Right.REMOVE_DIR | Right.REMOVE_FILE
          | Right.MAKE_DIR | Right.MAKE_REG | Right.MAKE_SOCK | Right.MAKE_FIFO | Right.MAKE_SYM)
DEVICES = CHANGE | Right.IOCTL_DEV
ON_FILES = Right.EXECUTE | Right.WRITE_FILE | Right.READ_FILE | Right.TRUNCATE | Right.IOCTL_DEV
"""Rights that a rule on a file, not a folder, may name."""
BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2
SCOPE_ABI = 6


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64),
                ("scoped", ctypes.c_uint64))


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi() -> int:
    """The kernel's Landlock version; 0 where there is none (another system, an old kernel, switched off)."""
    if sys.platform != "linux":
        return 0
    found: int = _libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(CREATE_RULESET_VERSION))
    return max(0, found)


def confine(rules: Mapping[str, Right], *, tcp: bool) -> None:
    """Deny this process everything but `rules`: path -> rights on it and on all below it.

    Paths that do not exist are left out: nothing is there to be granted. Symbolic links are followed
    once, here.

    Args:
        rules: later accesses are judged by the whole path, so a rule on a folder covers what is made in it.
        tcp: leave TCP alone. Otherwise connecting and listening are refused on every port, loopback too.

    Raises:
        OSError: the kernel refuses.
    """
    version = abi()
    handled = _known(DEVICES | RUN | Right.MAKE_CHAR | Right.MAKE_BLOCK, version)
    attr = _RulesetAttr(handled, 0 if tcp or version < TCP_ABI else BIND_TCP | CONNECT_TCP,
                        SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL if version >= SCOPE_ABI else 0)
    size = 8 if version < TCP_ABI else 16 if version < SCOPE_ABI else 24
    ruleset = _call(CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, rights in rules.items():
            _grant(ruleset, path, rights & handled)
        if _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
        _call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _known(rights: Right, version: int) -> Right:
    """Those of `rights` that this version of Landlock has."""
    later = {Right.REFER: 2, Right.TRUNCATE: 3, Right.IOCTL_DEV: 5}
    known = Right((1 << 13) - 1)
    for right, since in later.items():
        known |= right if version >= since else Right(0)
    return rights & known


def _grant(ruleset: int, path: str, rights: Right) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        is_folder = Path(path).is_dir()
        rule = _PathBeneathAttr(rights if is_folder else rights & ON_FILES, place)
        _call(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{os.strerror(error)} (Landlock system call {number})")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
