//! Isolation forests: fit, and scores of 100,000 rows of 8 features. `make bench BENCHES=anomaly_batch` has the same of
//! scikit-learn.

use criterion::{Criterion, criterion_group, criterion_main};
use kpi_anomaly::forest::{Forest, ForestRequest};
use kpi_forecast::random::Random;
use std::hint::black_box;

fn forest(criterion: &mut Criterion) {
    let mut random = Random::new(1);
    let rows: Vec<f64> = (0..800_000).map(|_| random.normal()).collect();
    let request = ForestRequest::default();
    let fit = || Forest::fit(&rows, 8, &request, &mut || false).ok();
    criterion.bench_function("fit 100000 x 8", |bencher| bencher.iter(|| black_box(fit())));
    let Some(forest) = fit() else { return };
    criterion.bench_function("score 100000 x 8", |bencher| {
        bencher.iter(|| black_box(forest.scores(&rows, &mut || false)))
    });
    criterion.bench_function("score 1 x 8", |bencher| {
        bencher.iter(|| black_box(forest.score(black_box(&rows[..8]))))
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = forest
}
criterion_main!(benches);
