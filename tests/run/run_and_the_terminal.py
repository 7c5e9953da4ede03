#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Job control: who is in the foreground, and who hears Ctrl-C and Ctrl-Z."""

import os
import pty
import select
import signal
import sys
import time

import support
from support import RunTest, USER, wait_until


class Terminal:
    """A shell without job control would do; we are it: a session with a
    terminal, in which one foreground job runs."""

    def __init__(self, test, *args):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(test.tmp)
            if os.getuid() == 0:
                os.setgroups([])
                os.setresgid(USER, USER, USER)
                os.setresuid(USER, USER, USER)
            # The job gets a group of its own, as from a shell. The leader
            # stays to report: S when it stopped, else its status.
            job = os.fork()
            if job == 0:
                os.setpgid(0, 0)
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(0, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                os.execve(args[0], args, test.env)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            while True:
                _, status = os.waitpid(job, os.WUNTRACED)
                if os.WIFSTOPPED(status):
                    os.tcsetpgrp(0, os.getpgrp())
                    os.write(1, b"<stopped>\n")
                    os.read(0, 100)
                    os.tcsetpgrp(0, job)
                    os.killpg(job, signal.SIGCONT)
                    continue
                os.write(1, f"<status {os.waitstatus_to_exitcode(status)}>\n".encode())
                os._exit(0)

    def expect(self, text, limit_s=20):
        end = time.monotonic() + limit_s
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                got = os.read(self.fd, 4096).decode()
            except OSError:
                got = ""
            if not got:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            self.seen += got
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class OnATerminal(RunTest):
    def terminal(self, *args):
        t = Terminal(self, self.profuse, "run", "-q", *args)
        self.addCleanup(self.end, t)
        return t

    def end(self, t):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        t.close()

    def test_the_command_is_in_the_foreground(self):
        t = self.terminal(self.tiny, "--", "sh", "-c", "read x; echo got $x")
        t.type("a line\n")
        t.expect("got a line")
        t.expect("<status 0>")
        self.assert_nothing_left()

    def test_ctrl_c_is_for_the_command_alone(self):
        # The filesystem must live on until the command, which cleans up, ends.
        t = self.terminal(
            self.tiny, "--", "sh", "-c",
            'trap "sleep 0.3; ls $PROFUSE_MOUNTPOINT && echo mounted; exit 5" INT; '
            'echo ready; while :; do sleep 0.1; done')
        t.expect("ready")
        t.type("\x03")
        t.expect("mounted")
        t.expect("<status 5>")
        self.assert_nothing_left()

    def test_ctrl_c_arrives_once(self):
        t = self.terminal(
            self.tiny, "--", "sh", "-c",
            'n=0; trap "n=\\$((n+1))" INT; echo ready; '
            'for i in 1 2 3 4 5; do sleep 0.1; done; echo count $n.')
        t.expect("ready")
        t.type("\x03")
        t.expect("count 1.")
        t.expect("<status 0>")

    def test_ctrl_z_stops_the_job_and_fg_continues_it(self):
        t = self.terminal(
            self.tiny, "--", "sh", "-c",
            'echo ready; read x; ls $PROFUSE_MOUNTPOINT && echo still mounted')
        t.expect("ready")
        t.type("\x1a")
        t.expect("<stopped>")
        t.type("fg\n")
        time.sleep(0.1)
        t.type("go\n")
        t.expect("still mounted")
        t.expect("<status 0>")
        self.assert_nothing_left()

    def test_the_filesystem_may_ask_for_a_password_first(self):
        t = self.terminal(self.tiny, "ask", "--", "sh", "-c", "read x; echo got $x")
        t.expect("password: ")
        t.type("sesame\n")
        time.sleep(0.1)
        t.type("a line\n")
        t.expect("got a line")
        t.expect("<status 0>")
        self.assert_nothing_left()

    def test_ctrl_c_at_the_password_ends_everything(self):
        t = self.terminal(self.tiny, "ask", "--", "true")
        t.expect("password: ")
        time.sleep(0.2)
        t.type("\x03")
        t.expect("<status 1")
        self.assert_nothing_left()

    def test_ctrl_c_while_the_filesystem_starts_ends_everything(self):
        t = self.terminal(self.tiny, "sleep", "--", "true")
        wait_until(lambda: len(self.processes()) > 2)
        t.type("\x03")
        t.expect("<status 130>")
        self.assert_nothing_left()

    def test_a_pipeline_neighbour_keeps_the_terminal(self):
        # As less(1) does, it sets the terminal's mode while the filesystem
        # starts.
        script = self.script("job", f"""#!/bin/sh
{{ {self.profuse} run -q {self.slow()} -- echo from the mount; }} | \\
    {{ sleep 0.1; stty -echo </dev/tty; cat; stty echo </dev/tty; }}
""")
        t = Terminal(self, script)
        self.addCleanup(self.end, t)
        t.expect("from the mount")
        t.expect("<status 0>")
        self.assertNotIn("stopped", t.seen)

    def slow(self):
        return self.script("slowfs", f'#!/bin/sh\nsleep 0.5\nexec {self.tiny} "$@"\n')

    def test_in_the_background_a_password_waits_for_fg(self):
        script = self.script("job", f"""#!/bin/bash
set -m
{self.profuse} run -q {self.tiny} ask -- echo in the mount &
while [ "$(jobs -s)" = "" ]; do sleep 0.05; done
echo stopped as it should
fg
""")
        t = Terminal(self, script)
        self.addCleanup(self.end, t)
        t.expect("stopped as it should")
        time.sleep(0.2)
        t.type("sesame\n")
        t.expect("in the mount")
        t.expect("<status 0>")

    def test_in_the_background_the_terminal_is_left_alone(self):
        script = self.script("job", f"""#!/bin/bash
set -m
{self.profuse} run -q {self.tiny} -- sh -c 'echo in the background; sleep 0.2' &
read x
echo foreground got $x
wait $!
""")
        t = Terminal(self, script)
        self.addCleanup(self.end, t)
        t.expect("in the background")
        t.type("a line\n")
        t.expect("foreground got a line")
        t.expect("<status 0>")

    def test_hanging_up_ends_everything(self):
        t = self.terminal(self.tiny, "--", "sh", "-c", "echo ready; exec sleep 1000")
        t.expect("ready")
        os.close(t.fd)
        t.fd = os.open("/dev/null", os.O_RDONLY)
        wait_until(lambda: not self.processes(), 20)
        self.assert_nothing_left()


if __name__ == "__main__":
    support.main(sys.modules[__name__])
