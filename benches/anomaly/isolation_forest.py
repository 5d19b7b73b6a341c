"""What scikit-learn's IsolationForest takes for the rows of `cargo bench -p kpi-anomaly --bench forest`, in one process.

    pip install scikit-learn && python benches/anomaly/isolation_forest.py
"""

import time

import numpy
import sklearn
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
print(f"scikit-learn {sklearn.__version__}: fit {fit:.1f} ms, score {score:.1f} ms")
