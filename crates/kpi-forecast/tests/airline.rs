//! Textbook values on the airline passengers: monthly totals in thousands, 1949 to 1960 (Box & Jenkins 1976,
//! *Time Series Analysis: Forecasting and Control*, series G; `AirPassengers` in R).
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::autocorrelation::autocorrelations;
use kpi_forecast::decomposition::{Kind, seasonal_indices};
use kpi_forecast::{Model, Request, forecast, season};

const PASSENGERS: [f64; 144] = [
    112., 118., 132., 129., 121., 135., 148., 148., 136., 119., 104., 118., //
    115., 126., 141., 135., 125., 149., 170., 170., 158., 133., 114., 140., //
    145., 150., 178., 163., 172., 178., 199., 199., 184., 162., 146., 166., //
    171., 180., 193., 181., 183., 218., 230., 242., 209., 191., 172., 194., //
    196., 196., 236., 235., 229., 243., 264., 272., 237., 211., 180., 201., //
    204., 188., 235., 227., 234., 264., 302., 293., 259., 229., 203., 229., //
    242., 233., 267., 269., 270., 315., 364., 347., 312., 274., 237., 278., //
    284., 277., 317., 313., 318., 374., 413., 405., 355., 306., 271., 306., //
    315., 301., 356., 348., 355., 422., 465., 467., 404., 347., 305., 336., //
    340., 318., 362., 348., 363., 435., 491., 505., 404., 359., 310., 337., //
    360., 342., 406., 396., 420., 472., 548., 559., 463., 407., 362., 405., //
    417., 391., 419., 461., 472., 535., 622., 606., 508., 461., 390., 432., //
];

fn run(model: Model, horizon: i64, season: Option<i64>, history: &[f64]) -> Vec<f64> {
    let request = Request {
        horizon,
        model,
        level: 0.95,
        season,
    };
    let result = forecast(history, &request, &[12], &mut || false).unwrap();
    result.points.iter().map(|p| p.value).collect()
}

#[test]
fn naive_and_drift_are_those_of_the_textbook() {
    assert_eq!(run(Model::Naive, 2, None, &PASSENGERS), [432.0, 432.0]);
    // The mean change is (432 - 112) / 143; R's rwf(AirPassengers, drift = TRUE) starts with 434.2378.
    let drift = run(Model::Drift, 2, None, &PASSENGERS);
    assert!((drift[0] - 434.2378).abs() < 1e-4, "{drift:?}");
    assert!(
        (drift[1] - (432.0 + 2.0 * 320.0 / 143.0)).abs() < 1e-9,
        "{drift:?}"
    );
}

#[test]
fn seasonal_naive_repeats_the_last_year() {
    assert_eq!(
        run(Model::SeasonalNaive, 14, None, &PASSENGERS)[..12],
        PASSENGERS[132..]
    );
    assert_eq!(
        run(Model::SeasonalNaive, 14, None, &PASSENGERS)[12..],
        PASSENGERS[132..134]
    );
}

#[test]
fn seasonal_indices_are_those_of_classical_decomposition() {
    // decompose(AirPassengers, "multiplicative")$figure in R.
    let published = [
        0.9102304, 0.8836253, 1.0073663, 0.9759060, 0.9813780, 1.1127758, 1.2265555, 1.2199110, 1.0604919,
        0.9217572, 0.8011781, 0.8988244,
    ];
    let indices = seasonal_indices(&PASSENGERS, 12).unwrap();
    assert_eq!(indices.kind, Kind::Multiplicative);
    for (ours, theirs) in indices.index.iter().zip(published) {
        assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
    }
}

#[test]
fn autocorrelations_are_those_of_r() {
    let r = autocorrelations(&PASSENGERS, 2);
    assert!(
        (r[1] - 0.94804734).abs() < 1e-7 && (r[2] - 0.87557484).abs() < 1e-7,
        "{r:?}"
    );
}

#[test]
fn the_season_is_a_year_even_when_nobody_says_so() {
    assert_eq!(season::detect(&PASSENGERS, &[], &mut || false), 12);
    let with_gaps: Vec<f64> = PASSENGERS
        .iter()
        .enumerate()
        .map(|(t, v)| if t % 10 == 3 { f64::NAN } else { *v })
        .collect();
    assert_eq!(season::detect(&with_gaps, &[12], &mut || false), 12);
}

#[test]
fn auto_beats_seasonal_naive_on_the_last_two_years() {
    let (past, future) = PASSENGERS.split_at(120);
    let error = |model| -> f64 {
        run(model, 24, None, past)
            .iter()
            .zip(future)
            .map(|(f, y)| (f - y).abs())
            .sum::<f64>()
            / 24.0
    };
    let (auto, seasonal_naive) = (error(Model::Auto), error(Model::SeasonalNaive));
    assert!(auto < seasonal_naive, "{auto} {seasonal_naive}");
}
