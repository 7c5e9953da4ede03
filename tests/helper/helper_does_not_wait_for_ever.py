# SPDX-License-Identifier: LGPL-2.1-or-later
"""On the way to a mountpoint there may be a filesystem that does not answer. The
helper gives up after half a minute, also while a request to it is under way,
which no ordinary signal interrupts."""
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")
silent = lab.mount(M)
subprocess.run(["stat", M], user=UID, group=UID, extra_groups=[], check=True,
               stdout=subprocess.DEVNULL)  # INIT is answered
silent.stop.set()
silent.thread.join()
began = time.monotonic()
waiting = []
for args in ([M + "/sub/x"], ["--sync-init", M + "/sub"], ["-u", M + "/sub/x"], ["-uz", M + "/sub"],
             ["--auto-unmount", M + "/sub"]):
    p, sock = lab.start(*args)
    waiting.append((args, p, sock))
for args, p, sock in waiting:
    try:
        p.wait(max(1, began + 40 - time.monotonic()))
    except subprocess.TimeoutExpired:
        p.kill()
    check(p.wait(20) == -signal.SIGALRM, args, "ended with", p.returncode)
    check(time.monotonic() - began > 20, args, "gave up too early")
    sock.close()
    p.stderr.close()
check(lab.unmount(M) == (0, ""), "-u of a filesystem that does not answer")
silent.crash()
done(lab)
