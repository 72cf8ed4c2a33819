# SPDX-License-Identifier: Apache-2.0
"""A program of tests/bench as a module: its name has no suffix."""
import importlib.machinery
import importlib.util

from relay import ROOT


def bench_program(name):
    loader = importlib.machinery.SourceFileLoader(f"bench_{name}", str(ROOT / "tests" / "bench" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module
