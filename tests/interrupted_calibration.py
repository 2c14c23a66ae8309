"""The table of a small study with the world of the tests in place of the model; started by test_calibration_table.py."""

from __future__ import annotations

import sys
from pathlib import Path

import fake_world
from kechuang.calibrate.posterior_study import simulated
from kechuang.calibrate.study import read_study
from kechuang.ensemble.plan import Engine

if __name__ == "__main__":
    study, work, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    simulated(read_study(study, "study.yaml"), work, workers, False, Engine(fake_world.simulate, fake_world.warm_up))
