#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: programs_end_as_documented.py LIBFUSE3.SO.3 ENDS_HL ENDS_LL SOURCE-DIR CC...

How filesystem programs end when something goes wrong: with which status, with
which message, without a process or a mount left behind. The same table for both
APIs, in the foreground and in the background, for programs built with our headers
and, where the system has those of libfuse up to 3.16, for programs built with
them, on the system's library (the control) and on our libfuse3.so.3.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 30
STOCK, OLD, NEW = "the system's library", "libfuse3.so.3", "libfuse3.so.4"


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def until(what, condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.01)


class Lab:
    def __init__(self, library, new, source, cc):
        self.dir = tempfile.mkdtemp(prefix="profuse-ends-", dir="/tmp")
        self.mnt = os.path.join(self.dir, "mnt")
        self.failed = 0
        self.done = 0
        self.programs = {NEW: (new, {})}
        if subprocess.run(["pkg-config", "--exists", "fuse3 < 3.17"], check=False).returncode:
            return
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "fuse3"], text=True)
        old = {}
        for api in ("hl", "ll"):
            old[api] = os.path.join(self.dir, "ends_" + api)
            subprocess.run(cc + ["-g", os.path.join(source, f"ends_{api}.c"), "-o", old[api]]
                           + flags.split(), check=True)
        self.programs[OLD] = (old, {"LD_LIBRARY_PATH": os.path.dirname(os.path.realpath(library))})
        if len(cc) == 1:  # a sanitized program cannot run on it
            self.programs[STOCK] = (old, {})

    def mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as f:
            return any(line.split()[1] == self.mnt for line in f)

    def pids(self, program):
        """Those that run it, zombies apart."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(program):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def start(self, program, args, env, log):
        os.makedirs(self.mnt, exist_ok=True)
        args = [a.replace("MNT", self.mnt) for a in args]
        return subprocess.Popen(  # pylint: disable=consider-using-with
            [program] + args, env=dict(os.environ, **env), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, cwd=self.dir)

    def clean(self, program):
        for pid in self.pids(program):
            os.kill(pid, signal.SIGKILL)
        until("the program's end", lambda: not self.pids(program))
        while self.mounted():
            subprocess.run(["umount", "-l", self.mnt], check=False)

    def case(self, library, api, args, how, status, message, signals=0, leaves_mount=False):
        """Runs one; with `signals`, sends so many SIGTERM once init() is called."""
        programs, env = self.programs[library]
        env = dict(env, HOW=how, MARKER=os.path.join(self.dir, "in-init"))
        log_path = os.path.join(self.dir, "log")
        try:
            with open(log_path, "w", encoding="utf-8") as log:
                p = self.start(programs[api], args, env, log)
                for n in range(signals):
                    until("init()", lambda: os.path.exists(os.path.join(self.dir, "in-init")))
                    # The second is another signal only when the first was taken.
                    time.sleep(0.3 if n else 0)
                    p.send_signal(signal.SIGTERM)
                got = p.wait(LIMIT_S)
            with open(log_path, encoding="utf-8") as log:
                text = log.read()
            until("no process is left", lambda: not self.pids(programs[api]))
            assert got == status, f"status {got} instead of {status}: {text}"
            assert re.search(message, text), f"no /{message}/ in: {text}"
            assert leaves_mount or not self.mounted(), "a mount is left"
            self.done += 1
        except (AssertionError, subprocess.TimeoutExpired) as e:
            self.failed += 1
            print(f"FAILED: {api} {' '.join(args)} HOW={how} on {library}: {e}")
            p.kill()
            p.wait()
        finally:
            self.clean(programs[api])
            marker = os.path.join(self.dir, "in-init")
            if os.path.exists(marker):
                os.unlink(marker)


# Arguments, status, message. The same on the system's library.
SAME = [
    (["--no-such-option", "MNT"], 3, "unknown option"),
    (["-o", "no_such_option", "MNT"], 3, r"unknown option\(s\): `-o no_such_option'"),
    (["/nonexistent/directory"], 1, "bad mount point `/nonexistent/directory'"),
    (["MNT", "MNT"], 1, "invalid argument"),
    (["-o", "rootcontext=xx", "MNT"], 4, "fuse: mount failed: Invalid argument"),
    (["-f", "-o", "rootcontext=xx", "MNT"], 4, "fuse: mount failed: Invalid argument"),
    (["-f", "-o", "blkdev,fsname=/dev/nonexistent", "MNT"], 4, "mount failed"),
    (["-f", "/dev/fd/99"], 4, "/dev/fd/99"),
    (["-o", "max_threads=x", "MNT"], 1, "parameter"),
]
# Of fuse_main() alone.
MAIN = [
    ([], 2, "no mountpoint specified"),
    (["-h"], 0, r"(?s)^usage: .*ends_hl \[options\] <mountpoint>.*FUSE options:.*-o kernel_cache"),
    (["-V"], 0, r"(?m)^FUSE library version .*\n?"),
    (["-f", "-o", "modules=nosuch", "MNT"], 3, "libfusemod_nosuch.so"),
    (["-f", "-o", "modules=subdir", "MNT"], 3, "subdir"),
]


def same_everywhere(lab):
    for library in lab.programs:
        for args, status, message in SAME:
            lab.case(library, "hl", args, "", status, message)
            lab.case(library, "ll", args, "", status, message)
        for args, status, message in MAIN:
            lab.case(library, "hl", args, "", status, message)


def late_failures(lab):
    """What the system's library does here leaves mounts and processes behind."""
    for library in (OLD, NEW):
        if library not in lab.programs:
            continue
        for flags in ([], ["-f"]):
            lab.case(library, "hl", flags + ["MNT"], "refuse", 8, "capabilities 0x4 ")
            lab.case(library, "hl", flags + ["MNT"], "exit", 7, "")
            # In the background a parent tells the shell, and cannot die of a signal too.
            lab.case(library, "hl", flags + ["MNT"], "crash", -6 if flags else 1, "")
            lab.case(library, "hl", flags + ["MNT"], "hang", -15, "", signals=1)
        lab.case(library, "hl", ["-f", "-s", "MNT"], "hang", -15, "", signals=2, leaves_mount=True)
        lab.case(library, "ll", ["-f", "MNT"], "hang", -15, "", signals=2, leaves_mount=True)
        lab.case(library, "ll", ["-f", "MNT"], "refuse", 8, "capabilities 0x4 ")
        # It has told the shell before it is asked.
        lab.case(library, "ll", ["MNT"], "refuse", 0, "")
        for api in ("hl", "ll"):
            lab.case(library, api, ["-d", "MNT"], "vanish", 4, "bad mount point.*No such file")


def init_status(lab):
    """The lines that test runners look for."""
    programs, env = lab.programs[NEW]
    log_path = os.path.join(lab.dir, "log")
    with open(log_path, "w", encoding="utf-8") as log:
        p = lab.start(programs["hl"], ["-f", "MNT"],
                      dict(env, FUSE_INIT_STATUS="1", FUSE_URING_ENABLE="0",
                           FUSE_THREAD_STACK="262144"), log)
        until("the mount", lab.mounted)
        os.stat(lab.mnt)
        subprocess.run(["umount", lab.mnt], check=True)
        status = p.wait(LIMIT_S)
    with open(log_path, encoding="utf-8") as log:
        lines = log.read().splitlines()
    for line in ("FUSE_CAP_ASYNC_READ", "io_uring=off:disabled", "proto_major=7", "time_gran=1"):
        if status != 0 or "FUSE_INIT: " + line not in lines:
            lab.failed += 1
            print(f"FAILED: status {status}, no FUSE_INIT: {line} in {lines}")


def main():
    library, hl, ll, source = map(os.path.realpath, sys.argv[1:5])
    cc = sys.argv[5:]
    if os.getuid() != 0:
        skip("mounts in a namespace of its own, for which it must be root")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as e:
        skip(f"/dev/fuse: {e.strerror}")
    if "UNSHARED" not in os.environ:
        os.environ["UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "-mpf", "--mount-proc", "--kill-child", "--propagation",
                              "private", sys.executable] + sys.argv)
    lab = Lab(library, {"hl": hl, "ll": ll}, source, cc)
    try:
        same_everywhere(lab)
        late_failures(lab)
        init_status(lab)
    finally:
        shutil.rmtree(lab.dir)
    print(f"{lab.done} programs ended as documented on {', '.join(lab.programs)}")
    sys.exit(1 if lab.failed else 0)


if __name__ == "__main__":
    main()
