"""Runs one side of a pair in a process of its own.

Started as `python -m tests.bench.worker MODULE:FUNCTION RESULT`, with the pickled workload as its
standard input: what it names has passwords, and everybody can read command lines.

With BENCH_PROFILE=DIRECTORY in the environment it leaves a cProfile record there.
"""

import asyncio
import json
import os
import pickle
import sys
from cProfile import Profile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from shared.runtime import logging
from tests.bench.bench_env import Workload
from tests.bench.harness import Sample


def main(side_name: str, result: str) -> None:
    logging.configure("bench")  # a service pays for its log lines, too
    module, _, function = side_name.partition(":")
    side = getattr(import_module(module), function)
    workload: Workload = pickle.load(sys.stdin.buffer)  # noqa: S301 (our own parent's)
    profile = Profile() if "BENCH_PROFILE" in os.environ else None
    sample: Sample = profile.runcall(asyncio.run, side(workload)) if profile else asyncio.run(side(workload))
    Path(result).write_text(json.dumps(asdict(sample)), "utf-8")
    if profile:
        profile.dump_stats(Path(os.environ["BENCH_PROFILE"]) / f"{module}.{function}.prof")


if __name__ == "__main__":
    main(*sys.argv[1:])
