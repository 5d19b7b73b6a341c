#!/usr/bin/env python3
"""Forecasts of statsforecast for a data file of forecasting competitions, and the processor time that each took.

usage: statsforecast_reference.py DATA.csv SEASON MODEL FORECASTS.csv [EVERY]

MODEL is one of ets, ces, arima, theta, optimized_theta, dynamic_theta, dynamic_optimized_theta, auto_theta. EVERY is 10 for
one series in ten, the first of each. FORECASTS.csv has the columns of the example program `competition` of
crates/kpi-forecast, so that one tool scores both and compare.py compares them series by series, and the seconds of the
series, which are those of the processor and exclude the import and what the first call compiles. Series that the file has
already are not forecast again, so that a run that was stopped goes on where it was. One process, no parallelism.
"""
import csv
import os
import sys
import time
from collections import defaultdict

# Threads of the numerical libraries would count as time of one core, and gain nothing on series this short.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from statsforecast.models import (
    AutoARIMA, AutoCES, AutoETS, AutoTheta, DynamicOptimizedTheta, DynamicTheta, OptimizedTheta, Theta,
)

MODELS = {
    "ets": AutoETS, "ces": AutoCES, "arima": AutoARIMA, "auto_theta": AutoTheta, "theta": Theta,
    "optimized_theta": OptimizedTheta, "dynamic_theta": DynamicTheta,
    "dynamic_optimized_theta": DynamicOptimizedTheta,
}
HEADER = ["series", "step", "value", "lower", "upper", "seconds"]
# Series are taken in rounds, so that a file that is not finished holds some from all over the set.
ROUNDS = 12


def known(path, wanted):
    """The series of which the file has every step; what a stopped run left of another is cut off."""
    steps, rows = defaultdict(int), []
    if os.path.exists(path):
        for row in csv.reader(open(path)):
            if len(row) == len(HEADER) and row != HEADER and row[0] in wanted:
                rows.append(row)
                steps[row[0]] += 1
    whole = {series for series, count in steps.items() if count == wanted[series]}
    with open(path + ".new", "w", newline="") as file:
        csv.writer(file).writerows([HEADER] + [row for row in rows if row[0] in whole])
    os.replace(path + ".new", path)
    return whole


def main():
    path, season, name, output = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    every = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    train, test = defaultdict(list), defaultdict(int)
    for row in csv.DictReader(open(path)):
        if row["split"] == "train":
            train[row["series"]].append(float(row["value"]))
        else:
            test[row["series"]] += 1

    def forecast(series):
        model = MODELS[name](season_length=season)
        return model.forecast(np.array(train[series]), h=test[series], level=[95])

    done = known(output, test)
    order = list(train)[::every]
    left = [s for start in range(ROUNDS) for s in order[start::ROUNDS] if s not in done]
    if not left:
        return
    forecast(left[0])
    with open(output, "a", newline="") as file:
        out = csv.writer(file)
        for series in left:
            start = time.process_time()
            result = forecast(series)
            spent = time.process_time() - start
            for step in range(test[series]):
                out.writerow([series, step + 1, result["mean"][step], result["lo-95"][step], result["hi-95"][step], f"{spent:.6f}"])
            file.flush()


if __name__ == "__main__":
    main()
