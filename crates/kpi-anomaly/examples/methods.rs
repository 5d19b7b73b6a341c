//! What each method does on simulated series: alarms per point on noise, as a multiple of the threshold; how many of the events of
//! four standard deviations are found; points per second.
//!
//! `cargo run --release -p kpi-anomaly --example methods [method ...]`
#![allow(missing_docs, clippy::unwrap_used)]

use kpi_anomaly::changepoint::{self, changepoints};
use kpi_anomaly::profile::matrix_profile;
use kpi_anomaly::{Method, Request, detect};
use kpi_forecast::random::Random;
use std::time::Instant;

const SERIES: usize = 100;
const STEPS: usize = 1500;
const NOISES: [&str; 8] = [
    "normal",
    "student5",
    "laplace",
    "ar0.5",
    "ar0.8",
    "season",
    "season_t5",
    "season_trend",
];

fn noise(kind: &str, n: usize, random: &mut Random) -> Vec<f64> {
    let mut state = random.normal();
    let student = |random: &mut Random| {
        let chi: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
        random.normal() / (chi / 3.0).sqrt()
    };
    (0..n)
        .map(|t| {
            let season = 10.0 * (t as f64 * std::f64::consts::TAU / 24.0).sin()
                + 5.0 * f64::from(u8::from(t % 24 > 17));
            match kind {
                "student5" => student(random),
                "laplace" => {
                    let u = random.uniform() - 0.5;
                    -u.signum() * (1.0 - 2.0 * u.abs()).max(1e-300).ln() / std::f64::consts::SQRT_2
                }
                "ar0.5" | "ar0.8" => {
                    let phi = if kind == "ar0.5" { 0.5 } else { 0.8_f64 };
                    state = phi * state + (1.0 - phi * phi).sqrt() * random.normal();
                    state
                }
                "season" => season + random.normal(),
                "season_t5" => season + student(random),
                "season_trend" => season + 0.02 * t as f64 + random.normal(),
                _ => random.normal(),
            }
        })
        .collect()
}

fn alarms(values: &[f64], method: Method) -> Vec<usize> {
    let request = Request {
        method,
        ..Request::default()
    };
    let found = detect(values, &request, &[24, 168], &mut || false).unwrap();
    (0..values.len())
        .filter(|t| found.verdicts[*t].is_anomaly)
        .collect()
}

/// Share of the events of four standard deviations with an alarm within three steps, or within a stretch.
fn recall(method: Method, event: &str) -> f64 {
    let mut random = Random::new(5);
    let (mut found, mut all) = (0, 0);
    for _ in 0..SERIES {
        let mut values = noise("season", STEPS, &mut random);
        let clean = {
            let mut none = Random::new(0);
            let _ = &mut none;
            (0..STEPS)
                .map(|t| {
                    10.0 * (t as f64 * std::f64::consts::TAU / 24.0).sin()
                        + 5.0 * f64::from(u8::from(t % 24 > 17))
                })
                .collect::<Vec<f64>>()
        };
        let count = if event.starts_with("spike") { 5 } else { 1 };
        let mut places = Vec::new();
        for k in 0..count {
            let place = STEPS * (2 * k + 1) / (2 * count) + (random.uniform() * 100.0) as usize;
            let sign = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
            match event {
                "spike" => values[place] = clean[place] + 4.0 * sign,
                "spike_added" => values[place] += 4.0 * sign,
                "shift" => values[place..].iter_mut().for_each(|y| *y += 4.0 * sign),
                "shift_back" => values[place..place + 100]
                    .iter_mut()
                    .for_each(|y| *y += 4.0 * sign),
                _ => {
                    for t in place..place + 100 {
                        values[t] = clean[t] + 4.0 * (values[t] - clean[t]);
                    }
                }
            }
            places.push(place);
        }
        let alarms = alarms(&values, method);
        let reach = if event.starts_with("spike") { 0 } else { 3 };
        for place in places {
            all += 1;
            found += usize::from(alarms.iter().any(|t| t.abs_diff(place) <= reach));
        }
    }
    found as f64 / all as f64
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let names = if asked.is_empty() {
        Method::names().into_iter().map(str::to_owned).collect()
    } else {
        asked
    };
    for name in names {
        let Ok(method) = name.parse::<Method>() else {
            speed(&name);
            continue;
        };
        print!("{name:18}");
        for kind in NOISES {
            let mut random = Random::new(3);
            let start = Instant::now();
            let count: usize = (0..SERIES)
                .map(|_| alarms(&noise(kind, STEPS, &mut random), method).len())
                .sum();
            let rate = count as f64 / (SERIES * STEPS) as f64 / 0.001;
            print!(
                " {kind} {rate:.2} ({:.0}us)",
                start.elapsed().as_secs_f64() * 1e6 / SERIES as f64
            );
        }
        for event in ["spike", "spike_added", "shift", "shift_back", "variance"] {
            print!(" {event} {:.2}", recall(method, event));
        }
        println!();
    }
}

fn speed(name: &str) {
    let mut random = Random::new(1);
    let start = |what: &str, n: usize, run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what} of {n}: {seconds:.3} s, {:.0} points/s",
            n as f64 / seconds
        );
    };
    match name {
        "profile" => {
            let values: Vec<f64> = (0..16_000).map(|_| random.normal()).collect();
            start("matrix profile", 16_000, &mut || {
                drop(matrix_profile(&values, 50, &mut || false).unwrap())
            });
        }
        "saliency" => {
            let values = noise("season", 2_000_000, &mut random);
            let request = Request {
                method: Method::SpectralResidual,
                ..Request::default()
            };
            start("spectral_residual", values.len(), &mut || {
                drop(detect(&values, &request, &[], &mut || false).unwrap());
            });
        }
        "long" => {
            let values = noise("season", 100_000, &mut random);
            for method in [
                "auto",
                "robust_zscore",
                "zscore",
                "esd",
                "stl",
                "ewma",
                "cusum",
                "sub_pca",
            ] {
                let request = Request {
                    method: method.parse().unwrap(),
                    ..Request::default()
                };
                start(method, values.len(), &mut || {
                    drop(detect(&values, &request, &[24, 168], &mut || false).unwrap())
                });
            }
        }
        _ => {
            let values = noise("normal", 100_000, &mut random);
            for search in ["pelt", "binseg", "bocpd"] {
                for cost in ["mean", "variance", "mean_variance", "trend"] {
                    let request = changepoint::Request {
                        search: search.parse().unwrap(),
                        cost: cost.parse().unwrap(),
                        ..changepoint::Request::default()
                    };
                    start(&format!("{search} {cost}"), values.len(), &mut || {
                        println!(
                            "{:?}",
                            changepoints(&values, &request, &mut || false).map(|c| c.len())
                        );
                    });
                }
            }
        }
    }
}
