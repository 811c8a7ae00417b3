"""What code that attacks has at hand: `tried(f, …)` prints what the function returned, or the name
of the error that stopped it.
"""

PRELUDE = """
import ctypes, errno, glob, os, pathlib, signal, socket, subprocess, sys, urllib.request
libc = ctypes.CDLL(None, use_errno=True)

def tried(f, *given):
    try:
        answer = f(*given)
    except OSError as error:
        answer = errno.errorcode.get(error.errno, str(error))
    except Exception as error:
        answer = type(error).__name__
    print(answer)

def refused(f, *given):
    try:
        print("done", f(*given))
    except OSError as error:
        known = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
        print("refused" if error.errno in known else error)

def called(name, *given):
    ctypes.set_errno(0)
    answer = getattr(libc, name)(*given)
    return "done" if answer >= 0 else errno.errorcode[ctypes.get_errno()]

def read(path):
    return pathlib.Path(path).read_bytes()

def write(path, text="1"):
    return pathlib.Path(path).write_text(text)

def reach(family, address):
    with socket.socket(family) as s:
        s.settimeout(3)
        s.connect(address)
        return "reached"
"""
