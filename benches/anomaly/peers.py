"""What scikit-learn's IsolationForest and stumpy take, one line each: a name and milliseconds, the least of a few rounds.

peers.py SERIES, a file with a value per line, of which stumpy makes the matrix profile. The rows of the forest are drawn as
`examples/speed` of kpi-anomaly draws its own: independent normal numbers. The forest has one process, as ours has; stumpy takes all cores.
"""

import sys
import time

import numpy
import stumpy
from sklearn.ensemble import IsolationForest

ROUNDS = 5


def least(task):
    """The shortest of a few rounds, in milliseconds, and the last result."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = task()
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken), result


rows = numpy.random.default_rng(1).standard_normal((100_000, 8))
fit, forest = least(lambda: IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=1).fit(rows))
score, _ = least(lambda: forest.score_samples(rows))
series = numpy.loadtxt(sys.argv[1])
stumpy.stump(series[:1000], 50)  # compiles itself at first
profile, _ = least(lambda: stumpy.stump(series, 50))
print(f"forest_fit {fit:.3f}\nforest_score {score:.3f}\nmatrix_profile {profile:.3f}")
