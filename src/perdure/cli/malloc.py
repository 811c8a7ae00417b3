"""What the C library does with memory that the server gives back."""

import ctypes
import platform

# M_MMAP_THRESHOLD of malloc.h
_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024


def give_back_large_pieces() -> None:
    """Makes glibc return each large piece of memory to the system as soon as it is free.

    By default it does so with pieces of 128 KiB and more, and raises that bound to the largest
    piece that was ever freed, up to 32 MiB. From then on request bodies lie between smaller things
    that stay, and a good part of their memory is never seen again. Here the bound stays.
    """
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_THRESHOLD, _LARGE_BYTES)
