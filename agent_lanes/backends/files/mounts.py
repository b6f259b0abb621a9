"""On which kind of file system a path lies, read from the text of /proc/self/mountinfo (proc(5)).

On a network file system another machine may hold a lock that is not seen here, a rename may be repeated by a server
that answered late, and no watch is woken: a store there is refused unless it was asked for. A folder shared with a
virtual machine's host works as long as only one side uses it: `doctor` warns.
"""

from __future__ import annotations

NETWORK_NAMES = """
afs beegfs ceph cifs coda davfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs smb3 smbfs
fuse.ceph fuse.curlftpfs fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.goofys fuse.gvfsd-fuse fuse.mount-s3 fuse.rclone
fuse.s3fs fuse.sshfs
"""
NETWORK = frozenset(NETWORK_NAMES.split())
SHARED = frozenset(("9p", "drvfs", "fuse.grpcfuse", "fuse.vmhgfs-fuse", "prl_fs", "vboxsf", "virtiofs", "vmhgfs"))
MOUNTINFO = "/proc/self/mountinfo"


def kind_of(path: str, mountinfo: str) -> str:
    """The type of the file system of an absolute path, symlinks resolved; empty where the text does not say.

    Of mounts on one place the last one is seen.
    """
    best, found = -1, ""
    for line in mountinfo.splitlines():
        words = line.split(" ")
        if len(words) < 7 or "-" not in words[6:-1]:
            continue
        place = _plain(words[4])
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= best:
            best, found = len(place), words[words.index("-", 6) + 1]
    return found


def mountinfo() -> str:
    """The text; empty where the system has none."""
    try:
        with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _plain(word: str) -> str:
    r"""Blank, tab, newline and backslash are written in octal: \040."""
    if "\\" not in word:
        return word
    first, *rest = word.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] if part[:3].isdigit() else "\\" + part for part in rest)
