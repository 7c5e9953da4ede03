# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a recipe is given: ways to run the program, to mount and unmount it,
and to check what it shows, as the identity of this run."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import traceback

import probe
import world as w

LIMIT_S = 20


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def wait_until(what, condition, seconds=LIMIT_S):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.005)


class Case:
    """One program, as root or as the user, with the stock library or ours."""

    def __init__(self, world, column, log_path):
        self.world, self.column = world, column
        self.uid = world.uid
        self.source, self.work = world.source, world.work
        self.mnt = self.folder("mnt")
        self.checked = []   # what was checked, in words
        self.traits = {}    # what the probe saw
        self.note = ""      # about the ring column
        self.own_loop = False
        self.library_seen = False
        self.log_path = log_path
        self.log = open(log_path, "ab")  # pylint: disable=consider-using-with
        self.env = {
            "HOME": world.home, "USER": w.USER if self.uid else "root", "TMPDIR": world.tmp,
            "XDG_RUNTIME_DIR": world.runtime, "TERM": "dumb", "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        }
        if column != "stock":
            self.env["FUSE_URING_ENABLE"] = "1" if column == "ring" else "0"

    @property
    def root(self):
        return self.uid == 0

    # -- files --

    def path(self, name):
        return os.path.join(self.work, name)

    def folder(self, name):
        path = self.path(name)
        os.mkdir(path)
        os.chown(path, self.uid, self.uid)
        return path

    def file(self, name, content, mode=0o644):
        path = self.path(name)
        w.write(path, content.encode() if isinstance(content, str) else content)
        os.chown(path, self.uid, self.uid)
        os.chmod(path, mode)
        return path

    # -- processes --

    def _identity(self, as_root):
        if as_root or self.root:
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def run(self, *argv, status=0, text=None, cwd=None, as_root=False, timeout=60, env=None):
        """Runs a program to its end and returns what it printed."""
        # Not through a pipe, which those that stay in the background keep open.
        with tempfile.TemporaryFile("w+", errors="replace") as out:
            p = subprocess.run(
                argv, input=text, stdin=None if text else subprocess.DEVNULL, stdout=out,
                stderr=self.log, cwd=cwd or self.work, timeout=timeout, text=True, check=False,
                env={**self.env, **(env or {})}, **self._identity(as_root))
            out.seek(0)
            printed = out.read()
        if status is not None and p.returncode != status:
            raise Failed(f"{os.path.basename(argv[0])}: exit {p.returncode}: "
                         f"{printed.strip()[-200:]} {self.last_words()}")
        return printed

    def start(self, *argv, cwd=None, as_root=False, env=None):
        """Starts a program that stays."""
        return subprocess.Popen(  # pylint: disable=consider-using-with
            argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            cwd=cwd or self.work, env={**self.env, **(env or {})}, **self._identity(as_root))

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            lines = f.read().strip().split("\n")
        return " / ".join(lines[-3:])[-300:]

    def as_me(self, function, *args):
        """Calls a function in a process that is the identity of this run."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reader)
                if self.uid:
                    os.setgroups([])
                    os.setresgid(self.uid, self.uid, self.uid)
                    os.setresuid(self.uid, self.uid, self.uid)
                os.chdir(self.work)
                function(*args)
                os._exit(0)
            except BaseException as e:  # pylint: disable=broad-except
                place = traceback.extract_tb(e.__traceback__)[-1]
                os.write(writer, f"{type(e).__name__}: {e} ({place.line})"[:2000].encode())
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader, errors="replace") as f:
            why = f.read()
        _, status = os.waitpid(pid, 0)
        if status:
            raise Failed(why or f"ended with status {status}")

    def check(self, function, *args):
        """A check's name is what is printed: read_write is "read write"."""
        name = function.__name__.replace("_", " ")
        try:
            self.as_me(function, *args)
        except Failed as e:
            raise Failed(f"{name}: {e}") from e
        self.did(name)

    def did(self, what):
        if what not in self.checked:
            self.checked.append(what)

    def expect(self, condition, what):
        if not condition:
            raise Failed(f"not so: {what}")
        self.did(what)

    def probe(self, mnt=None, read_only=False):
        """Notes what the mount answers, for the comparison with the stock library."""
        answer = self.file("probe.json", "")
        function = probe.probe_read_only if read_only else probe.probe

        def look():
            seen = function(mnt or self.mnt)
            with open(answer, "w", encoding="utf-8") as f:
                json.dump(seen, f)
        self.as_me(look)
        with open(answer, encoding="utf-8") as f:
            self.traits.update(json.load(f))
        os.unlink(answer)
        self.did("what system calls answer")

    # -- mounting --

    def is_mounted(self, path=None):
        m = w.mounted_at(path or self.mnt)
        return m is not None and m.fuse

    def same_library(self, need_library):
        """That the process that serves runs on the column's library and, in the
        column of rings, has some."""
        seen = self.world.users_of_the_library()
        if not need_library:
            return
        if not seen:
            raise Failed("no process runs with libfuse3.so.3")
        self.library_seen = True
        if self.column in ("dev", "ring") and not any(ours for ours, _ in seen.values()):
            raise Failed("the library under test is not the one in use")
        if self.column in ("stock", "helper") and any(ours for ours, _ in seen.values()):
            raise Failed("the stock library is not the one in use")
        if self.column == "ring" and not self.own_loop and \
                not any(rings for _, rings in seen.values()):
            raise Failed("no rings in use")

    @contextlib.contextmanager
    def mounted(self, *argv, at=None, foreground=False, status=0, library=True, cwd=None,
                unmount=None, env=None, kind=None):
        """Mounts, and afterwards unmounts and waits for the end of the program.

        In the background a program has to be usable when it returns; in the
        foreground (also one with -f among its arguments) its exit status is
        checked as well (None: compared with that on the stock library)."""
        at = at or self.mnt
        process = None
        before = set(self.world.users_of_the_library())
        if foreground or "-f" in argv:
            process = self.start(*argv, cwd=cwd, env=env)
            wait_until(f"{argv[0]} has mounted",
                       lambda: self.is_mounted(at) or process.poll() is not None)
            if not self.is_mounted(at):
                raise Failed(f"{os.path.basename(argv[0])}: exit {process.returncode}: "
                             f"{self.last_words()}")
        else:
            self.run(*argv, cwd=cwd, env=env)
            if not self.is_mounted(at):
                raise Failed(f"{os.path.basename(argv[0])} returned, but has not mounted")
        self.as_me(os.stat, at)  # answers; threads and rings are there
        self.same_library(library)
        if kind:
            self.expect(w.mounted_at(at).type == kind, f"type {kind}")
        yield process
        (unmount or self.unmount)(at)
        wait_until("the mount is gone", lambda: not self.is_mounted(at))
        if process:
            try:
                code = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                raise Failed("unmounted, but does not end") from None
            if status is None:
                self.traits["exit status"] = str(code)
            elif code != status:
                raise Failed(f"exit {code} after the unmount: {self.last_words()}")
        elif library:
            wait_until("the program ends after the unmount",
                       lambda: not set(self.world.users_of_the_library()) - before)
        self.did("ends")

    def unmount(self, at=None):
        at = at or self.mnt
        if self.root:
            self.run("umount", at)
        else:
            self.run("fusermount3", "-u", at)

    @staticmethod
    def terminate(process):
        """For unmount=: the program unmounts when it is told to end."""
        return lambda at: process[0].send_signal(signal.SIGTERM)
