# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... CHAPTER.md BUILD SOURCE COMPILER [FLAGS...]

The program in a chapter of docs/guide compiles without a warning and does what
the chapter says that it does.
"""
import os
import re
import subprocess
import sys
import tempfile

import mounted

CHAPTER, BUILD, SOURCE, *COMPILER = sys.argv[1:]


def block(text, mark, language):
    m = re.search(r"<!-- " + mark + r" -->\n(?:<!-- [^\n]* -->\n)*```" + language
                  + r"\n(.*?)^```$", text, re.S | re.M)
    return m.group(1) if m else None


def compile_program(text, tmp):
    name = re.search(r"<!-- file: (\S+) -->", text).group(1)
    path, program = os.path.join(tmp, name), os.path.join(tmp, "program")
    with open(path, "w", encoding="utf-8") as f:
        f.write(block(text, "file: " + re.escape(name), "c"))
    command = COMPILER + ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
                          "-Wno-missing-field-initializers", "-O1", "-D_GNU_SOURCE",
                          "-D_FILE_OFFSET_BITS=64", f"-I{SOURCE}/include/fuse3",
                          f"-I{SOURCE}/include", path, "-o", program]
    if "<!-- link: mock -->" in text:
        command += [f"-I{SOURCE}/tests/mock", f"-I{SOURCE}/lib", f"-I{BUILD}",
                    f"{BUILD}/tests/mock/libmock.a", f"{BUILD}/lib/libprofuse-all.a", "-luring"]
    else:
        command += [f"{BUILD}/lib/abi/libfuse3.so.4", f"-Wl,-rpath,{BUILD}/lib/abi"]
    subprocess.run(command + ["-lpthread", "-ldl"], check=True)
    return program


def compare(out, text):
    expected = block(text, "prints", "")
    assert out == expected, f"printed:\n{out}\nthe chapter says:\n{expected}"


def main():
    with open(CHAPTER, encoding="utf-8") as f:
        text = f.read()
    with tempfile.TemporaryDirectory(prefix="profuse-guide-", dir="/tmp") as tmp:
        program = compile_program(text, tmp)
        check = block(text, "check", "sh")
        if not check:
            out = subprocess.run([program], check=True, timeout=60, capture_output=True, text=True)
            compare(out.stdout, text)
            return
        mounted.need_root("mounts")
        mounted.need_device()
        source = os.path.join(tmp, "source")
        os.mkdir(source)
        with mounted.Mounted([program], env={"SOURCE": source}) as m:
            out = subprocess.run(["bash", "-e", "-c", check], cwd=m.dir, timeout=60, check=True,
                                 stdout=subprocess.PIPE, text=True,
                                 env=dict(os.environ, SOURCE=source))
            compare(out.stdout, text)
            assert "fuse: " not in m.log(), m.log()


main()
