"""A setting of the C library for memory that the server frees."""

import ctypes
import platform

# M_MMAP_THRESHOLD of malloc.h
_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Makes glibc return each large block of memory to the system as soon as it is free.

    By default it does so with blocks of 128 KiB and more, and raises that bound to the largest
    block that was ever freed, up to 32 MiB. From then on request bodies lie between smaller
    allocations that stay, and a large share of their memory is never returned. Here the bound
    stays.
    """
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_THRESHOLD, _LARGE_BYTES)
