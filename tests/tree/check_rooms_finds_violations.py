# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tree with one fault of each kind is refused, and the fault is named."""

import os
import subprocess
import sys
import tempfile

SCRIPT = sys.argv[1]


def result(path, text):
    with tempfile.TemporaryDirectory() as root:
        full = os.path.join(root, "lib", path)
        os.makedirs(os.path.dirname(full))
        with open(full, "w", encoding="utf-8") as source:
            source.write(text)
        run = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True)
        return run.returncode, run.stdout.strip()


def expect(path, text, status, output):
    got = result(path, text)
    if got != (status, output):
        sys.exit(f"{path}: expected {(status, output)}, got {got}")


expect("protocol/a.c", '#include "base/fd.h"\n#include "protocol/op.h"\n', 0, "")
expect("protocol/a.c", '\n#include "session/session.h"\n', 1,
       "lib/protocol/a.c:2: protocol must not know session")
expect("mount/a.h", '# include  "protocol/op.h"\n', 1,
       "lib/mount/a.h:1: mount must not know protocol")
expect("transport/a.c", '#include <session/session.h>\n#include "lowlevel/x.h"\n', 1,
       "lib/transport/a.c:2: transport must not know lowlevel")
expect("attic/a.c", "", 1, "lib/attic/a.c: lib/attic has no place in the order of rooms")
