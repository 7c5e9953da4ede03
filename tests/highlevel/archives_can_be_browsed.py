# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... ARCHIVEFS MAKE-ARCHIVE

The same tree, packed in several formats, looks the same through archivefs;
what is damaged or strange is said clearly.
"""
import filecmp
import io
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import mounted

ARCHIVEFS, MAKE = sys.argv[1:3]


def make_tree(top):
    rng = random.Random(7)
    os.makedirs(top + "/docs/deep/er")
    os.mkdir(top + "/empty")
    with open(top + "/readme", "w", encoding="utf-8") as f:
        f.write("read me\n")
    with open(top + "/large", "wb") as f:
        f.write(rng.randbytes(3_000_000))
    with open(top + "/docs/zeros", "wb") as f:
        f.truncate(500_000)
    for i in range(60):
        with open(f"{top}/docs/deep/er/file{i}", "wb") as f:
            f.write(rng.randbytes(rng.randrange(5000)))
    os.chmod(top + "/readme", 0o640)
    os.utime(top + "/readme", (1_000_000_000, 1_000_000_000))
    os.link(top + "/readme", top + "/docs/read me too")


def same(a, b):
    """A tree of plain files and directories equals another."""
    c = filecmp.dircmp(a, b, ignore=[])
    assert not c.left_only and not c.right_only, (c.left_only, c.right_only)
    _, wrong, bad = filecmp.cmpfiles(a, b, c.common_files, shallow=False)
    assert not wrong and not bad, (wrong, bad)
    for d in c.common_dirs:
        same(os.path.join(a, d), os.path.join(b, d))


def jump_about(path, original):
    rng = random.Random(1)
    with open(path, "rb", buffering=0) as f, open(original, "rb", buffering=0) as g:
        size = os.fstat(f.fileno()).st_size
        assert size == os.fstat(g.fileno()).st_size
        for _ in range(200):
            at, n = rng.randrange(size), rng.randrange(70000)
            assert os.pread(f.fileno(), n, at) == os.pread(g.fileno(), n, at)


def formats(tmp, tree):
    for form, filt in [("pax", ""), ("pax", "gzip"), ("pax", "xz"), ("pax", "zstd"), ("zip", ""),
                       ("7zip", ""), ("iso9660", ""), ("cpio", "")]:
        archive = f"{tmp}/a.{form}.{filt}"
        made = subprocess.run([MAKE, form, filt, archive, tree], check=False)
        if made.returncode == 77:
            print(f"{form} {filt}: this libarchive cannot write it")
            continue
        assert made.returncode == 0
        with mounted.Mounted([ARCHIVEFS, archive]) as m:
            jump_about(m.dir + "/large", tree + "/large")
            same(tree, m.dir)
            st = os.stat(m.dir + "/readme")
            assert int(st.st_mtime) == 1_000_000_000, st
            if form != "iso9660":
                assert st.st_mode & 0o777 == 0o640, st
            try:
                open(m.dir + "/new", "w", encoding="utf-8")
                raise AssertionError("could be written")
            except OSError:
                pass
        print(f"{form} {filt}: ok")


def links_and_attributes(tmp):
    archive = tmp + "/links.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as t:
        def add(name, kind=tarfile.REGTYPE, data=b"", link="", **headers):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            info.uid, info.gid, info.mode = 12, 34, 0o604
            info.pax_headers = headers
            t.addfile(info, io.BytesIO(data))

        add("./d/target", data=b"text", **{"SCHILY.xattr.user.colour": "green"})
        add("d/symbolic", tarfile.SYMTYPE, link="target")
        add("hard", tarfile.LNKTYPE, link="./d/target")
        add("fifo", tarfile.FIFOTYPE)
        add("../outside", data=b"x")
        add("/absolute/path", data=b"y")
        add("twice", data=b"first")
        add("twice", data=b"second one")
        add("d/dangling", tarfile.LNKTYPE, link="nowhere")
    with mounted.Mounted([ARCHIVEFS, archive]) as m:
        assert sorted(os.listdir(m.dir)) == ["absolute", "d", "fifo", "hard", "twice"]
        for what in ("../outside: leads out of the archive",
                     "d/dangling: a hard link to what is not in the archive"):
            assert f"archivefs: left out: {what}" in m.log(), m.log()
        assert os.readlink(m.dir + "/d/symbolic") == "target"
        st = os.stat(m.dir + "/hard")
        assert st.st_nlink == 2 and st.st_uid == 12 and st.st_gid == 34, st
        assert st.st_ino == os.stat(m.dir + "/d/symbolic").st_ino
        assert os.listxattr(m.dir + "/hard") == ["user.colour"]
        assert os.getxattr(m.dir + "/hard", "user.colour") == b"green"
        for name, text in [("hard", b"text"), ("twice", b"second one"),
                           ("absolute/path", b"y")]:
            with open(f"{m.dir}/{name}", "rb") as f:
                assert f.read() == text, name


def run_to_fail(*command):
    out = subprocess.run([ARCHIVEFS, *command, "-f", "/"], capture_output=True, text=True,
                         check=False, timeout=60)
    assert out.returncode == 1, out
    return out.stderr


def damaged(tmp, tree):
    whole = tmp + "/whole.tar.gz"
    subprocess.run([MAKE, "pax", "gzip", whole, tree], check=True)
    cut = tmp + "/cut.tar.gz"
    with open(whole, "rb") as f, open(cut, "wb") as g:
        g.write(f.read(os.path.getsize(whole) // 2))
    text = run_to_fail(cut)
    assert "cut.tar.gz is damaged after" in text and "truncated" in text.lower(), text
    with mounted.Mounted([ARCHIVEFS, "-o", "damaged", cut]) as m:
        bad = 0
        for folder, _, names in os.walk(m.dir):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb", buffering=0) as f, \
                            open(os.path.join(tree, os.path.relpath(f.name, m.dir)), "rb") as g:
                        # What comes before the damage is good, and is not the end.
                        while data := f.read(5000):
                            assert data == g.read(len(data))
                        assert not g.read(1), name
                except OSError as e:
                    assert e.errno == 5, e
                    bad += 1
        assert bad == 1, bad
    nothing = tmp + "/text"
    with open(nothing, "w", encoding="utf-8") as f:
        f.write("This is no archive.\n" * 100)
    assert "archivefs: " + nothing in run_to_fail(nothing)
    assert "Is a directory" in run_to_fail(tmp)
    assert "No such file" in run_to_fail(tmp + "/not there")


def encrypted_members_are_shown(tmp):
    archive = tmp + "/plain.zip"
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("secret", b"x" * 100)
        z.writestr("open", b"text")
    with open(archive, "r+b") as f:
        data = bytearray(f.read())
        # The flag that says so, in the local header and in the directory.
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
        f.seek(0)
        f.write(data)
    with mounted.Mounted([ARCHIVEFS, archive]) as m:
        assert sorted(os.listdir(m.dir)) == ["open", "secret"]
        try:
            open(m.dir + "/secret", "rb")
            raise AssertionError("was opened")
        except PermissionError:
            pass
        with open(m.dir + "/open", "rb") as f:
            assert f.read() == b"text"


mounted.need_root("mounts")
mounted.need_device()
with tempfile.TemporaryDirectory(prefix="profuse-archivefs-", dir="/tmp") as work:
    source = work + "/tree"
    make_tree(source)
    formats(work, source)
    links_and_attributes(work)
    damaged(work, source)
    encrypted_members_are_shown(work)
