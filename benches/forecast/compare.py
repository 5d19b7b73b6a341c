#!/usr/bin/env python3
"""Two forecasts of one data file, series by series, on the series that both have: the mean sMAPE of each and their ratio, the median
and the worst difference of a series, and the series in which they differ most.

usage: compare.py DATA.csv FORECASTS_A.csv FORECASTS_B.csv [COUNT]
"""
import csv
import statistics
import sys
from collections import defaultdict


def forecasts(path):
    of = defaultdict(list)
    for row in csv.DictReader(open(path)):
        of[row["series"]].append(float(row["value"]))
    return of


def smape(actual, forecast):
    return statistics.fmean(
        0.0 if x == y == 0 else 200 * abs(x - y) / (abs(x) + abs(y)) for x, y in zip(actual, forecast)
    )


def main():
    data, a, b = sys.argv[1], forecasts(sys.argv[2]), forecasts(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    test = defaultdict(list)
    for row in csv.DictReader(open(data)):
        if row["split"] == "test":
            test[row["series"]].append(float(row["value"]))
    # A series of which one side has not every step was not finished.
    both = {s: y for s, y in test.items() if len(a.get(s, ())) == len(y) == len(b.get(s, ()))}
    if not both:
        sys.exit("no series is in both")
    rows = [(smape(y, a[s]), smape(y, b[s]), s) for s, y in both.items()]
    first, second = (statistics.fmean(row[side] for row in rows) for side in (0, 1))
    ratio = first / second if second else 1.0
    print(f"{len(rows)} of {len(test)} series, mean sMAPE {first:.3f} and {second:.3f}, ratio {ratio:.4f}")
    print(f"  of a series the first less the second: median {statistics.median(x - y for x, y, _ in rows):+.3f}, "
          f"median distance {statistics.median(abs(x - y) for x, y, _ in rows):.3f}")
    print(f"  first better in {sum(x < y for x, y, _ in rows)}, second in {sum(x > y for x, y, _ in rows)}; most different:")
    for x, y, s in sorted(rows, key=lambda row: -abs(row[0] - row[1]))[:count]:
        print(f"    {s} {x:.2f} {y:.2f}")


if __name__ == "__main__":
    main()
