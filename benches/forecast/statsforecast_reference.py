#!/usr/bin/env python3
"""Forecasts of statsforecast for a data file of forecasting competitions, and how long they took.

usage: statsforecast_reference.py DATA.csv SEASON MODEL > FORECASTS.csv

MODEL is one of ets, ces, arima, theta, optimized_theta, dynamic_theta, dynamic_optimized_theta, auto_theta. DATA.csv
and FORECASTS.csv are as for the example program `competition` of crates/kpi-forecast, so that the two can be scored
by the same tool and compared series by series (compare.py). One process, no parallelism; the time goes to stderr
and is that of the processor and excludes the import and the compilation of the first call.
"""
import csv
import sys
import time
from collections import defaultdict

import numpy as np
from statsforecast.models import (
    AutoARIMA, AutoCES, AutoETS, AutoTheta, DynamicOptimizedTheta, DynamicTheta, OptimizedTheta, Theta,
)

MODELS = {
    "ets": AutoETS, "ces": AutoCES, "arima": AutoARIMA, "auto_theta": AutoTheta, "theta": Theta,
    "optimized_theta": OptimizedTheta, "dynamic_theta": DynamicTheta,
    "dynamic_optimized_theta": DynamicOptimizedTheta,
}


def main():
    path, season, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    train, test = defaultdict(list), defaultdict(int)
    for row in csv.DictReader(open(path)):
        if row["split"] == "train":
            train[row["series"]].append(float(row["value"]))
        else:
            test[row["series"]] += 1
    out = csv.writer(sys.stdout)
    out.writerow(["series", "step", "value", "lower", "upper"])

    def forecast(series):
        model = MODELS[name](season_length=season)
        return model.forecast(np.array(train[series]), h=test[series], level=[95])

    forecast(next(iter(train)))
    spent = 0.0
    for series in train:
        start = time.process_time()
        result = forecast(series)
        spent += time.process_time() - start
        for step in range(test[series]):
            out.writerow([series, step + 1, result["mean"][step], result["lo-95"][step], result["hi-95"][step]])
    print(f"{name}: {len(train)} series in {spent:.1f} s, {len(train) / spent:.1f} series/s", file=sys.stderr)


if __name__ == "__main__":
    main()
