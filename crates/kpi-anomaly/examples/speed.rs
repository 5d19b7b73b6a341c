//! What the methods for whole series and the forest take, one line each: a name and milliseconds, the least of a few rounds.
//!
//! `cargo run --release -p kpi-anomaly --example speed FILE`; the series of the matrix profile is written to the file, a value per line.
#![allow(missing_docs, clippy::unwrap_used)]

use kpi_anomaly::forest::{Forest, ForestRequest};
use kpi_anomaly::profile::matrix_profile;
use kpi_anomaly::{Method, Request, detect};
use kpi_forecast::random::Random;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;

/// The shortest of a few rounds, in milliseconds.
fn least<T>(mut task: impl FnMut() -> T) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(task());
            1000.0 * start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// Hours with a daily season and noise.
fn hours(n: usize, random: &mut Random) -> Vec<f64> {
    (0..n)
        .map(|t| 10.0 * (t as f64 * std::f64::consts::TAU / 24.0).sin() + random.normal())
        .collect()
}

fn main() {
    let mut random = Random::new(1);
    let rows: Vec<f64> = (0..800_000).map(|_| random.normal()).collect();
    let request = ForestRequest::default();
    let fit = || Forest::fit(&rows, 8, &request, &mut || false).unwrap();
    println!("forest_fit {:.3}", least(fit));
    let forest = fit();
    println!(
        "forest_score {:.3}",
        least(|| forest.scores(&rows, &mut || false))
    );

    let series = hours(16_000, &mut random);
    if let Some(file) = std::env::args().nth(1) {
        let lines: Vec<String> = series.iter().map(f64::to_string).collect();
        std::fs::write(file, lines.join("\n")).unwrap();
    }
    println!(
        "matrix_profile {:.3}",
        least(|| matrix_profile(&series, 50, &mut || false).unwrap())
    );

    let million = hours(1_000_000, &mut random);
    let request = Request {
        method: Method::SpectralResidual,
        ..Request::default()
    };
    println!(
        "spectral_residual {:.3}",
        least(|| detect(&million, &request, &[24], &mut || false).unwrap())
    );
}
