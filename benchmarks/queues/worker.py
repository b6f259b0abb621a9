"""One process at one queue, told by lines on stdin what to do; run with the interpreter that has the queue.

    python worker.py KIND ADDRESS
    put NUMBER TAG      puts so many bodies, TAG-0, TAG-1, ...; prints when it is done
    take [NUMBER]       takes and acknowledges so many, or until there is nothing left; prints what it took, in order

Only what the line asks for lies between the line and the answer: the store is open, and everything is imported.
"""

from __future__ import annotations

import json
import sys

import kinds

FILLING = "x" * 190  # with its tag, a body of about 200 bytes


def main(kind: str, address: str) -> None:
    queue = kinds.KINDS[kind](address)
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        done: list[str] = []
        if what == "put":
            number, tag = int(rest[0]), rest[1]
            for count in range(number):
                queue.put(f"{tag}-{count} {FILLING}")
        else:
            most = int(rest[0]) if rest else -1
            while len(done) != most and (body := queue.take()) is not None:
                done.append(body.split()[0])
        print(json.dumps(done), flush=True)


main(sys.argv[1], sys.argv[2])
