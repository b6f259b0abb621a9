"""Kill a program at one system call, as `strace -f -e inject=CALL:signal=KILL:when=N` does, but five times as fast.

strace stops a program at every system call, whichever one is asked for: its quick way (--seccomp-bpf) loses the
signal. Here a seccomp filter stops the program at the calls of one kind alone. When its main thread is about to make
the N-th of them it is killed; the call is never made. Linux alone, and only where strace may trace, too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TRACEME, CONTINUE, SET_OPTIONS = 0, 7, 0x4200
FORK, VFORK, CLONE, EXEC, SECCOMP, EXIT_KILL = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 7, 1 << 20
EVENT_EXEC, EVENT_SECCOMP = 4, 7
ALL_THREADS, OF_THIS_THREAD = 0x40000000, 0x20000000  # __WALL, __WNOTHREAD
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
TRACE, ALLOW = 0x7FF00000, 0x7FFF0000
PATIENCE_SECONDS = 120

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Instruction(ctypes.Structure):
    """One instruction of a packet filter: struct sock_filter."""

    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("first", ctypes.POINTER(Instruction))]


def filter_for(number: int) -> Filter:
    """Stop at this system call, let every other pass."""
    program = (Instruction * 4)(
        Instruction(0x20, 0, 0, 0),  # load the number of the call
        Instruction(0x15, 0, 1, number),
        Instruction(0x06, 0, 0, TRACE),
        Instruction(0x06, 0, 0, ALLOW),
    )
    return Filter(4, program)


def killed_at(
    number: int,
    nth: int,
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    files: tuple[int, int, int],
    started: Callable[[int], None] = lambda pid: None,
) -> int:
    """Run a program until its `nth` call of that number; -9 when it was killed there, else its own exit code.

    `files` are its stdin, stdout and stderr; `started` is told its process id.
    """
    program = filter_for(number)  # made before the fork: a child of a thread must not wait for a lock of malloc
    pid = os.fork()
    if pid == 0:
        try:
            for descriptor, file in enumerate(files):
                os.dup2(file, descriptor)
            os.chdir(folder)
            libc.ptrace(TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)  # until the tracer has said what it wants to be told
            libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            if libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0) == 0:
                os.execve(words[0], words, environment)
        finally:
            os._exit(127)
    os.waitpid(pid, 0)
    options = FORK | VFORK | CLONE | EXEC | SECCOMP | EXIT_KILL
    if libc.ptrace(SET_OPTIONS, pid, None, options) != 0:
        raise OSError(ctypes.get_errno(), "this process may not trace another")
    libc.ptrace(CONTINUE, pid, None, None)
    started(pid)
    patience = threading.Timer(PATIENCE_SECONDS, os.kill, (pid, signal.SIGABRT))
    patience.start()
    try:
        return _followed(pid, nth)
    finally:
        patience.cancel()


def _followed(pid: int, nth: int) -> int:
    running, seen = False, 0
    while True:
        tid, status = os.waitpid(-1, ALL_THREADS | OF_THIS_THREAD)
        if not os.WIFSTOPPED(status):
            if tid == pid:
                return os.waitstatus_to_exitcode(status)
            continue
        event, pending = status >> 16, os.WSTOPSIG(status)
        if event == EVENT_EXEC:
            running = True
        elif event == EVENT_SECCOMP and running and tid == pid:
            seen += 1
            if seen == nth:
                os.kill(pid, signal.SIGKILL)
                continue
        passed = 0 if event or pending in (signal.SIGSTOP, signal.SIGTRAP) else pending
        libc.ptrace(CONTINUE, tid, None, passed)  # refused where it has been killed meanwhile: the next wait tells
