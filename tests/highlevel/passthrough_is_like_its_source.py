# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... POSIX-CHECKS PROGRAM [OPTION...]

The POSIX checks on a passthrough filesystem: all that pass on the source must
pass on the mount. Then random operations on one file, and many threads at once.
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


def exercise(programs, directory):
    path = os.path.join(directory, "x")
    for args in (["exerciser", "-n", "1500", "-s", "1", path],
                 ["crowd", "-t", "200", "-s", "1", directory],
                 ["crowd", "-t", "100", "-s", "1", "-p", directory]):
        done = subprocess.run([os.path.join(programs, args[0]), *args[1:]], capture_output=True,
                              text=True, check=False, timeout=400)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        print(done.stdout.strip())


def main():
    checks, program, *options = sys.argv[1:]
    version = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout
    assert "usage" not in version and "FUSE kernel interface version" in version, version
    mounted.need_root("files of several users")
    mounted.need_device()
    if "io_uring" in options and not mounted.kernel_has_rings():
        mounted.skip("the kernel offers no rings (fuse.enable_uring is not Y)")
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
            exercise(os.path.dirname(checks), m.dir)
            assert "fuse: " not in m.log(), m.log()
        assert os.listdir(source) == [], f"left behind: {os.listdir(source)}"
    bad = found - control - KNOWN
    assert not bad, text


main()
