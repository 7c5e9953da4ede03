# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command line, messages, exit codes, options and fuse.conf: what programs
and scripts that call fusermount3 rely on."""
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")
CONF = lab.conf_path


def fuse_at(path):
    return [m for m in mounts_at(path) if m.fuse]


def says(args, status, text, what=None, **kw):
    got = lab.run(*args, **kw)
    check(got == (status, text), what or args, "expected", (status, text), "got", got)


def refused(text, *args, path=M, **kw):
    try:
        d = lab.mount(path, *args, **kw)
    except Refused as e:
        check(e.status == 1 and e.text == "fusermount3: " + text + "\n" and not e.got_device,
              "mount", args, path, "expected", text, "got", e)
        check(not fuse_at(path), "refused and yet mounted", args, path)
        return
    check(False, "should have been refused:", args, path, text)
    d.crash()
    lab.clean()


def mounted(*args, path=M, warn="", **kw):
    """Mounts, unmounts again, and returns the line of the mount table."""
    try:
        d = lab.mount(path, *args, **kw)
    except Refused as e:
        check(False, "refused:", args, path, e)
        return None
    check(d.text == warn, args, "said", repr(d.text))
    (m,) = fuse_at(path)
    check("nosuid" in m.attrs and "nodev" in m.attrs, args, "is not nosuid,nodev", m.raw)
    check(lab.unmount(path) == (0, ""), "unmount after", args)
    check(not fuse_at(path), "still mounted after -u", args)
    d.crash()
    return m


# ---- command line ----
for flag in ("-h", "--help", "-V", "--version"):
    p = subprocess.run([lab.helper, flag], user=UID, group=UID, extra_groups=[], env={},
                       capture_output=True, text=True)
    check(p.returncode == 0 and p.stdout and not p.stderr, flag, p)
    if "V" in flag or "v" in flag:
        check(re.fullmatch(r"fusermount3 version: [\d.]+\n", p.stdout), p.stdout)

says([], 1, "fusermount3: missing mountpoint argument\n")
says(["a", "b"], 1, "fusermount3: extra arguments after the mountpoint\n")
says(["-u", "a", "b"], 1, "fusermount3: extra arguments after the mountpoint\n")
says(["-z", M], 1, "fusermount3: -z can only be used with -u\n")
says([M], 1, "fusermount3: old style mounting not supported\n")
check(lab.run("--nonsense", M)[0] == 1, "--nonsense is an error")
check(lab.run("-X", M)[0] == 1, "-X is an error")
for name in ("xyz", "./some/name"):
    says([M], 1, name + ": old style mounting not supported\n", argv0=name)

for bad in ("x", "1x", "", "-1", " 3", "0x3", "99999999999", "4294967299"):
    says([M], 1, "fusermount3: invalid _FUSE_COMMFD: %s\n" % bad, env={"_FUSE_COMMFD": bad})
says([M], 1, "fusermount3: fstat of comm fd 77 failed: Bad file descriptor\n",
     env={"_FUSE_COMMFD": "77"})
says(["--comm-fd", "78", M], 1, "fusermount3: fstat of comm fd 78 failed: Bad file descriptor\n",
     env={"_FUSE_COMMFD": "77"})
says([M], 1, "fusermount3: file descriptor 0 is not a socket, can't send fuse fd\n",
     env={"_FUSE_COMMFD": "0"})

# ---- who is at the other end ----
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    mounted(kind=kind)
for what, pair in (
        ("inet", lambda: (socket.create_server(("127.0.0.1", 0)), None)),
        ("unix datagram", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
        ("unix, not connected", lambda: (socket.socket(socket.AF_UNIX), None))):
    a, b = pair()
    n = str(a.fileno())
    status, text = lab.run(M, env={"_FUSE_COMMFD": n}, pass_fds=[a.fileno()])
    check(status == 1 and "socket" in text and not mounts_at(M), what, status, text)

# Options may stand anywhere, the last -o counts, --options is -o.
mine, theirs = socket.socketpair()
for order in ([M, "-o", "ro"], ["-o", "ro", M], ["-o", "foo", "-o", "ro", "--", M],
              ["--options=ro", M], ["--options", "ro", "--", M], ["-oro", M],
              ["-o", "rw", "-o", "ro", M], ["-q", "-o", "ro", M]):
    n = theirs.fileno()
    got = lab.run("--comm-fd", str(n), *order, pass_fds=[n])
    device = receive_device(mine)
    check(got == (0, "") and device is not None, order, got)
    check(mounts_at(M) and "ro" in mounts_at(M)[0].attrs, order, "is not ro")
    check(lab.unmount(M)[0] == 0, "-u")
    if device is not None:
        os.close(device)

# ---- unmounting ----
says(["-u", M], 1, "fusermount3: entry for %s not found in /etc/mtab\n" % M)
says(["--unmount", M], 1, "fusermount3: entry for %s not found in /etc/mtab\n" % M)
says(["-u", "/proc"], 1, "fusermount3: entry for /proc not found in /etc/mtab\n")
says(["-u", "-q", M], 1, "")
says(["-u", "-q", "-z", "--", M], 1, "")
says(["-u", M + "/no/such"], 1,
     "fusermount3: bad mount point %s/no/such: No such file or directory\n" % M)
for flags in (["-u"], ["-uz"], ["-u", "-z"], ["--unmount", "--lazy"], ["-u", "-q", "-z", "--"]):
    d = lab.mount(M)
    says(flags + [M], 0, "")
    check(not mounts_at(M), flags, "left the mount")
    d.crash()
d = lab.mount(M)
says(["-u", M + "/"], 0, "", "a slash at the end")
d.crash()
d = lab.mount(M)
says(["-u", "m"], 0, "", "a relative path", cwd=lab.home)
d.crash()
d = lab.mount(M)
d.crash()
says(["-u", M], 0, "", "a dead mount")

d = lab.mount(M)
inside = lab.stand_in(M)
says(["-u", M], 1, "fusermount3: failed to unmount %s: Device or resource busy\n" % M)
check(mounts_at(M), "a busy mount stays")
says(["-uz", M], 0, "", "a busy mount, lazily")
inside.kill()
inside.wait()
d.crash()

d = lab.mount(M)
says(["-u", M], 0, "", "root unmounts a user's", uid=0)
d.crash()

# ---- mountpoints ----
FILE = os.path.join(lab.home, "file")
open(FILE, "w").close()
os.chown(FILE, UID, UID)
Daemon.file_mode = True
d = lab.mount(FILE)
check(mounts_at(FILE), "a file as mountpoint")
says(["-u", FILE], 0, "")
d.crash()
Daemon.file_mode = False
os.chown(FILE, 0, 0)
refused("failed to open %s: Permission denied" % FILE, path=FILE)
NOPE = lab.home + "/nope"
refused("failed to access mountpoint %s: No such file or directory" % NOPE, path=NOPE)
refused("bad mount point %s/x/y: No such file or directory" % NOPE, path=NOPE + "/x/y")
refused("user has no write access to mountpoint %s" % lab.other, path=lab.other)
STICKY = lab.dir("sticky", 0, 0o1777)
refused("mountpoint %s not owned by user" % STICKY, path=STICKY)
OWN_STICKY = lab.dir("ownsticky", UID, 0o1755)
mounted(path=OWN_STICKY)
OPEN = lab.dir("open", 0, 0o777)
mounted(path=OPEN)
LINK = lab.home + "/link"
os.symlink(M, LINK)
refused("mountpoint %s is not a directory or a regular file" % LINK, path=LINK)
refused("mountpoint /dev/null is not a directory or a regular file", path="/dev/null")
sleeper = lab.shell("exec sleep 1000")
refused("mounting over filesystem type 0x00009fa0 is forbidden",
        path="/proc/%d/comm" % sleeper.pid)
sleeper.kill()
sleeper.wait()
LONG = lab.home + "/" + "a/" * 2500
refused("bad mount point %s: File name too long" % LONG, path=LONG)

# ---- options and the mount they make ----
for option, attr in (("ro", "ro"), ("rw", "rw"), ("noexec", "noexec"), ("noatime", "noatime"),
                     ("nodiratime", "nodiratime"), ("nosymfollow", "nosymfollow"),
                     ("exec", "rw"), ("async", "rw"), ("nosuid", "nosuid"), ("nodev", "nodev"),
                     ("norelatime", "rw"), ("nostrictatime", "rw"), ("symfollow", "rw"),
                     ("ro,rw", "rw"), ("rw,ro", "ro"), ("nonempty", "rw"), ("fd=7", "rw"),
                     ("rootmode=0,user_id=0,group_id=0", "rw"), ("x-gvfs-show,x-a=b", "rw"),
                     ("", "rw"), ("ro,", "ro")):
    m = mounted("-o", option)
    if m:
        check(attr in m.attrs, option, "gave", m.raw)
        check("user_id=%d,group_id=%d" % (UID, UID) in m.options, option, "gave", m.raw)
for option, word in (("sync", "sync"), ("dirsync", "dirsync"), ("max_read=100", "max_read=4096"),
                     ("max_read=65536", "max_read=65536"),
                     ("default_permissions", "default_permissions"), ("ro", "ro")):
    m = mounted("-o", option)
    check(m and word in m.options.split(","), option, "gave", m and m.raw)
for option, kind, source in (("", "fuse", "/dev/fuse"), ("subtype=abc", "fuse.abc", "abc"),
                             ("fsname=x", "fuse", "x"), ("fsname=x,subtype=y", "fuse.y", "x"),
                             (r"fsname=a\,b", "fuse", "a,b"), (r"fsname=a\\b", "fuse", r"a\b"),
                             ("fsname=a b", "fuse", "a b"), ("fsname=a=b", "fuse", "a=b"),
                             ("fsname=--target=/etc", "fuse", "--target=/etc"),
                             ("fsname=" + "x" * 4000, "fuse", "x" * 4000),
                             ("fsname=" + "x" * 255, "fuse", "x" * 255),
                             ("fsname=" + "x" * 256 + ",ro", "fuse", "x" * 256),
                             ("subtype=" + "y" * 300 + ",fsname=q", "fuse." + "y" * 300, "q")):
    m = mounted("-o", option)
    check(m and (m.type, m.source) == (kind, source), option, "gave", m and m.raw)
mounted("-o", "suid", warn="fusermount3: unsafe option suid ignored\n")
mounted("-o", "dev,suid", warn="fusermount3: unsafe option suid ignored\n"
        "fusermount3: unsafe option dev ignored\n")
for option in ("foo", "remount", "bind", "user=root", "context=x", "large_read", "atime", "ro=1",
               "allow_other=1", "max_read=", "max_read=x", "max_read=-1", "max_read=4294967296",
               "RO", " ro", "ro ", "allow_other\n"):
    refused("unknown option '%s'" % option, "-o", option)
refused("unknown option ''", "-o", "ro,,nodev")
refused("unknown option ''", "-o", ",")
refused("option blkdev is privileged", "-o", "blkdev")
refused("mount options too long", "-o", "fsname=" + "x" * 100000)
for wish in ("allow_other", "allow_root"):
    refused("option %s only allowed if 'user_allow_other' is set in %s" % (wish, CONF), "-o", wish)
try:
    lab.mount(M, "-o", "blksize=512")
    check(False, "blksize without blkdev was accepted")
except Refused as e:
    check(re.fullmatch("fusermount3: kernel: fuse: blksize only .*\n"
                       "fusermount3: mount failed: Invalid argument\n", e.text),
          "the kernel's own words are missing:", e)

# ---- fuse.conf ----
lab.set_conf("user_allow_other\n")
m = mounted("-o", "allow_other")
check(m and "allow_other" in m.options, m and m.raw)
refused("unknown option 'allow_root'", "-o", "allow_root")
for text in ("  user_allow_other  # yes\n", "# a\n\nuser_allow_other#b\n", "\tuser_allow_other\r\n"):
    lab.set_conf(text)
    mounted("-o", "allow_other")
for text, warning in (
        ("frobnicate\n", "unknown parameter in %s at line 1: 'frobnicate'" % CONF),
        ("\nuser_allow_other = 1\n", "unknown parameter in %s at line 2: 'user_allow_other = 1'"
         % CONF),
        ("x" * 300 + "\n", "reading %s: line 1 too long" % CONF),
        ("user_allow_other", "reading %s: missing newline at end of file" % CONF),
        ("mount_max = -2\n", "invalid mount_max = -2 in %s at line 1" % CONF),
        ("mount_max = ten\n", "invalid mount_max = ten in %s at line 1" % CONF),
        ("mount_max =\n", "invalid mount_max =  in %s at line 1" % CONF),
        ("allow_fstype = tmpfs\n", "invalid allow_fstype = tmpfs in %s at line 1" % CONF)):
    lab.set_conf(text)
    mounted(warn="fusermount3: %s\n" % warning)
lab.set_conf("user_allow_other\n", mode=0o600)
mounted(warn="fusermount3: failed to open %s: Permission denied\n" % CONF)
for mode, uid in ((0o644, UID), (0o666, 0), (0o664, 0)):
    lab.set_conf("user_allow_other\n", mode, uid)
    text = "ignoring %s: not a file that only root can write" % CONF
    try:
        lab.mount(M, "-o", "allow_other")
        check(False, "believed a file that a user can write", oct(mode), uid)
    except Refused as e:
        check(text in e.text, e)

# The list of filesystem types can be extended.
lab.set_conf("")
RAM = lab.make("bpf", 0o755, 0)
try:
    mount("bpf", RAM, "bpf")
except OSError:
    print("no bpf filesystem: the list of types is tested in the unit test only")
else:
    os.chown(RAM, UID, UID)
    refused("mounting over filesystem type 0xcafe4a11 is forbidden", path=RAM)
    lab.set_conf("allow_fstype = 0xcafe4a11\n")
    mounted(path=RAM)
    umount(RAM)
lab.set_conf("")

# Root may do more.
ROOTS = lab.make("roots", 0o700, 0)
d = lab.mount(ROOTS, "-o", "dev,suid,allow_other", uid=0)
m = mounts_at(ROOTS)[0]
check("nosuid" not in m.attrs and "nodev" not in m.attrs and "allow_other" in m.options, m.raw)
check(lab.unmount(ROOTS) == (1, "fusermount3: bad mount point %s: Permission denied\n" % ROOTS)
      or not mounts_at(ROOTS) is None, "a user and root's mount")
check(mounts_at(ROOTS), "a user took root's mount away")
says(["-u", ROOTS], 0, "", uid=0)
d.crash()

done(lab)
