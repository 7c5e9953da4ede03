# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs: what each needs and a recipe that runs it."""
import dataclasses
import importlib

ALL = []


@dataclasses.dataclass
class Recipe:
    name: str
    packages: list
    needs: list           # files without which it cannot run
    run: callable
    root_only: str = ""   # why a user cannot
    library: bool = True  # links libfuse3.so.3


def program(packages, needs, **kw):
    """Makes a recipe of a function that takes a Case."""
    def decorate(function):
        ALL.append(Recipe(function.__name__, packages.split(), needs.split(), function, **kw))
        return function
    return decorate


for module in ("remote", "images", "layers", "bindings", "services", "own_protocol"):
    importlib.import_module("programs." + module)
