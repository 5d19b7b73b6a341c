#!/usr/bin/env python3
"""Two forecasts of one data file, series by series: the mean sMAPE of each and the series in which they differ most.

usage: compare.py DATA.csv FORECASTS_A.csv FORECASTS_B.csv [COUNT]
"""
import csv
import sys
from collections import defaultdict


def forecasts(path):
    of = defaultdict(list)
    for row in csv.DictReader(open(path)):
        of[row["series"]].append(float(row["value"]))
    return of


def main():
    data, a, b = sys.argv[1], forecasts(sys.argv[2]), forecasts(sys.argv[3])
    test = defaultdict(list)
    for row in csv.DictReader(open(data)):
        if row["split"] == "test":
            test[row["series"]].append(float(row["value"]))

    def smape(actual, forecast):
        return sum(0 if x == y == 0 else 200 * abs(x - y) / (abs(x) + abs(y)) for x, y in zip(actual, forecast)) / len(actual)

    rows = [(smape(y, a[s]), smape(y, b[s]), s) for s, y in test.items()]
    print(f"mean sMAPE {sum(r[0] for r in rows) / len(rows):.3f} {sum(r[1] for r in rows) / len(rows):.3f}")
    print(f"first better in {sum(r[0] < r[1] for r in rows)}, second in {sum(r[0] > r[1] for r in rows)}")
    for x, y, s in sorted(rows, key=lambda r: -abs(r[0] - r[1]))[: int(sys.argv[4]) if len(sys.argv) > 4 else 10]:
        print(f"{s} {x:.2f} {y:.2f}")


if __name__ == "__main__":
    main()
