# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the two race tests share."""
import sys

from lab import *

# PROFUSE_RACES: attempts in all; PROFUSE_LONG: as many as one can wait for.
ATTEMPTS = int(os.environ.get("PROFUSE_RACES",
                              100000 if os.environ.get("PROFUSE_LONG") else 2000))
NAIVE_ATTEMPTS = 3000  # a naive helper loses long before


class Swapper:
    """Runs in the background; paused while the test looks at the result."""

    def __init__(self, program, *args, uid=UID, other_namespace=False):
        argv = (["unshare", "-Urm" if uid else "-m"] if other_namespace else []) + [program, *args]
        self.p = subprocess.Popen(argv, user=uid, group=uid, extra_groups=[], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        atexit.register(self.p.kill)  # however the test ends; nothing once it has been waited for

    def pause(self):
        os.kill(self.p.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.p.pid, os.WSTOPPED | os.WEXITED)

    def go_on(self):
        os.kill(self.p.pid, signal.SIGCONT)

    def end(self):
        """[how often it swapped, how many of its mounts were lost]"""
        self.p.terminate()
        self.go_on()
        out = self.p.communicate()[0].split()
        return [int(n) for n in out] or [0, 0]


def run_mount(lab, helper, path):
    """(status, device or None) of one attempt, without a daemon."""
    mine, theirs = socket.socketpair()
    with mine:
        with theirs:
            n = theirs.fileno()
            status = subprocess.run([helper, path], user=UID, group=UID, extra_groups=[],
                                    env={"_FUSE_COMMFD": str(n)}, pass_fds=[n],
                                    stderr=subprocess.DEVNULL).returncode
        return status, receive_device(mine)
