"""A program for `test_host_killed.py`: a server whose sandboxed code does all to outlive it.

It prints the id of process 1 of the sandbox once the code is under way.
"""

import asyncio

from perdure.sandbox.local import LocalSandbox
from tests.patience import PATIENCE_SECONDS

_CODE = """
import ctypes, os, signal
for number in range(1, 32):
    if number not in (9, 19):
        signal.signal(number, signal.SIG_IGN)
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
if not os.fork():
    os.setsid()
    signal.pause()
print("under way", flush=True)
while True:
    signal.pause()
"""


async def main() -> None:
    session = await LocalSandbox(warm=False).start()
    async for _ in session.execute(_CODE, seconds=PATIENCE_SECONDS):
        print(session.first_process, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
