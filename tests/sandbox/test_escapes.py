"""Code that really tries to get out of the sandbox as it is shipped, or to bring the host down.

Every row of TRIED is code, and exactly what it has to print. `test_exhaustion.py` tries to use
everything up, `test_hostile_output.py` to fool the host by what comes out.
"""

import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from perdure.sandbox import runtime, seccomp
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.session import LocalSession
from tests.sandbox.attack import PRELUDE
from tests.sandbox.talk import printed

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SECRET = "the-secret-of-the-host"
_FOREIGN = runtime.find().hidden
TRIED = {
    # files of the host
    "passwords": ("tried(read, '/etc/shadow')", "ENOENT"),
    "users": ("tried(read, '/etc/passwd')", "b'sandbox:x:1000:1000::/tmp:/bin/sh\\n'"),
    "packages of the base Python": (
        "print({{name for folder in {foreign} for name in os.listdir(folder)}})",
        "set()",
    ),
    "new ones for it": (
        "for folder in {foreign}: refused(write, f'{{folder}}/planted.py')",
        "{refused}",
    ),
    "data folder": ("tried(read, '{secret}')", "ENOENT"),
    "data folder, through process 1": ("tried(read, '/proc/1/root{secret}')", "ENOENT"),
    "home folders": (
        "print([p for q in ('/root/*', '/root/*/*', '/home/*', '/home/*/*', '/home/*/*/*')"
        " for p in glob.glob(q, include_hidden=True) if not sys.base_prefix.startswith(p)])",
        "[]",
    ),
    "the project": ("print(os.path.exists('{project}'))", "False"),
    "a folder kept open": (
        "print([os.readlink(p) for p in glob.glob('/proc/*/fd/*') if os.path.islink(p)"
        " and os.readlink(p).startswith('{folder}')])",
        "[]",
    ),
    "devices": (
        "print(sorted(p for p in os.listdir('/dev')))",
        "['core', 'fd', 'full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', "
        "'stdout', 'tty', 'urandom', 'zero']",
    ),
    "a device of one's own": ("tried(os.mknod, 'disk', 0o60600, os.makedev(254, 0))", "EPERM"),
    # the server's environment and processes
    "environment": (
        "print([p for p in glob.glob('/proc/[0-9]*/environ') if b'{value}' in read(p)]"
        ", 'PERDURE_API_KEYS' in os.environ)",
        "[] False",
    ),
    "paths of the server": (
        "print([p for p in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ')"
        " if b'{project}' in read(p) or b'{folder}' in read(p)])",
        "[]",
    ),
    "other processes": (
        "print(sorted({{read(f'/proc/{{p}}/comm').decode().strip() for p in os.listdir('/proc')"
        " if p.isdigit()}} - {{'python', 'python3'}}))",
        "['bwrap', '{python}']",
    ),
    "a signal to the host": ("tried(os.kill, {pid}, 9)", "ESRCH"),
    "a signal to process 1": ("os.kill(1, 9); os.kill(1, 11); tried(os.kill, 1, 0)", "None"),
    # networks
    "loopback of the host": ("tried(reach, socket.AF_INET, ('127.0.0.1', {port}))", "EAFNOSUPPORT"),
    "a cloud's credentials": (
        "tried(reach, socket.AF_INET, ('169.254.169.254', 80))",
        "EAFNOSUPPORT",
    ),
    "the internet": ("tried(reach, socket.AF_INET6, ('2606:4700::1111', 53))", "EAFNOSUPPORT"),
    "an abstract socket": ("tried(reach, socket.AF_UNIX, '{abstract}')", "ECONNREFUSED"),
    "names": (
        "tried(socket.gethostbyname, 'example.com')",
        "[Errno -5] No address associated with hostname",
    ),
    "raw packets": ("tried(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)", "EAFNOSUPPORT"),
    "the routing table": (
        "tried(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)",
        "EAFNOSUPPORT",
    ),
    "the hypervisor": ("tried(socket.socket, socket.AF_VSOCK)", "EAFNOSUPPORT"),
    "the kernel's ciphers": (
        "tried(socket.socket, socket.AF_ALG, socket.SOCK_SEQPACKET)",
        "EAFNOSUPPORT",
    ),
    "a curl": (
        "print(subprocess.run(['python3', '-c', 'import urllib.request as u; "
        'u.urlopen("http://127.0.0.1:{port}")\'], capture_output=True).returncode)',
        "1",
    ),
    # the kernel
    "tracing": ("print(called('ptrace', 16, 1, 0, 0))", "EPERM"),
    "outliving the server": ("print(called('prctl', 1, 0, 0, 0, 0))", "EPERM"),
    "new user namespace": ("print(called('unshare', 0x10000000))", "EPERM"),
    "new mount namespace": ("print(called('unshare', 0x00020000))", "EPERM"),
    "a clone with namespaces": (
        "print(called('syscall', {clone}, 0x10000011, 0, 0, 0, 0))",
        "EPERM",
    ),
    "a process of clone3": ("print(called('syscall', 435, 0, 0))", "ENOSYS"),
    "another's namespace": (
        "tried(lambda: called('setns', os.open('/proc/1/ns/mnt', 0), 0))",
        "EPERM",
    ),
    "a mount": ("print(called('mount', b'none', b'/tmp', b'tmpfs', 0, None))", "EPERM"),
    "an unmount": ("print(called('umount2', b'/mnt/data', 2))", "EPERM"),
    "another root": ("tried(os.chroot, '/tmp')", "EPERM"),
    "another user": ("tried(os.setuid, 0)", "EINVAL"),
    "rights of a program": (
        "print({{line.split()[5].split(',')[1] for line in open('/proc/self/mountinfo')}},"
        " [line.split()[1] for line in open('/proc/self/status') if line[:10] == 'NoNewPrivs'])",
        "{{'nosuid'}} ['1']",
    ),
    "a thread with descriptors of its own": (
        "print(called('syscall', {clone}, 0x10900, 0, 0, 0, 0),"
        " called('syscall', 436, 1000, 1000, 2))",
        "EPERM EPERM",
    ),
    "capabilities": (
        "print({{line.split()[1] for line in open('/proc/self/status') if line[:3] == 'Cap'}})",
        "{{'0000000000000000'}}",
    ),
    "shared memory that nobody counts": (
        "import mmap; tried(mmap.mmap, -1, 4096)",
        "EPERM",
    ),
    "shared memory of /dev/zero": (
        "import mmap; tried(lambda: mmap.mmap(os.open('/dev/zero', os.O_RDWR), 4096))",
        "EACCES",
    ),
    "a file in memory": ("tried(os.memfd_create, 'x')", "EPERM"),
    "typing into a terminal": (
        "import fcntl; m, s = os.openpty(); tried(fcntl.ioctl, s, 0x5412, b'x')",
        "EPERM",
    ),
    "sysrq": ("refused(write, '/proc/sysrq-trigger')", "refused"),
    "settings of the kernel": (
        "refused(write, '/proc/sys/kernel/core_pattern', '|/bin/sh')",
        "refused",
    ),
    "settings of the namespaces": (
        "refused(write, '/proc/sys/user/max_user_namespaces', '9')",
        "refused",
    ),
    "sys": ("tried(write, '/sys/power/state', 'mem')", "ENOENT"),
    "core dumps": ("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))", "(0, 0)"),
    "more than the limits": (
        "import resource; tried(resource.setrlimit, resource.RLIMIT_NPROC, (9999, 9999))",
        "ValueError",
    ),
    "being spared when memory is short": (
        "for path in 'self/oom_score_adj', 'self/oom_adj', '1/oom_score_adj', "
        "'thread-self/oom_score_adj', '%d/oom_score_adj' % os.getppid():\n"
        "    for score in '-1000', '0', '999':\n"
        "        tried(write, '/proc/' + path, score)\n"
        "tried(write, '/proc/self/comm', 'x')\n",
        "\n".join(["EROFS"] * 16),
    ),
    "a child that is spared when memory is short": (
        "tried(subprocess.check_output, ['/bin/sh', '-c', "
        "'echo 0 2>/dev/null >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj'])",
        "b'1000\\n'",
    ),
    "the memory of process 1": ("tried(lambda: open('/proc/1/mem', 'r+b'))", "EROFS"),
    "the memory of the relay": (
        "tried(open, '/proc/%d/mem' % os.getppid(), 'wb')",
        "EROFS",
    ),
    # writing
    "the root": ("tried(write, '/x')", "EROFS"),
    "the programs": ("tried(write, '/usr/bin/x')", "EROFS"),
    "the interpreter": ("tried(write, sys.prefix + '/x')", "EROFS"),
    "the packages": ("import numpy; tried(write, numpy.__file__)", "EROFS"),
    "the program inside": ("tried(write, '/opt/inside/relay.py')", "EROFS"),
    "the device folder": ("tried(write, '/dev/x')", "EROFS"),
    "a way around": ("tried(os.rename, '/mnt/data', '/mnt/else')", "EROFS"),
    "links out": (
        "os.symlink('/proc/1/root/etc/shadow', 'out'); tried(read, 'out')",
        "ENOENT",
    ),
}


class Host(NamedTuple):
    """What there is to steal and to reach."""

    secret: Path
    port: int
    abstract: str


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with a secret file, an open port on every address, and an abstract socket."""
    secret = tmp_path_factory.mktemp("data") / "perdure.db"
    secret.write_text(_SECRET)
    secret.chmod(0o666)
    name = f"perdure-{os.getpid()}"
    with socket.create_server(("0.0.0.0", 0)) as port, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield Host(secret, port.getsockname()[1], f"\\0{name}")


def _filled(text: str, host: Host) -> str:
    column = seccomp._ARCHITECTURES[os.uname().machine].column
    return text.format(
        secret=host.secret,
        foreign=list(_FOREIGN),
        refused="\n".join(["refused"] * len(_FOREIGN)),
        folder=host.secret.parent.parent,
        value=_SECRET,
        port=host.port,
        abstract=host.abstract,
        pid=os.getpid(),
        python=Path(os.path.realpath(sys.executable)).name,
        clone=seccomp._CLONE[column],
        project=Path(__file__).parents[2],
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def prison(local: LocalSandbox, host: Host) -> AsyncIterator[LocalSession]:
    """A session started by a server with a secret in its environment."""
    os.environ["PERDURE_API_KEYS"] = _SECRET
    try:
        session = await local.start()
    finally:
        del os.environ["PERDURE_API_KEYS"]
    await printed(session, PRELUDE)
    yield session
    await session.close()


@pytest.mark.parametrize("what", TRIED)
async def test_nothing_outside_can_be_reached(prison: LocalSession, host: Host, what: str) -> None:
    code, held = (_filled(text, host) for text in TRIED[what])
    assert await printed(prison, code) == held


async def test_every_system_call_of_the_filter_is_refused(prison: LocalSession) -> None:
    """With arguments that would be harmless, were it not for the filter."""
    column = seccomp._ARCHITECTURES[os.uname().machine].column
    numbers = {name: both[column] for name, both in seccomp._REFUSED.items()}
    code = f"""
answers = {{name: called("syscall", number, -1, 0, 0, 0, 0, 0)
           for name, number in {numbers}.items() if number is not None}}
print({{name: answer for name, answer in answers.items() if answer != "EPERM"}})
print(called("syscall", {seccomp._NEWEST + 1}, 0))
"""
    assert await printed(prison, code) == "{}\nENOSYS"
