//! Published values of decompositions and features.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::features::features;
use kpi_forecast::random::Random;
use kpi_forecast::seasonality::find;
use kpi_forecast::stl::{Components, Options, decompose_with};

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

/// Accidental deaths in the USA by month, 1973 to 1978 (Brockwell & Davis 1991).
const DEATHS: [f64; 72] = [
    9007., 8106., 8928., 9137., 10017., 10826., 11317., 10744., 9713., 9938., 9161., 8927., 7750., 6981.,
    8038., 8422., 8714., 9512., 10120., 9823., 8743., 9129., 8710., 8680., 8162., 7306., 8124., 7870., 9387.,
    9556., 10093., 9620., 8285., 8466., 8160., 8034., 7717., 7461., 7767., 7925., 8623., 8945., 10078.,
    9179., 8037., 8488., 7874., 8647., 7792., 6957., 7726., 8106., 8890., 9299., 10625., 9302., 8314., 8850.,
    8265., 8796., 7836., 6892., 7791., 8192., 9115., 9434., 10484., 9827., 9110., 9070., 8633., 9240.,
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

/// Deaths from lung diseases in the UK by month, men, 1974 to 1979 (Diggle 1990).
const LUNG: [f64; 72] = [
    2134., 1863., 1877., 1877., 1492., 1249., 1280., 1131., 1209., 1492., 1621., 1846., 2103., 2137., 2153.,
    1833., 1403., 1288., 1186., 1133., 1053., 1347., 1545., 2066., 2020., 2750., 2283., 1479., 1189., 1160.,
    1113., 970., 999., 1208., 1467., 2059., 2240., 1634., 1722., 1801., 1246., 1162., 1087., 1013., 959.,
    1179., 1229., 1655., 2019., 2284., 1942., 1423., 1340., 1187., 1098., 1004., 970., 1140., 1110., 1812.,
    2263., 1820., 1846., 1531., 1215., 1075., 1056., 975., 940., 1081., 1294., 1341.,
];

fn parts(values: &[f64], options: &Options) -> Components {
    decompose_with(values, &[12], options, &mut || false).unwrap()
}

#[test]
fn outliers_are_those_of_r() {
    // help(stl) in R: stl(mdeaths, s.window = "per", robust = TRUE) takes 10 values for outliers (weights below 1e-8). A
    // window of 10 n + 1 is R's periodic one before it averages.
    let options = Options {
        seasonal_window: Some(721),
        trend_window: Some(19),
        tolerance: 0.0,
        places: Some(10),
        ..Options::robust()
    };
    let found = parts(&LUNG, &options);
    let outliers: Vec<usize> = (0..LUNG.len()).filter(|t| found.weights[*t] < 1e-8).collect();
    assert_eq!(outliers, [23, 25, 26, 27, 35, 36, 49, 51, 58, 60]);
}

#[test]
fn robust_parts_are_those_of_statsmodels() {
    // statsmodels 0.15.0: STL(x, period=12, seasonal=11, seasonal_deg=0, trend=21, robust=True)
    // .fit(inner_iter=1, outer_iter=15): time, trend, season, weight.
    let options = Options {
        tolerance: 0.0,
        ..Options::robust()
    };
    let found = parts(
        &LUNG,
        &Options {
            trend_window: Some(21),
            ..options
        },
    );
    for (t, trend, season, weight) in [
        (0, 1633.9377995, 506.7732456, 0.99760412),
        (13, 1611.3287308, 501.6686564, 0.96883984),
        (25, 1497.5534369, 496.1189443, 0.0),
        (40, 1450.2523077, -176.6843401, 0.95902663),
        (71, 1343.9199921, 209.7268648, 0.0),
    ] {
        assert!(
            (found.trend[t] - trend).abs() < 0.01,
            "trend {} is not {trend}",
            found.trend[t]
        );
        assert!(
            (found.seasons[0][t] - season).abs() < 0.01,
            "season {} is not {season}",
            found.seasons[0][t]
        );
        assert!(
            (found.weights[t] - weight).abs() < 1e-4,
            "weight {} is not {weight}",
            found.weights[t]
        );
    }
    // The same without robustness: .fit(inner_iter=2, outer_iter=0).
    let found = parts(
        &LUNG,
        &Options {
            trend_window: Some(21),
            ..Options::default()
        },
    );
    for (t, trend, season) in [
        (0, 1512.4928828, 582.6744273),
        (13, 1612.6630284, 584.4485731),
        (25, 1591.1213016, 590.7514117),
        (40, 1444.6312515, -198.0855373),
        (71, 1300.3796912, 308.4042959),
    ] {
        assert!(
            (found.trend[t] - trend).abs() < 1e-4,
            "trend {} is not {trend}",
            found.trend[t]
        );
        assert!(
            (found.seasons[0][t] - season).abs() < 1e-4,
            "season {} is not {season}",
            found.seasons[0][t]
        );
    }
    assert!(found.weights.iter().all(|w| *w == 1.0));
}

#[test]
fn a_tolerance_ends_early_and_near() {
    let exact = parts(
        &LUNG,
        &Options {
            tolerance: 0.0,
            ..Options::robust()
        },
    );
    let early = parts(&LUNG, &Options::robust());
    for (a, b) in exact.trend.iter().zip(&early.trend) {
        assert!((a - b).abs() < 30.0, "{a} and {b}");
    }
}

fn near(found: Option<f64>, published: f64, within: f64) {
    let found = found.unwrap();
    assert!((found - published).abs() <= within, "{found} is not {published}");
}

#[test]
fn features_of_the_airline_passengers() {
    // tsfeatures for R, vignette of 2023-08-28: trend 0.991, spike 1.46e-8, linearity 11.0, curvature 1.09, entropy 0.296. Its
    // curves are worked out at fewer places.
    let found = features(&AIRLINE, &[12], &mut || false).unwrap();
    assert_eq!(found.seasons, [12]);
    near(found.trend_strength, 0.991, 0.0006);
    near(found.spikiness, 1.46e-8, 0.05e-8);
    near(found.linearity, 11.0, 0.06);
    near(found.curvature, 1.09, 0.006);
    near(found.spectral_entropy, 0.296, 0.0006);
    // tsfeatures 0.4.5 for Python, of the same values scaled.
    near(found.acf1, 0.9480473408, 1e-9);
    near(found.acf10, 5.6700871161, 1e-9);
    near(found.pacf5, 0.9670970642, 1e-9);
    near(found.diff1_acf1, 0.3028552582, 1e-9);
    near(found.seasonal_acf1, 0.7603950423, 1e-9);
    near(found.lumpiness, 0.0192480292, 1e-9);
    near(found.stability, 0.9330704248, 1e-9);
    near(found.kpss, 2.7394736210, 1e-9);
    assert_eq!((found.crossing_points, found.flat_spots), (7, 18));
    assert_eq!(found.demand(), Some("smooth"));
}

#[test]
fn features_of_accidental_deaths_and_of_the_nile() {
    // The same sources; R's vignette: trend 0.802, spike 9.15e-7, linearity -2.12, curvature 2.85, entropy 0.548.
    let found = features(&DEATHS, &[12], &mut || false).unwrap();
    near(found.trend_strength, 0.802, 0.005);
    near(found.spikiness, 9.15e-7, 0.25e-7);
    near(found.linearity, -2.12, 0.01);
    near(found.curvature, 2.85, 0.01);
    near(found.spectral_entropy, 0.548, 0.003);
    near(found.acf1, 0.7074709461, 1e-9);
    near(found.pacf5, 0.6339232905, 1e-9);
    near(found.lumpiness, 0.0261655129, 1e-9);
    near(found.kpss, 0.1979942913, 1e-9);
    assert_eq!((found.crossing_points, found.flat_spots), (18, 3));
    let found = features(&NILE, &[], &mut || false).unwrap();
    assert!(found.seasons.is_empty() && found.seasonal_acf1.is_none());
    near(found.acf10, 0.8322911521, 1e-9);
    near(found.lumpiness, 0.1022964624, 1e-9);
    near(found.stability, 0.4666162585, 1e-9);
    near(found.kpss, 0.9654349078, 1e-9);
    assert_eq!(
        (found.crossing_points, found.flat_spots, found.differences),
        (29, 4, 1)
    );
}

#[test]
fn the_measures_of_r_at_its_places() {
    // With R's ten places per window the digits of the vignette come out: strength of the trend 0.991 and 0.802.
    for (values, strength) in [(&AIRLINE[..], 0.991), (&DEATHS[..], 0.802)] {
        let found = parts(
            values,
            &Options {
                places: Some(10),
                ..Options::default()
            },
        );
        let with: Vec<f64> = found
            .trend
            .iter()
            .zip(&found.remainder)
            .map(|(t, r)| t + r)
            .collect();
        near(
            Some(1.0 - variance(&found.remainder) / variance(&with)),
            strength,
            0.0005,
        );
    }
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}

#[test]
fn days_and_weeks_of_hours_are_both_found() {
    let mut random = Random::new(3);
    let values: Vec<f64> = (0..24 * 7 * 6)
        .map(|t: usize| {
            let (hour, day) = (t % 24, t / 24 % 7);
            let open = if (8..20).contains(&hour) { 30.0 } else { 4.0 };
            open * if day > 4 { 0.3 } else { 1.0 } + 2.0 * random.normal()
        })
        .collect();
    let found = find(&values, &[24, 168, 8760], &mut || false).unwrap();
    let periods: Vec<usize> = found.iter().map(|s| s.period).collect();
    assert_eq!(periods, [24, 168]);
    assert!(
        found
            .iter()
            .all(|s| s.is_expected && s.p_value < 1e-6 && s.strength > 0.5)
    );
    assert!(found[0].strength >= found[1].strength);
}

#[test]
fn seasons_of_monthly_series() {
    for values in [&AIRLINE[..], &DEATHS, &LUNG] {
        for expected in [&[12][..], &[]] {
            let found = find(values, expected, &mut || false).unwrap();
            let periods: Vec<usize> = found.iter().map(|s| s.period).collect();
            assert_eq!(periods, [12]);
            assert_eq!(found[0].is_expected, !expected.is_empty());
        }
    }
    assert!(find(&NILE, &[], &mut || false).unwrap().is_empty());
}

#[test]
fn gaps_and_outliers_do_not_hide_a_season() {
    let mut values = LUNG;
    values[25] = 9000.0;
    for t in [3, 4, 30, 55] {
        values[t] = f64::NAN;
    }
    let found = find(&values, &[12], &mut || false).unwrap();
    assert_eq!(found.iter().map(|s| s.period).collect::<Vec<_>>(), [12]);
}
