"""Filter of system calls for code in the sandbox, as a program for the kernel.

Namespaces, missing capabilities and a read-only root hold without this filter. It takes away the
parts of the kernel that holes were found in, and those that could hold memory which nobody counts.
Calls that are newer than the newest known here do not exist inside. The filter is written as plain
classic BPF, so that nothing has to be installed for it.
"""

import platform
import struct
from typing import NamedTuple

# <linux/filter.h>, <linux/seccomp.h>, <linux/audit.h>
_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_AND = 0x54
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE = 0, 4
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97

_AF_UNIX = 1
# every CLONE_NEW… flag: user, pid, net, ipc, uts, cgroup, mount (time is a flag of clone3 only)
_CLONE_NEW = 0x7E020000
_CLONE_FILES, _CLONE_THREAD = 0x400, 0x10000
_CLOSE_RANGE_UNSHARE = 2
_MAP_SHARED_ANONYMOUS = 0x21
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
# Process 1 dies with the server because of this setting, and code inside may write to its memory.
_PR_SET_PDEATHSIG = 1
_NEWEST = 466  # removexattrat of Linux 6.13, on both architectures


class _Architecture(NamedTuple):
    audit: int
    # x86-64 has a second table of calls behind this number
    most: int
    # call by call: what the other column is for the other architecture
    column: int


_ARCHITECTURES = {
    "x86_64": _Architecture(0xC000003E, _NEWEST, 0),
    "aarch64": _Architecture(0xC00000B7, _NEWEST, 1),
}

# name: number on x86-64, number on AArch64 (None: there is no such call)
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # namespaces and mounts
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "statmount": (457, 457),
    "listmount": (458, 458),
    # keys
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # programs and rings in the kernel, and its insides
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_setup": (206, 0),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "lookup_dcookie": (212, 18),
    # the machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "nfsservctl": (180, 42),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # memory that belongs to no process and to no file that is counted
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "remap_file_pages": (216, 234),
}
# the C library falls back to the older call
_MISSING: dict[str, tuple[int | None, int | None]] = {"clone3": (435, 435)}
_SOCKET, _CLONE, _MMAP, _IOCTL = (41, 198), (56, 220), (9, 222), (16, 29)
_SOCKETPAIR, _PRCTL, _CLOSE_RANGE = (53, 199), (157, 167), (436, 436)


class NoFilter(Exception):
    """There is no filter for this kind of processor."""


def program(machine: str = "") -> bytes:
    """Returns the filter for this machine, ready for the kernel. Raises `NoFilter`."""
    machine = machine or platform.machine()
    found = _ARCHITECTURES.get(machine)
    if found is None:
        raise NoFilter(f"processors of the kind {machine} are not supported")
    number = found.column
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_JUMP_EQUAL, found.audit, skip=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        *_when(_JUMP_GREATER, found.most, _ERRNO | _ENOSYS),
    ]
    for table, error in ((_REFUSED, _EPERM), (_MISSING, _ENOSYS)):
        for numbers in table.values():
            if numbers[number] is not None:
                lines += _when(_JUMP_EQUAL, numbers[number] or 0, _ERRNO | error)
    lines += _argument(_SOCKET[number], 0, _unless(_AF_UNIX, _ERRNO | _EAFNOSUPPORT))
    lines += _argument(_SOCKETPAIR[number], 0, _unless(_AF_UNIX, _ERRNO | _EAFNOSUPPORT))
    parted = _when(_JUMP_EQUAL, _PR_SET_PDEATHSIG, _ERRNO | _EPERM)
    lines += _argument(_PRCTL[number], 0, parted)
    lines += _argument(_CLONE[number], 0, _when(_JUMP_SET, _CLONE_NEW, _ERRNO | _EPERM))
    # the host looks at the descriptors of each process, so threads have none of their own
    lines += _argument(_CLONE[number], 0, _of(_CLONE_THREAD | _CLONE_FILES, _CLONE_THREAD))
    unshared = _when(_JUMP_SET, _CLOSE_RANGE_UNSHARE, _ERRNO | _EPERM)
    lines += _argument(_CLOSE_RANGE[number], 2, unshared)
    lines += _argument(_MMAP[number], 3, _of(_MAP_SHARED_ANONYMOUS, _MAP_SHARED_ANONYMOUS))
    for request in (_TIOCSTI, _TIOCLINUX):
        lines += _argument(_IOCTL[number], 1, _when(_JUMP_EQUAL, request, _ERRNO | _EPERM))
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, *, skip: int = 0, otherwise: int = 0) -> bytes:
    """Returns an instruction. A jump skips `skip` lines if true, `otherwise` lines if not."""
    return struct.pack("=HBBI", code, skip, otherwise, value)


def _when(jump: int, value: int, answer: int) -> list[bytes]:
    return [_line(jump, value, otherwise=1), _line(_RETURN, answer)]


def _of(flags: int, value: int) -> list[bytes]:
    """Returns lines that refuse when just these of some flags are set."""
    return [_line(_AND, flags), *_when(_JUMP_EQUAL, value, _ERRNO | _EPERM)]


def _unless(value: int, answer: int) -> list[bytes]:
    return [_line(_JUMP_EQUAL, value, skip=1), _line(_RETURN, answer)]


def _argument(call: int, index: int, lines: list[bytes]) -> list[bytes]:
    """Returns lines that check the low half of an argument of one call. The kernel itself takes no
    more than that of these arguments.
    """
    load = _line(_LOAD, 16 + 8 * index)
    again = _line(_LOAD, _NUMBER)
    return [_line(_JUMP_EQUAL, call, otherwise=len(lines) + 2), load, *lines, again]
