# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the helper does, as the kernel sees it: no other program, no other
process, no file but those it has business with, nothing before its privileges
are gone, and every mount call by descriptor."""
import sys

from lab import *

enter()
if not shutil.which("strace"):
    skip("no strace")
lab = Lab(sys.argv[1])
M = lab.dir("m")
LOG = os.path.join(lab.root, "trace")
BUSINESS = {"/dev/null", "/dev/fuse", lab.conf_path, "/proc", "/", lab.home}
NEVER = {"execve", "execveat", "fork", "vfork", "clone", "clone3", "socket", "connect", "ptrace",
         "unlink", "rename", "mkdir", "chmod", "chown", "symlink", "link", "truncate", "setuid",
         "setfsuid", "chroot", "unshare", "setns", "pivot_root", "ioctl"}


def trace(*args, fd=None):
    """The calls of the helper: [(name, the rest of the line)]."""
    p = subprocess.run(["strace", "-f", "-s", "300", "-o", LOG, "setpriv", "--reuid", str(UID),
                        "--regid", str(UID), "--clear-groups", lab.helper, *args],
                       env={"PATH": os.environ["PATH"],
                            **({"_FUSE_COMMFD": str(fd)} if fd is not None else {})},
                       pass_fds=[fd] if fd is not None else [], cwd="/", stderr=subprocess.PIPE)
    if b"PTRACE" in p.stderr:
        skip("strace may not trace here: " + p.stderr.decode())
    check(p.returncode == 0, args, p)
    lines = [re.sub(r"^\d+ +", "", line) for line in open(LOG, errors="replace")]
    start = max(i for i, line in enumerate(lines) if line.startswith("execve(") and
                lab.helper in line)
    found = []
    for line in lines[start + 1:]:
        m = re.match(r"(\w+)\((.*)$", line)
        if m:
            found.append((m[1], m[2]))
    return found


def is_in_proc(before):
    """Whether the last change of directory led to the /proc that was opened."""
    proc = [re.search(r"= (\d+)", rest)[1] for name, rest in before
            if name == "openat" and '"/proc", O_RDONLY|O_CLOEXEC|O_PATH|O_DIRECTORY' in rest]
    moves = [rest for name, rest in before if name in ("chdir", "fchdir")]
    return len(proc) == 1 and moves[-1].startswith(proc[0] + ")")


def examine(what, calls):
    names = [n for n, _ in calls]
    # main() begins where it asks for its capabilities; before is the loader's.
    begin = names.index("capget")
    dropped = next(i for i in range(begin, len(calls)) if names[i] == "capset")
    between = set(names[begin:dropped])
    check(between <= {"capget", "prctl", "setresuid", "setresgid", "getuid", "getgid"},
          what, "before the capabilities are dropped:", between)
    for i, (name, rest) in list(enumerate(calls))[begin:]:
        check(name not in NEVER, what, "calls", name, rest)
        if name in ("open", "openat", "openat2"):
            # Relative to a pinned directory, or one of a few.
            m = re.match(r'(AT_FDCWD|\d+)(?:<[^>]*>)?, "([^"]*)"', rest)
            ok = m and (m[2] in BUSINESS or (m[1] != "AT_FDCWD" and "/" not in m[2]) or
                        m[2].startswith(lab.root) or
                        re.fullmatch(r"self/mountinfo|\d+/status", m[2]))
            check(ok, what, name, rest)
        if name == "move_mount":
            check(re.match(r'\d+(<[^>]*>)?, "", \d+(<[^>]*>)?, "", MOVE_MOUNT_F_EMPTY_PATH\|'
                           r"MOVE_MOUNT_T_EMPTY_PATH", rest), what, name, rest)
        if name == "fsopen":
            check(re.match(r'"(fuse|proc)", FSOPEN_CLOEXEC', rest), what, name, rest)
        if name == "mount":
            check(re.search(r'"self/fd/\d+"', rest) and is_in_proc(calls[:i]), what, name, rest)
        if name == "umount2":
            check((re.match(r'"self/fd/\d+", MNT_DETACH', rest) and is_in_proc(calls[:i])) or
                  re.match(r'"[^/"]+", MNT_EXPIRE\|UMOUNT_NOFOLLOW', rest), what, name, rest)
    # The capability is in effect around these calls only.
    raised, with_capability, allowed = False, set(), {"fsopen", "fsconfig", "fsmount", "move_mount", "mount", "umount2"}
    for name, rest in calls[dropped:]:
        if name == "capset":
            raised = re.search(r"effective=(1<<CAP_SYS_ADMIN|.*CAP_SYS_ADMIN.*?), permitted", rest) \
                is not None
        elif raised:
            with_capability.add(name)
            check(name in allowed, what, "with the capability in effect:", name, rest)
    check(with_capability, what, "shows no call with the capability in effect: a blind test")
    check(not raised, what, "ends with the capability in effect")


mine, theirs = socket.socketpair()
n = theirs.fileno()
calls = trace("-o", "ro,fsname=a", M, fd=n)
check("move_mount" in [c for c, _ in calls], "no move_mount in", [c for c, _ in calls])
examine("mounting", calls)
device = receive_device(mine)
calls = trace("-u", M)
check("umount2" in [c for c, _ in calls], "no umount2")
examine("unmounting", calls)
os.close(device)

calls = trace("-o", "fsname=" + "x" * 300, M, fd=n)
check("mount" in [c for c, _ in calls], "no mount")
examine("mounting with a long name", calls)
device = receive_device(mine)
daemon = Daemon(device, mine, M, "")
daemon.start()
inside = lab.stand_in(M)
calls = trace("-u", "-z", M)
check(any("MNT_DETACH" in rest for _, rest in calls), "a busy mount goes by descriptor")
examine("unmounting lazily", calls)
inside.kill()
inside.wait()
daemon.crash()
done(lab)
