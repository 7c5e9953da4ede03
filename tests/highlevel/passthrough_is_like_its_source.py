# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... POSIX-CHECKS PROGRAM [OPTION...]

The POSIX checks on a passthrough filesystem: all that pass on the source must
pass on the mount.
"""

import os
import re
import subprocess
import sys
import tempfile

import mounted

# What the path API cannot do; see examples/passthrough/README.md.
KNOWN = {"tmpfile: has attributes and times"}


def failures(checks, directory):
    out = subprocess.run([checks, directory], capture_output=True, text=True, check=False,
                         timeout=400)
    assert out.returncode in (0, 1), out.stdout + out.stderr
    summary = out.stdout.strip().splitlines()[-1]
    found = set(re.findall(r"^FAIL ([^:]*: [^:]*)", out.stdout, re.M))
    return found, summary, out.stdout


def main():
    checks, program, *options = sys.argv[1:]
    mounted.need_root("files of several users")
    mounted.need_device()
    with tempfile.TemporaryDirectory(prefix="profuse-posix-", dir="/tmp") as native:
        control, summary, _ = failures(checks, native)
    print("control:", summary)
    with tempfile.TemporaryDirectory(prefix="profuse-posix-", dir="/tmp") as source:
        os.chmod(source, 0o755)
        command = [program, *options, "-o", "default_permissions,allow_other,dev,suid", source]
        with mounted.Mounted(command) as m:
            os.chmod(m.tmp, 0o755)
            found, summary, text = failures(checks, m.dir)
            print("mounted:", summary)
            if "fuse: no io_uring" in m.log():
                mounted.skip(m.log().strip())
            assert "fuse: " not in m.log(), m.log()
        assert os.listdir(source) == [], f"left behind: {os.listdir(source)}"
    bad = found - control - KNOWN
    assert not bad, text


main()
