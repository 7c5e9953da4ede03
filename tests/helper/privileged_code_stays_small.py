# SPDX-License-Identifier: LGPL-2.1-or-later
"""The setuid helper has one file that uses privilege, and that and the whole
can be read in one go: counted without comments, blank lines and #include. The
document that walks through it has the same numbers.

usage: ... SOURCE"""
import os
import re
import sys

PRIVILEGED, LONGEST, ALL = 160, 220, 1290
# What priv.c is for. Nothing else may be able to do it.
PRIVILEGE = re.compile(
    r"\b(?:mnt_sys_(?:fsopen|fsconfig|fsmount|move_mount)|u?mount2?|pivot_root|chroot|unshare|setns"
    r"|clone|v?fork|exec\w+|posix_spawn\w*|system|popen|capset|set(?:res|re|e|fs|)[ug]id|setgroups)\s*\("
    r"|\bSYS_(?!openat2\b)\w+|\bPR_SET_(?!NAME\b)\w+")


def code(path):
    """The lines that hold code, comments taken out; strings stay as they are."""
    with open(path, encoding="utf-8") as source:
        text = source.read()
    token = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)
    text = token.sub(lambda m: m[0] if m[0][0] in "\"'" else " ", text)
    return [line for line in text.split("\n")
            if line.strip() and not line.startswith("#include")]


directory = os.path.join(sys.argv[1], "tools", "fusermount3")
files = {name: code(os.path.join(directory, name)) for name in sorted(os.listdir(directory))
         if name.endswith((".c", ".h"))}
faults = []
for name, lines in files.items():
    print("%5d %s" % (len(lines), name))
    if len(lines) > LONGEST:
        faults.append("%s has more than %d lines" % (name, LONGEST))
    for line in lines:
        found = PRIVILEGE.search(re.sub(r'"[^"]*"', '""', line))
        if found and name != "priv.c":
            faults.append("%s: %s is for priv.c: %s" % (name, found[0], line.strip()))
total = sum(map(len, files.values()))
print("%5d in all, of these with privilege: %d" % (total, len(files["priv.c"])))
if not any(PRIVILEGE.search(line) for line in files["priv.c"]):
    faults.append("nothing of the kind is in priv.c: the search is blind")
if len(files["priv.c"]) > PRIVILEGED:
    faults.append("priv.c has more than %d lines" % PRIVILEGED)
if total > ALL:
    faults.append("more than %d lines in all" % ALL)
with open(os.path.join(sys.argv[1], "docs", "internals", "privsep.md"), encoding="utf-8") as f:
    rows = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \|.*\| (\d+) \|$", f.read(), re.M)
said = [(re.findall(r"`([\w.]+)`", names), int(lines)) for names, lines in rows]
if sorted(name for names, _ in said for name in names) != sorted(files):
    faults.append("privsep.md has other files than these")
for names, lines in said:
    if lines != sum(len(files.get(name, [])) for name in names):
        faults.append("privsep.md says %d lines for %s" % (lines, ", ".join(names)))
for fault in faults:
    print("FAILED:", fault)
sys.exit(1 if faults else 0)
