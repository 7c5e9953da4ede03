#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the example programs that the distribution ships with its development
packages, where they lie, and runs them.

usage: check_examples.py TREE

TREE is an installed copy (DESTDIR) of this library. Each example is compiled
three times: against the distribution's headers and library (the control, and,
with our libfuse3.so.3 in the place of the other, "so.3"), and against our
headers and libfuse3.so.4 ("so.4"). Those that can show something are mounted
and looked at. Exit status 1 when something works with the distribution's and not
with ours, 77 when there are no examples.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

FOLDERS = ["/usr/share/doc/libfuse3-dev/examples", "/usr/share/doc/libfuse-dev/examples"]
# What is looked at: the arguments, and a shell command with $m the mount point.
HELLO = ([], 'test "$(cat "$m/hello")" = "Hello World!" && test "$(ls "$m")" = hello')
MIRROR = ([], 'cmp /etc/passwd "$m/etc/passwd" && ls "$m" >/dev/null && '
              'echo text >"$m$d/file" && test "$(cat "$d/file")" = text && '
              'mv "$m$d/file" "$m$d/moved" && ln -s moved "$m$d/soft" && '
              'test "$(cat "$m$d/soft")" = text && rm "$m$d/moved" "$m$d/soft"')
RUN = {
    "hello": HELLO, "hello_ll": HELLO,
    "passthrough": MIRROR, "passthrough_fh": MIRROR, "passthrough_ll": MIRROR,
    "ioctl": ([], 'echo text >"$m/fioc" && test "$(cat "$m/fioc")" = text'),
    "poll": ([], 'test "$(ls "$m" | wc -l)" = 16'),
    "invalidate_path": ([], 'ls "$m" >/dev/null && cat "$m"/* >/dev/null'),
    "notify_inval_entry": (["--update-interval=1"], 'ls "$m" | grep -q Time_is && sleep 1.5 && '
                                                    'ls "$m" | grep -q Time_is'),
    "notify_inval_inode": (["--update-interval=1"], 'grep -q "time is" "$m/current_time" && '
                                                    'sleep 1.5 && cat "$m/current_time"'),
    "notify_store_retrieve": (["--update-interval=1"], 'cat "$m/current_time" && sleep 1.5 && '
                                                       'cat "$m/current_time"'),
}


COLUMNS = ("stock", "so.3", "so.4")
# Sources that the interface of libfuse 3.19 does not fit any more.
OTHER_INTERFACE = {
    ("libfuse3-dev/notify_inval_entry.c", "so.4"):
        "fuse_lowlevel_notify_expire_entry has one argument less since libfuse 3.16",
}


def flags(tree=None):
    """What pkg-config says, of the distribution or of the tree."""
    env = dict(os.environ)
    if tree:
        found = glob.glob(tree + "/**/fuse3.pc", recursive=True)
        env.update(PKG_CONFIG_SYSROOT_DIR=tree, PKG_CONFIG_LIBDIR=os.path.dirname(found[0]))
    out = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], env=env, check=True,
                         capture_output=True, text=True)
    return out.stdout.split()


def compile_example(source, target, tree):
    """"ok", or the first complaint."""
    p = subprocess.run(["cc", "-w", "-Werror=implicit-function-declaration", "-D_FILE_OFFSET_BITS=64",
                        source, "-o", target, *flags(tree), "-pthread"],
                       capture_output=True, text=True, check=False)
    return "ok" if p.returncode == 0 else first_error(p.stderr)


def first_error(text):
    found = re.search(r"(?:error:|undefined reference).*", text)
    return found[0] if found else text.strip()[:100]


def libraries(tree, name):
    found = glob.glob(f"{tree}/**/{name}", recursive=True)
    return os.path.dirname(found[0])


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == path for line in f)


def show(program, name, library_path, scratch):
    """Mounts an example and looks at it: "ok" or what was wrong."""
    arguments, script = RUN[name]
    mnt = tempfile.mkdtemp(dir=scratch)
    data = tempfile.mkdtemp(dir=scratch)
    env = dict(os.environ, m=mnt, d=data, LD_LIBRARY_PATH=library_path)
    with tempfile.TemporaryFile("w+") as log:
        p = subprocess.Popen([program, "-f", *arguments, mnt], env=env, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 10
            while not is_mounted(mnt) and p.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            if not is_mounted(mnt):
                log.seek(0)
                return "not mounted: " + log.read()[-200:]
            with open(f"/proc/{p.pid}/maps", encoding="utf-8") as f:
                if library_path not in f.read():
                    return "runs on another library"
            look = subprocess.run(["sh", "-c", script], env=env, timeout=30, check=False,
                                  capture_output=True, text=True)
            subprocess.run(["umount", mnt], check=True)
            status = p.wait(10)
            if look.returncode:
                return "wrong contents: " + look.stderr[-200:]
            if status:
                return f"exit {status} after the unmount"
            log.seek(0)
            said = [line for line in log.read().split("\n") if line.startswith("fuse:")]
            return "says: " + said[0] if said and library_path else "ok"
        except (subprocess.SubprocessError, OSError) as e:
            return str(e)
        finally:
            subprocess.run(["umount", "-l", mnt], check=False, capture_output=True)
            p.kill()
            p.wait()


def verdicts(source, tree, scratch):
    """{column: (built, ran)}"""
    name = os.path.basename(source)[:-2]
    stock, ours = os.path.join(scratch, "stock-" + name), os.path.join(scratch, "ours-" + name)
    built = {"stock": compile_example(source, stock, None),
             "so.4": compile_example(source, ours, tree)}
    built["so.3"] = built["stock"]
    how = {"stock": (stock, ""), "so.3": (stock, libraries(tree, "libfuse3.so.3")),
           "so.4": (ours, libraries(tree, "libfuse3.so.4"))}
    return {column: (built[column], show(how[column][0], name, how[column][1], scratch)
                     if name in RUN and built[column] == "ok" else "-")
            for column in COLUMNS}


def verdict(name, column, text):
    """The word of the table."""
    if (name, column) in OTHER_INTERFACE and text != "ok":
        return "other"
    return {"ok": "ok", "-": "-"}.get(text, "no")


def row(name, step, texts):
    """Prints a line and its reasons; returns "passed", "failed" or "skipped"."""
    words = {c: verdict(name, c, t) for c, t in texts.items()}
    print(f"{name:36} {step:6} " + " ".join(f"{words[c]:8}" for c in COLUMNS), flush=True)
    if words["stock"] != "ok":
        print(f"    fails with the distribution's library: {texts['stock']}")
        return "skipped"
    for c in COLUMNS:
        if words[c] == "no":
            print(f"    {c}: {texts[c]}")
        elif words[c] == "other":
            print(f"    {c}: {OTHER_INTERFACE[name, c]}")
    return "failed" if "no" in words.values() else "passed"


def inside(tree, scratch):
    sources = [f for d in FOLDERS for f in sorted(glob.glob(d + "/*.c"))]
    if not sources:
        print("SKIP: no examples of the distribution are installed: libfuse3-dev, libfuse-dev")
        return 77
    print(f"{'example':36} {'':6} " + " ".join(f"{c:8}" for c in COLUMNS))
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for source in sources:
        result = verdicts(source, tree, scratch)
        name = os.path.basename(os.path.dirname(os.path.dirname(source)))
        name += "/" + os.path.basename(source)
        for n, step in enumerate(("builds", "runs")):
            texts = {c: r[n] for c, r in result.items()}
            if texts["stock"] != "-":
                count[row(name, step, texts)] += 1
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count))
    return 1 if count["failed"] else 0


def main():
    if len(sys.argv) == 3:
        return inside(*sys.argv[1:])
    # Mirrors of / are mounted in a mount namespace that has ended before the
    # directory is removed.
    with tempfile.TemporaryDirectory(prefix="profuse-examples-", dir="/tmp") as scratch:
        return subprocess.run(
            ["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child", "--propagation",
             "private", sys.executable, os.path.abspath(__file__), sys.argv[1], scratch],
            check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
