//! What the methods for whole series cost.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpi_anomaly::changepoint::{self, changepoints};
use kpi_anomaly::profile::matrix_profile;
use kpi_anomaly::{Request, detect};
use kpi_forecast::random::Random;

/// Hours with a daily season, a few spikes and a shift.
fn hours(n: usize) -> Vec<f64> {
    let mut random = Random::new(1);
    (0..n)
        .map(|t| {
            let shape = 10.0 * (t as f64 * std::f64::consts::TAU / 24.0).sin();
            let event = if t % 5003 == 77 { 12.0 } else { 0.0 };
            100.0 + shape + event + random.normal() + if t > n / 2 { 8.0 } else { 0.0 }
        })
        .collect()
}

fn methods(criterion: &mut Criterion) {
    for (method, n) in [
        ("auto", 10_000),
        ("robust_zscore", 10_000),
        ("esd", 10_000),
        ("stl", 10_000),
        ("cusum", 10_000),
        ("sub_pca", 10_000),
        ("spectral_residual", 1_000_000),
    ] {
        let values = hours(n);
        let request = Request {
            method: method.parse().unwrap(),
            ..Request::default()
        };
        let mut group = criterion.benchmark_group("anomalies");
        group.sample_size(10).throughput(Throughput::Elements(n as u64));
        group.bench_function(format!("{method} of {n}"), |bencher| {
            bencher.iter(|| detect(black_box(&values), &request, &[24, 168], &mut || false).unwrap());
        });
    }
}

fn profile(criterion: &mut Criterion) {
    let values = hours(16_000);
    let mut group = criterion.benchmark_group("matrix_profile");
    group.sample_size(10);
    group.bench_function("16000 values, window 50", |bencher| {
        bencher.iter(|| matrix_profile(black_box(&values), 50, &mut || false).unwrap());
    });
}

fn changes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("changepoints");
    group.sample_size(10);
    for search in ["pelt", "binseg", "bocpd"] {
        for n in [2_000, 100_000] {
            let values = hours(n);
            let request = changepoint::Request {
                search: search.parse().unwrap(),
                ..changepoint::Request::default()
            };
            group.bench_function(format!("{search} of {n}"), |bencher| {
                bencher.iter(|| changepoints(black_box(&values), &request, &mut || false).unwrap());
            });
        }
    }
}

criterion_group!(benches, methods, profile, changes);
criterion_main!(benches);
