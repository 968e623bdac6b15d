"""One side of a pair in a process of its own: `python -m tests.bench.worker MODULE:FUNCTION PLAN RESULT`.

With BENCH_PROFILE=DIRECTORY in the environment it leaves a cProfile record there.
"""

import asyncio
import json
import os
import sys
from cProfile import Profile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from shared.runtime import logging
from tests.bench.ground import Plan
from tests.bench.harness import Sample


def main(named: str, plan_text: str, result: str) -> None:
    logging.configure("bench")  # a service writes its lines too
    module, _, function = named.partition(":")
    side = getattr(import_module(module), function)
    plan = Plan(**json.loads(plan_text))
    profile = Profile() if "BENCH_PROFILE" in os.environ else None
    sample: Sample = profile.runcall(asyncio.run, side(plan)) if profile else asyncio.run(side(plan))
    Path(result).write_text(json.dumps(asdict(sample)), "utf-8")
    if profile:
        profile.dump_stats(Path(os.environ["BENCH_PROFILE"]) / f"{module}.{function}.prof")


if __name__ == "__main__":
    main(*sys.argv[1:])
