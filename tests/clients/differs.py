# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a program shows something else on ours than on the stock library, on
purpose. A difference that is not listed with exactly this answer is a failure."""

HIDDEN = "a file that is removed while open is hidden from listings as well"

ON_PURPOSE = {
    ("open_flags.tmpfile", "ok"): "files without a name can be made",
    ("removed_directory.list", "[]"): "a removed directory that is open lists as empty",
    ("rename_over_open.names", "['g']"): HIDDEN,
    ("unlink_while_open.seen", "[]"): HIDDEN,
}


def why(trait, ours):
    return ON_PURPOSE.get((trait, ours))
