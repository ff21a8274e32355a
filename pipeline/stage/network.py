"""A network of this process alone: loopback and nothing else, for workers of one machine that use TCP.

Landlock can refuse TCP by port, not by address, and workers listen on ports nobody knows beforehand.
A network namespace of its own has no way out of the machine. Where the system does not let users make
one (many containers), the caller says that the network was open.

Sources: user_namespaces(7), network_namespaces(7), netdevice(7).
"""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def loopback_only() -> bool:
    """Leave this process a network with `lo` alone; False, and nothing changed, where that is refused.

    Call it in a process with one thread.
    """
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) and not _as_own_user(libc, user, group):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    return True


def _as_own_user(libc: ctypes.CDLL, user: int, group: int) -> bool:
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True
