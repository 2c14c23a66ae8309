"""`kechuang run baseline` with the world of the tests in place of the model; started by test_ensemble.py."""

from __future__ import annotations

import signal
import sys

import fake_world
import kechuang.ensemble.run
from kechuang.cli import main
from kechuang.ensemble.plan import Engine


def fake_engine() -> Engine:
    return Engine(fake_world.simulate, fake_world.warm_up)


if __name__ == "__main__":
    # A suite started in the background is deaf to Ctrl-C, and so would be this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kechuang.ensemble.run.default_engine = fake_engine
    main(["run", "baseline", *sys.argv[1:]])
