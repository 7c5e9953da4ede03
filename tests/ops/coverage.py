# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: coverage.py SOURCE DIRECTORY TEST...

Prints which operations and notifications the tests of this directory did not
exercise, per transport, from what each TEST left in DIRECTORY. On `stream` and
`dev` none may be missing but those that cannot be caused there.
"""

import os
import re
import sys

MUST_BE_COMPLETE = ["stream", "dev"]

# What Linux cannot be made to send here, and why.
IMPOSSIBLE = {
    ("SETUPMAPPING", "dev"): "only virtio-fs with a DAX window sends it",
    ("REMOVEMAPPING", "dev"): "only virtio-fs with a DAX window sends it",
    ("CUSE_INIT", "dev"): "comes from /dev/cuse, not /dev/fuse",
    ("SETUPMAPPING", "uring"): "only virtio-fs with a DAX window sends it",
    ("REMOVEMAPPING", "uring"): "only virtio-fs with a DAX window sends it",
    ("CUSE_INIT", "uring"): "comes from /dev/cuse, not /dev/fuse",
}


def names(source, macro, prefix):
    with open(source, encoding="utf-8") as rows:
        text = re.sub(r"/\*.*?\*/", "", rows.read(), flags=re.S)
    return [prefix + n for n in re.findall(rf"^{macro}\((\w+),", text, flags=re.M)]


def main():
    source, directory, tests = sys.argv[1], sys.argv[2], sys.argv[3:]
    protocol = os.path.join(source, "lib", "protocol")
    wanted = (names(os.path.join(protocol, "ops.def"), "OP", "") +
              names(os.path.join(protocol, "notify.def"), "NOTIFY", "NOTIFY_"))
    failed = incomplete = False
    for transport in MUST_BE_COMPLETE + ["uring"]:
        seen, absent = set(), []
        for test in tests:
            path = os.path.join(directory, f"{test}.{transport}")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as lines:
                    seen.update(lines.read().split())
            else:
                absent.append(test)
        if transport not in MUST_BE_COMPLETE and len(absent) == len(tests):
            continue
        missing = [n for n in wanted if n not in seen]
        for name in missing:
            reason = IMPOSSIBLE.get((name, transport))
            print(f"{name} was never exercised over {transport}"
                  f"{': ' + reason if reason else ''}")
            if not reason and transport in MUST_BE_COMPLETE:
                failed = True
        absent = [t for t in absent if (t.removeprefix("op_").upper(), transport)
                  not in IMPOSSIBLE]
        if absent and transport in MUST_BE_COMPLETE:
            incomplete = True
            print(f"{len(absent)} tests have left no record over {transport}: "
                  f"{' '.join(absent[:5])}")
        print(f"{transport}: {len(wanted) - len(missing)} of {len(wanted)} exercised")
    if incomplete:
        print("skipped: not every operation test has run (see above)")
        return 77
    return 1 if failed else 0


sys.exit(main())
