//! What the streaming detector does on simulated streams: alarms per point on noise, as a multiple of the threshold; how many events
//! of four standard deviations ring; how many bytes the detector takes at the end.
//!
//! `cargo run --release -p kpi-anomaly --example streams [series]`
#![allow(missing_docs, clippy::unwrap_used)]

use kpi_anomaly::{DEFAULT_THRESHOLD, Detector, Observation, Settings};
use kpi_forecast::random::Random;

const HOUR: i64 = 3_600_000_000;
/// Points before which neither alarms nor events count: the season is not known yet.
const SETTLED: usize = 400;
/// Points within which a shift has to ring.
const SOON: usize = 10;
const SIZE: f64 = 4.0;

fn noise(kind: &str, n: usize, random: &mut Random) -> Vec<f64> {
    let mut state = random.normal();
    (0..n)
        .map(|_| match kind {
            "t5" => {
                let chi: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
                random.normal() / (chi / 5.0).sqrt() / (5.0_f64 / 3.0).sqrt()
            }
            "t3" => {
                let chi: f64 = (0..3).map(|_| random.normal().powi(2)).sum();
                random.normal() / (chi / 3.0).sqrt() / 3.0_f64.sqrt()
            }
            "laplace" => {
                let u = random.uniform() - 0.5;
                -u.signum() * (1.0 - 2.0 * u.abs()).max(1e-300).ln() / std::f64::consts::SQRT_2
            }
            "lognormal" => (0.5 * random.normal()).exp(),
            "uniform" => (random.uniform() - 0.5) * 12.0_f64.sqrt(),
            "ar0.5" | "ar0.9" => {
                let phi = if kind == "ar0.5" { 0.5 } else { 0.9_f64 };
                state = phi * state + (1.0 - phi * phi).sqrt() * random.normal();
                state
            }
            _ => random.normal(),
        })
        .collect()
}

fn season(steps: usize, t: usize) -> f64 {
    if steps < 2 {
        return 100.0;
    }
    let phase = t as f64 / steps as f64;
    let step = f64::from(u8::from(phase.fract() > 0.7));
    100.0 + 10.0 * (phase * std::f64::consts::TAU).sin() + 5.0 * step
}

fn watch(values: &[f64], steps: usize) -> (Vec<Observation>, Detector) {
    let mut detector = Detector::new(Settings::default()).unwrap();
    let every = 24 * HOUR / if steps < 8 { 1 } else { steps as i64 };
    let observe = |(t, value): (usize, &f64)| detector.observe(t as i64 * every, *value);
    let seen = values.iter().enumerate().map(observe).collect();
    (seen, detector)
}

fn false_alarms(kind: &str, steps: usize, n: usize, series: usize) {
    let mut random = Random::new(11);
    let (mut early, mut late, mut found, mut bytes) = (0, 0, 0, 0);
    for _ in 0..series {
        let values: Vec<f64> = noise(kind, n, &mut random)
            .iter()
            .enumerate()
            .map(|(t, e)| season(steps, t) + e)
            .collect();
        let (seen, detector) = watch(&values, steps);
        let rang = |part: &[Observation]| part.iter().filter(|o| o.is_anomaly).count();
        early += rang(&seen[..SETTLED.max(2 * steps)]);
        late += rang(&seen[SETTLED.max(2 * steps)..]);
        found += usize::from(detector.season() == steps.max(1));
        bytes += detector.encode().len();
    }
    let expected = |points: usize| (points * series) as f64 * DEFAULT_THRESHOLD;
    let settled = SETTLED.max(2 * steps);
    println!(
        "noise {kind:9} season {steps:3} n {n}: {:.2} times the threshold, {:.2} at first, season known {:.2}, {} bytes",
        late as f64 / expected(n - settled),
        early as f64 / expected(settled - 30),
        found as f64 / series as f64,
        bytes / series
    );
}

fn recall(steps: usize, n: usize, series: usize) {
    let mut random = Random::new(5);
    let (mut replaced, mut added, mut shifts, mut slight) = (0, 0, 0, 0);
    for _ in 0..series {
        let noise = noise("normal", n, &mut random);
        let place = n - 20 - (random.uniform() * (n / 4) as f64) as usize;
        let sign = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
        let clean: Vec<f64> = (0..n).map(|t| season(steps, t)).collect();
        let values: Vec<f64> = clean.iter().zip(&noise).map(|(a, b)| a + b).collect();
        let with = |change: &dyn Fn(&mut Vec<f64>)| {
            let mut changed = values.clone();
            change(&mut changed);
            watch(&changed[..place + SOON], steps).0
        };
        let spike = with(&|v| v[place] = clean[place] + SIZE * sign);
        replaced += usize::from(spike[place].is_anomaly);
        let spike = with(&|v| v[place] += SIZE * sign);
        added += usize::from(spike[place].is_anomaly);
        let shift = with(&|v| v[place..].iter_mut().for_each(|y| *y += SIZE * sign));
        shifts += usize::from(shift[place..].iter().any(|o| o.is_anomaly));
        let shift = with(&|v| v[place..].iter_mut().for_each(|y| *y += 0.5 * SIZE * sign));
        slight += usize::from(shift[place..].iter().any(|o| o.is_anomaly));
    }
    let share = |count: usize| count as f64 / series as f64;
    println!(
        "recall season {steps:3} n {n}: spikes {:.2}, added to noise {:.2}, shifts {:.2}, of half the size {:.2}",
        share(replaced),
        share(added),
        share(shifts),
        share(slight)
    );
}

fn main() {
    let series = std::env::args().nth(1).map_or(200, |text| text.parse().unwrap());
    for (steps, n) in [
        (1, 1000),
        (7, 1000),
        (24, 1000),
        (24, 3000),
        (288, 3000),
        (288, 6000),
    ] {
        recall(steps, n, series);
    }
    for kind in [
        "normal",
        "uniform",
        "t5",
        "t3",
        "laplace",
        "lognormal",
        "ar0.5",
        "ar0.9",
    ] {
        for (steps, n) in [(1, 3000), (24, 3000), (288, 4000)] {
            false_alarms(kind, steps, n, series);
        }
    }
    false_alarms("normal", 24, 1000, 3 * series);
    false_alarms("normal", 7, 1000, 3 * series);
}
