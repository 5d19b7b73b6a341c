#!/usr/bin/env python3
"""Forecasts of the public prophet package for a data file of forecasting competitions, and how long they took.

usage: prophet_reference.py DATA.csv SEASON [COUNT] > FORECASTS.csv

The files are as for statsforecast_reference.py. Every step is a day, and the season is drawn as our model draws it: ten pairs of waves, or as many
as there are steps for. Of the first COUNT series only, when that is given.
"""
import csv
import logging
import os
import sys
import time
from collections import defaultdict

import numpy as np
import pandas as pd
from prophet import Prophet

logging.disable(logging.INFO)


def main():
    path, season = sys.argv[1], int(sys.argv[2])
    train, test = defaultdict(list), defaultdict(int)
    for row in csv.DictReader(open(path)):
        if row["split"] == "train":
            train[row["series"]].append(float(row["value"]))
        else:
            test[row["series"]] += 1
    names = list(train)[: int(sys.argv[3]) if len(sys.argv) > 3 else None]
    out = csv.writer(sys.stdout)
    out.writerow(["series", "step", "value", "lower", "upper"])
    spent = 0.0
    for name in names:
        start = time.process_time() + sum(os.times()[2:4])
        history = pd.DataFrame({"ds": pd.date_range("2000-01-01", periods=len(train[name])), "y": train[name]})
        model = Prophet(yearly_seasonality=False, weekly_seasonality=False, daily_seasonality=False, interval_width=0.95)
        if season > 1 and 2 * season <= len(history):
            model.add_seasonality("season", period=season, fourier_order=min(10, season // 2))
        np.random.seed(0)
        model.fit(history)
        made = model.predict(model.make_future_dataframe(test[name], include_history=False))
        spent += time.process_time() + sum(os.times()[2:4]) - start
        for step, row in enumerate(made.itertuples(), 1):
            out.writerow([name, step, row.yhat, row.yhat_lower, row.yhat_upper])
    print(f"prophet: {len(names)} series in {spent:.1f} s, {len(names) / spent:.1f} series/s", file=sys.stderr)


if __name__ == "__main__":
    main()
