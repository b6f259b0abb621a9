"""What a power cut may leave on a disk, and whether a store that finds it so keeps its promises.

trace    real commands under strace             calls    what one line of strace says
tree     folders, files, names, by inode        replay   from calls to operations on a tree
rules    what a crash may undo, and why         states   the disks that may be found after it
world    a workspace in which things happen     facts    what was acknowledged, and when
stories  the transitions, each a row            pairs    two processes, one of them stopped or killed
unsynced what an fsync keeps             forgetful, oblivion  a FUSE file system that keeps no more
judge    real commands on what was found        program  running them, in this process or in their own
"""
