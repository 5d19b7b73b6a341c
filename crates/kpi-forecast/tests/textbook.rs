//! Published values of well-known series.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::Fit;
use kpi_forecast::arima::unit_root::difference;
use kpi_forecast::arima::{Arima, Estimate, Order, apply, estimate, estimate_with};
use kpi_forecast::ets::{Ets, Form};
use kpi_forecast::theta::Theta;

/// Passengers of international airlines in thousands, 1949 to 1960 (Box & Jenkins 1976, series G).
const AIRLINE: [f64; 144] = [
    112., 118., 132., 129., 121., 135., 148., 148., 136., 119., 104., 118., 115., 126., 141., 135., 125.,
    149., 170., 170., 158., 133., 114., 140., 145., 150., 178., 163., 172., 178., 199., 199., 184., 162.,
    146., 166., 171., 180., 193., 181., 183., 218., 230., 242., 209., 191., 172., 194., 196., 196., 236.,
    235., 229., 243., 264., 272., 237., 211., 180., 201., 204., 188., 235., 227., 234., 264., 302., 293.,
    259., 229., 203., 229., 242., 233., 267., 269., 270., 315., 364., 347., 312., 274., 237., 278., 284.,
    277., 317., 313., 318., 374., 413., 405., 355., 306., 271., 306., 315., 301., 356., 348., 355., 422.,
    465., 467., 404., 347., 305., 336., 340., 318., 362., 348., 363., 435., 491., 505., 404., 359., 310.,
    337., 360., 342., 406., 396., 420., 472., 548., 559., 463., 407., 362., 405., 417., 391., 419., 461.,
    472., 535., 622., 606., 508., 461., 390., 432.,
];

/// Annual flow of the Nile at Aswan, 1871 to 1970 (Cobb 1978, *Biometrika* 65:243-251).
const NILE: [f64; 100] = [
    1120., 1160., 963., 1210., 1160., 1160., 813., 1230., 1370., 1140., 995., 935., 1110., 994., 1020., 960.,
    1180., 799., 958., 1140., 1100., 1210., 1150., 1250., 1260., 1220., 1030., 1100., 774., 840., 874., 694.,
    940., 833., 701., 916., 692., 1020., 1050., 969., 831., 726., 456., 824., 702., 1120., 1100., 832., 764.,
    821., 768., 845., 864., 862., 698., 845., 744., 796., 1040., 759., 781., 865., 845., 944., 984., 897.,
    822., 1010., 771., 676., 649., 846., 812., 742., 801., 1040., 860., 874., 848., 890., 744., 749., 838.,
    1050., 918., 986., 797., 923., 975., 815., 1020., 906., 901., 1170., 912., 746., 919., 718., 714., 740.,
];

/// Accidental deaths in the USA by month, 1973 to 1978 (Brockwell & Davis 1991).
const DEATHS: [f64; 72] = [
    9007., 8106., 8928., 9137., 10017., 10826., 11317., 10744., 9713., 9938., 9161., 8927., 7750., 6981.,
    8038., 8422., 8714., 9512., 10120., 9823., 8743., 9129., 8710., 8680., 8162., 7306., 8124., 7870., 9387.,
    9556., 10093., 9620., 8285., 8466., 8160., 8034., 7717., 7461., 7767., 7925., 8623., 8945., 10078.,
    9179., 8037., 8488., 7874., 8647., 7792., 6957., 7726., 8106., 8890., 9299., 10625., 9302., 8314., 8850.,
    8265., 8796., 7836., 6892., 7791., 8192., 9115., 9434., 10484., 9827., 9110., 9070., 8633., 9240.,
];

/// Luteinizing hormone at ten-minute intervals (Diggle 1990).
const HORMONE: [f64; 48] = [
    2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2, 2.7, 2.2, 2.2, 1.9, 1.9,
    1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3, 2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5,
    3.1, 2.6, 2.1, 3.4, 3.0, 2.9,
];

fn near(found: f64, published: f64, digits: i32) {
    let half = 0.6 * 10_f64.powi(-digits);
    assert!((found - published).abs() <= half, "{found} is not {published}");
}

fn order(p: usize, d: usize, q: usize) -> Order {
    Order {
        p,
        d,
        q,
        seasonal_p: 0,
        seasonal_d: 0,
        seasonal_q: 0,
        season: 1,
        constant: false,
    }
}

fn airline_order() -> Order {
    Order {
        seasonal_d: 1,
        seasonal_q: 1,
        season: 12,
        ..order(0, 1, 1)
    }
}

fn variance(found: &Estimate, n: usize) -> f64 {
    found.filtered.squares / n as f64
}

/// The published values of these four are those of R's help page of `arima` and of its output for the Nile.
#[test]
fn arima_of_the_airline_passengers() {
    let logs: Vec<f64> = AIRLINE.iter().map(|y| y.ln()).collect();
    let left = apply(&logs, 12, 1, 1);
    let found = estimate(airline_order(), &left, &mut || false).unwrap().unwrap();
    near(found.parts[1][0], -0.4018, 4);
    near(found.parts[3][0], -0.5569, 4);
    near(variance(&found, left.len()), 0.001348, 6);
    near(-0.5 * found.deviance, 244.70, 1);
}

#[test]
fn arima_of_accidental_deaths() {
    let left = apply(&DEATHS, 12, 1, 1);
    let found = estimate(airline_order(), &left, &mut || false).unwrap().unwrap();
    near(found.parts[1][0], -0.4303, 3);
    near(found.parts[3][0], -0.5528, 3);
    near(-0.5 * found.deviance, -425.44, 2);
}

/// The same log likelihood and its criterion, aic = 856.88, from the model that is kept.
#[test]
fn likelihood_of_accidental_deaths() {
    let model = Arima {
        season: 12,
        order: Some(airline_order()),
    };
    let state = model.fit(&DEATHS, &mut || false).unwrap().state().unwrap();
    let likelihood = state.likelihood().unwrap();
    assert_eq!((likelihood.parameters, likelihood.values), (3, 59));
    near(likelihood.logarithm, -425.44, 2);
    near(likelihood.criteria()[0], 856.88, 2);
}

#[test]
fn arima_of_the_nile() {
    let found = estimate(order(0, 1, 1), &difference(&NILE, 1), &mut || false)
        .unwrap()
        .unwrap();
    near(found.parts[1][0], -0.7329, 3);
    near(-0.5 * found.deviance, -632.55, 2);
    assert!((variance(&found, 99) - 20600.0).abs() < 60.0);
}

#[test]
fn arima_of_a_hormone() {
    let found = estimate(
        Order {
            constant: true,
            ..order(1, 0, 0)
        },
        &HORMONE,
        &mut || false,
    )
    .unwrap()
    .unwrap();
    near(found.parts[0][0], 0.5739, 3);
    near(found.filtered.coefficients[0], 2.4133, 3);
    near(variance(&found, 48), 0.1975, 4);
    near(-0.5 * found.deviance, -29.38, 2);
}

/// R 4.3, forecast 8.21: `ets(AirPassengers)` is ETS(M,Ad,M) with AICc 1400.638. Its search ends early; ours finds a
/// likelihood that is at least as high.
#[test]
fn ets_of_the_airline_passengers() {
    let (found, scale) = Ets::automatic(12).estimates(&AIRLINE, &mut || false).unwrap();
    let published: Form = "MAdM".parse().unwrap();
    let same = found.iter().find(|e| e.form == published).unwrap();
    let aicc = same.aicc + 2.0 * AIRLINE.len() as f64 * scale.ln();
    assert!(aicc <= 1400.64 && aicc > 1385.0, "{aicc}");
    assert!(
        same.weights.alpha > 0.5 && same.weights.gamma < 0.05,
        "{:?}",
        same.weights
    );
    assert!(
        found[0].form.multiplicative_error && found[0].form.to_string().ends_with(",M)"),
        "{}",
        found[0].form
    );
}

/// All four families know the airline's season and growth: July is the top of 1961, above that of 1960.
#[test]
fn the_next_year_of_the_airline() {
    let models: [Box<dyn Fit>; 4] = [
        Box::new(Ets::averaged(12)),
        Box::new(Arima {
            season: 12,
            order: None,
        }),
        Box::new(Theta::dynamic_optimized(12)),
        Box::new(kpi_forecast::ces::Ces {
            season: 12,
            form: None,
        }),
    ];
    for model in models {
        let path = model.fit(&AIRLINE, &mut || false).unwrap().path(12);
        let top = path
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.value.total_cmp(&b.1.value))
            .unwrap();
        assert!(
            (6..8).contains(&top.0) && top.1.value > 600.0 && top.1.value < 760.0,
            "{} {top:?}",
            model.name()
        );
        assert!(
            path.windows(2).all(|w| w[0].standard_error > 0.0),
            "{}",
            model.name()
        );
    }
}

/// Level of Lake Huron in feet, 1875 to 1972 (Brockwell & Davis 1991, series A).
const LAKE_HURON: [f64; 98] = [
    580.38, 581.86, 580.97, 580.80, 579.79, 580.39, 580.42, 580.82, 581.40, 581.32, 581.44, 581.68, 581.17,
    580.53, 580.01, 579.91, 579.14, 579.16, 579.55, 579.67, 578.44, 578.24, 579.10, 579.09, 579.35, 578.82,
    579.32, 579.01, 579.00, 579.80, 579.83, 579.72, 579.89, 580.01, 579.37, 578.69, 578.19, 578.67, 579.55,
    578.92, 578.09, 579.37, 580.13, 580.14, 579.51, 579.24, 578.66, 578.86, 578.05, 577.79, 576.75, 576.75,
    577.82, 578.64, 580.58, 579.48, 577.38, 576.90, 576.94, 576.24, 576.84, 576.85, 576.90, 577.79, 578.18,
    577.51, 577.23, 578.42, 579.61, 579.05, 579.26, 579.22, 579.38, 579.10, 577.95, 578.12, 579.75, 580.85,
    580.41, 579.96, 579.61, 578.76, 578.18, 577.21, 577.13, 579.10, 578.25, 577.91, 576.89, 575.96, 576.80,
    577.68, 578.38, 578.52, 579.74, 579.31, 579.89, 579.96,
];

/// The published values are those of R's help page of `arima`, where the regressor is the year less 1920.
#[test]
fn arima_of_lake_huron_with_a_regressor() {
    let years: Vec<f64> = (1875..1973).map(|year| f64::from(year) - 1920.0).collect();
    let order = Order {
        constant: true,
        ..order(2, 0, 0)
    };
    let found = estimate_with(order, &LAKE_HURON, &[years], &mut || false)
        .unwrap()
        .unwrap();
    near(found.parts[0][0], 1.0048, 3);
    near(found.parts[0][1], -0.2913, 3);
    near(found.filtered.coefficients[0], 579.0993, 3);
    near(found.filtered.coefficients[1], -0.0216, 4);
    near(variance(&found, 98), 0.4566, 4);
    near(-0.5 * found.deviance, -101.2, 1);
}
