"""A file system in memory that forgets what was not synced: FUSE, spoken by hand, because nothing else is to be had.

python -m disk.forgetful FOLDER    mounts itself there, and serves until its stdin ends (root, /dev/fuse)

What it remembers: unsynced.py. `settle` on stdin keeps everything; `recall` answers with a pickle of what a power cut
would leave now, {what it forgets: Tree}.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import pickle
import select
import stat
import struct
import sys
import time

from disk.unsynced import CONTENTS, EVERYTHING, NAMES, ROOT, Memory, Node

FORGET, INTERRUPT, BATCH_FORGET = 2, 36, 42
MAX_WRITE = 1 << 17
MODE, SIZE, MTIME, MTIME_NOW = 1, 8, 32, 256
NO_REPLACE = 1
NOSUID_NODEV, DETACH = 2 | 4, 2
BLOCK = 4096


class Server:
    """Answers the kernel: a method for each operation, named as fuse(4) and linux/fuse.h name them."""

    def __init__(self, device: int) -> None:
        self.memory, self.device = Memory(), device
        self._listings: dict[int, list[tuple[str, int]]] = {}
        self._handles = itertools.count(1)

    def serve(self) -> None:
        """One request."""
        try:
            request = os.read(self.device, MAX_WRITE + BLOCK)
        except OSError as wrong:
            if wrong.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):  # interrupted before it was read
                return
            raise
        _, operation, unique, ino = struct.unpack_from("<IIQQ", request)
        if operation in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        answer, error = b"", 0
        try:
            do = OPERATIONS.get(operation)
            if do is None:
                raise OSError(errno.ENOSYS, operation)
            answer = do(self, self.memory.nodes.get(ino, self.memory.nodes[ROOT]), request[40:])
        except OSError as wrong:
            error = -(wrong.errno or errno.EIO)
        os.write(self.device, struct.pack("<IiQ", 16 + len(answer), error, unique) + answer)

    # --- what the answers are made of ------------------------------------------------------------------------

    def _attributes(self, node: Node) -> bytes:
        size = len(node.content)
        times = (*(at // 10**9 for at in (node.changed_ns, node.changed_ns, node.meta_ns)),)
        parts = (*(at % 10**9 for at in (node.changed_ns, node.changed_ns, node.meta_ns)),)
        owner = (os.getuid(), os.getgid())
        return struct.pack(
            "<6Q3I4I3I", node.ino, size, -(-size // 512), *times, *parts, node.mode, node.links, *owner, 0, BLOCK, 0
        )

    def _entry(self, node: Node) -> bytes:
        return struct.pack("<4Q2I", node.ino, 0, 0, 0, 0, 0) + self._attributes(node)

    def _child(self, folder: Node, name: str) -> Node:
        if name not in folder.names:
            raise OSError(errno.ENOENT, name)
        return self.memory.nodes[folder.names[name]]

    def _made(self, folder: Node, name: str, node: Node) -> Node:
        if name in folder.names:
            raise OSError(errno.EEXIST, name)
        self.memory.name((folder.ino, name, node.ino))
        return node

    def _gone(self, node: Node) -> None:
        node.links -= 1
        node.meta_ns = time.time_ns()

    # --- operations ------------------------------------------------------------------------------------------

    def _init(self, node: Node, body: bytes) -> bytes:
        ahead = struct.unpack_from("<4I", body)[2]
        return (
            struct.pack("<4I2HI", 7, 31, ahead, 0, 12, 9, MAX_WRITE) + struct.pack("<IHHII", 1, 32, 0, 0, 0) + bytes(24)
        )

    def _lookup(self, folder: Node, body: bytes) -> bytes:
        return self._entry(self._child(folder, _name(body)))

    def _getattr(self, node: Node, body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._attributes(node)

    def _setattr(self, node: Node, body: bytes) -> bytes:
        valid, _, _, size, _, _, at, _, _, at_ns, _, mode = struct.unpack_from("<IIQQQQQQIIII", body)
        if valid & MODE:
            node.mode = stat.S_IFMT(node.mode) | (mode & 0o7777)
        if valid & SIZE:
            node.content[size:] = bytes(max(0, size - len(node.content)))
            node.touch()
        if valid & MTIME_NOW:
            node.changed_ns = time.time_ns()
        elif valid & MTIME:
            node.changed_ns = at * 10**9 + at_ns
        node.meta_ns = time.time_ns()
        return self._getattr(node, b"")

    def _readlink(self, node: Node, body: bytes) -> bytes:
        return bytes(node.content)

    def _symlink(self, folder: Node, body: bytes) -> bytes:
        name, target, _ = body.split(b"\0", 2)
        return self._entry(self._made(folder, os.fsdecode(name), self.memory.born(stat.S_IFLNK | 0o777, target)))

    def _mknod(self, folder: Node, body: bytes) -> bytes:
        mode = struct.unpack_from("<I", body)[0]
        return self._entry(self._made(folder, _name(body[16:]), self.memory.born(mode)))

    def _mkdir(self, folder: Node, body: bytes) -> bytes:
        mode = struct.unpack_from("<I", body)[0]
        return self._entry(self._made(folder, _name(body[8:]), self.memory.born(stat.S_IFDIR | (mode & 0o7777))))

    def _unlink(self, folder: Node, body: bytes) -> bytes:
        name = _name(body)
        self._gone(self._child(folder, name))
        self.memory.name((folder.ino, name, None))
        return b""

    def _rmdir(self, folder: Node, body: bytes) -> bytes:
        if self._child(folder, _name(body)).names:
            raise OSError(errno.ENOTEMPTY, "rmdir")
        return self._unlink(folder, body)

    def _rename(self, folder: Node, body: bytes, flags: int = 0, skipped: int = 8) -> bytes:
        target = self.memory.nodes[struct.unpack_from("<Q", body)[0]]
        old, new, _ = (os.fsdecode(name) for name in body[skipped:].split(b"\0", 2))
        node = self._child(folder, old)
        if flags & ~NO_REPLACE:
            raise OSError(errno.EINVAL, "renameat2")
        if new in target.names:
            there = self.memory.nodes[target.names[new]]
            if flags & NO_REPLACE:
                raise OSError(errno.EEXIST, new)
            if there is node:
                return b""
            if there.names:
                raise OSError(errno.ENOTEMPTY, new)
            self._gone(there)
        self.memory.name((folder.ino, old, None), (target.ino, new, node.ino))
        node.meta_ns = time.time_ns()
        return b""

    def _rename2(self, folder: Node, body: bytes) -> bytes:
        return self._rename(folder, body, struct.unpack_from("<QI", body)[1], 16)

    def _link(self, folder: Node, body: bytes) -> bytes:
        node = self._made(folder, _name(body[8:]), self.memory.nodes[struct.unpack_from("<Q", body)[0]])
        node.links += 1
        node.meta_ns = time.time_ns()
        return self._entry(node)

    def _open(self, node: Node, body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0)

    def _create(self, folder: Node, body: bytes) -> bytes:
        mode = struct.unpack_from("<II", body)[1]
        node = self._made(folder, _name(body[16:]), self.memory.born(stat.S_IFREG | (mode & 0o7777)))
        return self._entry(node) + self._open(node, b"")

    def _read(self, node: Node, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return bytes(node.content[offset : offset + size])

    def _write(self, node: Node, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        node.content += bytes(max(0, offset - len(node.content)))
        node.content[offset : offset + size] = body[40 : 40 + size]
        node.touch()
        return struct.pack("<II", size, 0)

    def _statfs(self, node: Node, body: bytes) -> bytes:
        blocks = 1 << 24
        return struct.pack("<5Q4I24x", blocks, blocks, blocks, blocks, blocks, BLOCK, 255, BLOCK, 0)

    def _fsync(self, node: Node, body: bytes) -> bytes:
        self.memory.sync_file(node)
        return b""

    def _fsyncdir(self, node: Node, body: bytes) -> bytes:
        self.memory.sync_folder(node)
        return b""

    def _opendir(self, node: Node, body: bytes) -> bytes:
        handle = next(self._handles)
        self._listings[handle] = [(".", node.ino), ("..", node.ino), *node.names.items()]
        return struct.pack("<QII", handle, 0, 0)

    def _readdir(self, node: Node, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        if offset == 0:  # rewound: as it is now
            self._listings[handle][2:] = node.names.items()
        found = bytearray()
        for number, (name, ino) in enumerate(self._listings[handle][offset:], start=offset + 1):
            raw, kind = os.fsencode(name), stat.S_IFMT(self.memory.nodes[ino].mode) >> 12
            entry = struct.pack("<QQII", ino, number, len(raw), kind) + raw
            entry += bytes(-len(entry) % 8)
            if len(found) + len(entry) > size:
                break
            found += entry
        return bytes(found)

    def _releasedir(self, node: Node, body: bytes) -> bytes:
        self._listings.pop(struct.unpack_from("<Q", body)[0], None)
        return b""

    def _nothing(self, node: Node, body: bytes) -> bytes:
        return b""


OPERATIONS = {
    1: Server._lookup, 3: Server._getattr, 4: Server._setattr, 5: Server._readlink, 6: Server._symlink,
    8: Server._mknod, 9: Server._mkdir, 10: Server._unlink, 11: Server._rmdir, 12: Server._rename, 13: Server._link,
    14: Server._open, 15: Server._read, 16: Server._write, 17: Server._statfs, 18: Server._nothing, 20: Server._fsync,
    25: Server._nothing, 26: Server._init, 27: Server._opendir, 28: Server._readdir, 29: Server._releasedir,
    30: Server._fsyncdir, 35: Server._create, 38: Server._nothing, 45: Server._rename2,
}  # fmt: skip


def _name(body: bytes) -> str:
    return os.fsdecode(body.split(b"\0", 1)[0])


def main(folder: str) -> None:
    """Mount, say so, and serve."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},default_permissions"
    if libc.mount(b"forgetful", os.fsencode(folder), b"fuse", NOSUID_NODEV, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)
    server = Server(device)
    _answer(b"")
    try:
        while True:
            ready, _, _ = select.select([device, 0], [], [])
            if device in ready:
                server.serve()
            elif not _asked(server.memory):
                break
    finally:
        libc.umount2(os.fsencode(folder), DETACH)


def _asked(memory: Memory) -> bool:
    word = os.read(0, 7)
    if word == b"settle\n":
        memory.settle()
        _answer(b"")
    elif word == b"recall\n":
        _answer(pickle.dumps({what: memory.recalled(what) for what in (EVERYTHING, CONTENTS, NAMES)}))
    return bool(word)


def _answer(content: bytes) -> None:
    sys.stdout.buffer.write(struct.pack("<Q", len(content)) + content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
