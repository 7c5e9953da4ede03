# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... HELLO

The exit status of a filesystem that leaves everything to fuse_main(): which step
failed, or 0.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 30
NOBODY = 65534
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HELLO = os.path.abspath(sys.argv[1])


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def enter_namespaces():
    """Whatever happens, no mount and no process outlives the test."""
    if os.getuid() != 0:
        skip("needs root: it mounts")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        skip("needs /dev/fuse")
    if "UNSHARED" not in os.environ:
        os.environ["UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "-mpf", "--mount-proc", "--kill-child", "--propagation",
                              "private", sys.executable] + sys.argv)


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == path for line in f)


def ends_with(status, *args, says="", command=()):
    p = subprocess.run([*command, HELLO, *args], capture_output=True, text=True, check=False,
                       stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    assert p.returncode == status, f"{args}: status {p.returncode} instead of {status}\n{p.stderr}"
    assert says in p.stdout + p.stderr, f"{args}: no word of {says!r}\n{p.stdout}{p.stderr}"


def start(mountpoint, *args):
    p = subprocess.Popen([HELLO, "-f", *args, mountpoint], stdin=subprocess.DEVNULL,
                         preexec_fn=take_signals)
    end = time.monotonic() + LIMIT_S
    while not is_mounted(mountpoint):
        assert p.poll() is None and time.monotonic() < end, f"{args}: the mount does not come"
        time.sleep(0.01)
    return p


def take_signals():
    """As from a terminal, also under nohup or in the background of a script."""
    for sig in SIGNALS:
        signal.signal(sig, signal.SIG_DFL)


def without_a_mount(mountpoint):
    for option in ("-h", "--help"):
        ends_with(0, option, says="-o kernel_cache")
    for option in ("-V", "--version"):
        ends_with(0, option, says="FUSE library version")
    ends_with(1, mountpoint, "another")
    ends_with(1, "/nowhere/at/all", says="/nowhere/at/all")
    ends_with(1, "-o", "max_threads=many", mountpoint)
    ends_with(2, says="no mountpoint specified")
    for background in ([], ["-f"], ["-f", "-s"]):
        ends_with(3, *background, "-o", "no_such_option", mountpoint, says="no_such_option")
        ends_with(3, *background, "-o", "modules=nothing", mountpoint, says="nothing")
        ends_with(4, *background, "-o", "rootcontext=xx", mountpoint, says="rootcontext")
    # Who may have no more processes cannot go into the background; nor look for leaks.
    ends_with(5, mountpoint, command=["setpriv", f"--reuid={NOBODY}", "--clear-groups",
                                      "prlimit", "--nproc=1:1", "env",
                                      "ASAN_OPTIONS=detect_leaks=0"])
    assert not is_mounted(mountpoint)


def served(mountpoint):
    for loop in ([], ["-s"], ["-o", "clone_fd"]):
        p = start(mountpoint, *loop)
        subprocess.run(["umount", mountpoint], check=True)
        assert p.wait(LIMIT_S) == 0, f"{loop}: status {p.returncode} after umount"
        for sig in SIGNALS:
            p = start(mountpoint, *loop)
            p.send_signal(sig)
            assert p.wait(LIMIT_S) == 8, f"{loop}: status {p.returncode} after {sig.name}"
            assert not is_mounted(mountpoint), f"{loop}: still mounted after {sig.name}"


def main():
    enter_namespaces()
    with tempfile.TemporaryDirectory(prefix="profuse-main-", dir="/tmp") as work:
        os.chmod(work, 0o755)
        mountpoint = os.path.join(work, "mnt")
        os.mkdir(mountpoint)
        os.chown(mountpoint, NOBODY, NOBODY)
        try:
            without_a_mount(mountpoint)
            served(mountpoint)
        finally:
            subprocess.run(["umount", "-l", mountpoint], capture_output=True, check=False)


main()
