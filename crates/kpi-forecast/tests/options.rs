//! Several levels, several seasons, bounds, transformations and conformal bands, as a user asks for them.

use kpi_forecast::bounds::Bounds;
use kpi_forecast::box_cox::{BoxCox, guerrero};
use kpi_forecast::cleaning::Cleaning;
use kpi_forecast::options::{Interval, Lambda, Options};
use kpi_forecast::random::Random;
use kpi_forecast::{Error, Fan, Model, Request, fan, forecast};
use proptest::prelude::*;

/// Airline passengers, thousands a month, 1949 to 1960 (Box & Jenkins 1970, *Time Series Analysis*, series G).
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

fn request(model: Model, horizon: i64, season: Option<i64>) -> Request {
    Request {
        horizon,
        model,
        level: 0.95,
        season,
    }
}

fn made(history: &[f64], request: &Request, options: &Options) -> Result<Fan, Error> {
    fan(history, request, options, &[], &mut || false)
}

#[test]
fn guerrero_finds_the_published_exponent_of_the_airline() {
    // `BoxCox.lambda(AirPassengers)` in the manual of Hyndman's forecast package.
    assert!((guerrero(&AIRLINE, 12).unwrap() + 0.294_715_6).abs() < 1e-4);
}

#[test]
fn a_forecast_is_the_fan_of_one_level() {
    for model in [Model::Auto, Model::Theta, Model::Naive] {
        let request = request(model, 6, Some(12));
        let one = forecast(&AIRLINE, &request, &[], &mut || false).unwrap();
        let several = Options {
            levels: vec![0.5, 0.95],
            ..Options::default()
        };
        let fan = made(&AIRLINE, &request, &several).unwrap();
        for (i, point) in one.points.iter().enumerate() {
            assert_eq!(
                (point.value, (point.lower, point.upper)),
                (fan.values[i], fan.bands[1].ends[i])
            );
        }
    }
}

#[test]
fn a_logarithm_is_what_one_makes_by_hand() {
    let logs: Vec<f64> = AIRLINE.iter().map(|y| y.ln()).collect();
    let request = request(Model::Arima, 12, Some(12));
    let by_hand = made(&logs, &request, &Options::default()).unwrap();
    let mut options = Options {
        box_cox: Some(Lambda::Given(0.0)),
        ..Options::default()
    };
    let ours = made(&AIRLINE, &request, &options).unwrap();
    options.bias_adjust = true;
    let mean = made(&AIRLINE, &request, &options).unwrap();
    for i in 0..12 {
        let (lower, upper) = by_hand.bands[0].ends[i];
        assert!((ours.values[i] / by_hand.values[i].exp() - 1.0).abs() < 1e-9);
        assert!((ours.bands[0].ends[i].0 / lower.exp() - 1.0).abs() < 1e-9);
        assert!((ours.bands[0].ends[i].1 / upper.exp() - 1.0).abs() < 1e-9);
        let error = (upper - lower) / 2.0 / 1.959_963_985;
        let factor = 1.0 + error * error / 2.0;
        assert!((mean.values[i] / ours.values[i] - factor).abs() < 1e-8);
    }
}

#[test]
fn the_mean_of_what_a_transformation_makes_is_the_mean_of_what_comes() {
    let (scale, mut random) = (BoxCox::new(0.3).unwrap(), Random::new(11));
    let (centre, spread) = (scale.transform(50.0), 0.3);
    let draws = 200_000;
    let sum: f64 = (0..draws)
        .map(|_| scale.inverse(centre + spread * random.normal()))
        .sum();
    let mean = sum / f64::from(draws);
    assert!((mean / scale.inverse_mean(centre, spread) - 1.0).abs() < 1e-3);
    assert!(mean > scale.inverse(centre));
}

#[test]
fn what_a_transformation_cannot_take_is_refused() {
    let mut options = Options {
        box_cox: Some(Lambda::Auto),
        ..Options::default()
    };
    let request = request(Model::Ets, 3, Some(1));
    let values = [3.0, 5.0, 0.0, 4.0, 6.0, 5.0, 7.0, 4.0];
    assert_eq!(
        made(&values, &request, &options),
        Err(Error::NotPositive { value: 0.0 })
    );
    options.box_cox = Some(Lambda::Given(-2.0));
    let doubling: Vec<f64> = (0..9).map(|t| f64::from(1 << t) + f64::from(t % 2)).collect();
    assert_eq!(
        made(&doubling, &request, &options),
        Err(Error::Endless { lambda: -2.0 })
    );
}

#[test]
fn the_seasons_given_are_the_seasons_used() {
    let history: Vec<f64> = (0..150)
        .map(|t| [10.0, 20.0, 15.0, 30.0, 12.0][t % 5] + if t / 5 % 3 == 0 { 25.0 } else { 0.0 })
        .collect();
    let came: Vec<f64> = (150..165)
        .map(|t| [10.0, 20.0, 15.0, 30.0, 12.0][t % 5] + if t / 5 % 3 == 0 { 25.0 } else { 0.0 })
        .collect();
    let options = Options {
        seasons: vec![15, 5, 1],
        ..Options::default()
    };
    for model in [Model::Mstl, Model::Auto] {
        let both = made(&history, &request(model, 15, None), &options).unwrap();
        assert_eq!(both.season, 5);
        for (f, y) in both.values.iter().zip(&came) {
            assert!((f - y).abs() < 3.0, "{model} {f} {y}");
        }
    }
    let naive = made(&history, &request(Model::SeasonalNaive, 5, None), &options).unwrap();
    assert_eq!(naive.values, history[145..]);
    let long = Options {
        seasons: vec![5, 76],
        ..Options::default()
    };
    assert_eq!(
        made(&history, &request(Model::Mstl, 15, None), &long),
        Err(Error::Season {
            season: 76,
            length: 150
        })
    );
}

/// The share of outcomes within conformal bands of `level`; what gets no band counts as none.
fn coverage(level: f64, series: u64, draw: impl Fn(&mut Random) -> f64) -> f64 {
    let request = request(Model::MeanValue, 2, Some(1));
    let options = Options {
        levels: vec![level],
        interval: Interval::Conformal,
        ..Options::default()
    };
    let (mut held, mut count) = (0.0, 0.0);
    for seed in 0..series {
        let mut random = Random::new(seed);
        let values: Vec<f64> = (0..92).map(|_| draw(&mut random)).collect();
        let (history, came) = values.split_at(90);
        let Ok(fan) = made(history, &request, &options) else {
            continue;
        };
        for (y, (lower, upper)) in came.iter().zip(&fan.bands[0].ends) {
            held += f64::from(u8::from((*lower..=*upper).contains(y)));
            count += 1.0;
        }
    }
    held / count
}

#[test]
fn conformal_bands_hold_their_share_whatever_the_distribution() {
    // 40 errors: at least the level, at most 1/41 more; three standard errors of 4000 outcomes are left for chance.
    for level in [0.5, 0.8, 0.95] {
        let chance = 3.0 * (level * (1.0 - level) / 4000.0_f64).sqrt();
        for (name, share) in [
            ("normal", coverage(level, 2000, Random::normal)),
            (
                "exponential",
                coverage(level, 2000, |r| -(1.0 - r.uniform()).ln()),
            ),
            (
                "heavy tails",
                coverage(level, 2000, |r| r.normal() / r.uniform().max(1e-9).sqrt()),
            ),
        ] {
            assert!(
                share >= level - chance && share <= level + 1.0 / 41.0 + chance,
                "{name} {level}: {share}"
            );
        }
    }
}

#[test]
fn what_is_too_short_for_a_conformal_band_says_how_much_it_takes() {
    let mut options = Options {
        interval: Interval::Conformal,
        levels: vec![0.8, 0.95],
        ..Options::default()
    };
    let short = made(&AIRLINE[..24], &request(Model::Naive, 2, Some(1)), &options).unwrap_err();
    assert_eq!(
        short,
        Error::FewErrors {
            level: 0.95,
            errors: 15
        }
    );
    assert!(short.detail().unwrap().contains("at least 19"));
    options.levels = vec![0.8];
    assert!(made(&AIRLINE[..24], &request(Model::Naive, 2, Some(1)), &options).is_ok());
}

#[test]
fn conformal_bands_are_around_gaps_and_late_series_too() {
    let mut history: Vec<f64> = (0..80).map(|t| f64::from(t * 7 % 10)).collect();
    for place in [20, 50, 51, 78, 79] {
        history[place] = f64::NAN;
    }
    let options = Options {
        interval: Interval::Conformal,
        ..Options::default()
    };
    let fan = made(&history, &request(Model::Naive, 3, Some(1)), &options).unwrap();
    assert_eq!((fan.values.len(), fan.values[0]), (3, history[77]));
    assert!(fan.bands[0].ends.iter().all(|(lower, upper)| lower < upper));
}

#[test]
fn auto_takes_out_what_is_obvious_unless_told_otherwise() {
    let plain: Vec<f64> = (0..60).map(|t| 100.0 + f64::from(t * t % 13)).collect();
    let mut spiked = plain.clone();
    spiked[50] = 5000.0;
    let of = |values: &[f64], model: Model, cleaning: Option<Cleaning>| {
        let options = Options {
            cleaning,
            ..Options::default()
        };
        made(values, &request(model, 3, Some(1)), &options)
            .unwrap()
            .values[0]
    };
    let usual = of(&plain, Model::Auto, None);
    assert!((of(&spiked, Model::Auto, None) - usual).abs() < 3.0);
    assert!((of(&spiked, Model::Auto, Some(Cleaning::default())) - usual).abs() > 10.0);
    // Other models do as they are told.
    assert!((of(&spiked, Model::Ses, None) - usual).abs() > 10.0);
    // The newest values may be a new level.
    let mut risen = plain.clone();
    risen[58..].fill(5000.0);
    assert!(of(&risen, Model::Auto, None) > 1000.0);
}

fn any_options() -> impl Strategy<Value = Options> {
    let level = 0.01..0.99_f64;
    let bounds = (prop::option::of(-50.0..0.0_f64), prop::option::of(0.1..200.0_f64));
    let rest = (any::<bool>(), any::<bool>(), any::<bool>(), 0..4_u8);
    (prop::collection::vec(level, 1..4), bounds, rest).prop_map(|(levels, (lower, upper), rest)| {
        let (conformal, outliers, bias_adjust, lambda) = rest;
        Options {
            levels,
            bounds: Bounds { lower, upper },
            interval: if conformal {
                Interval::Conformal
            } else {
                Interval::Normal
            },
            cleaning: Some(Cleaning {
                outliers,
                level_shifts: outliers,
                obvious: false,
            }),
            box_cox: match lambda {
                0 => Some(Lambda::Auto),
                1 => Some(Lambda::Given(0.5)),
                _ => None,
            },
            bias_adjust,
            ..Options::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn bands_are_nested_and_within_bounds(
        values in prop::collection::vec(0.5..100.0_f64, 30..60), options in any_options(), season in 1..6_i64, pick in 0..5_usize,
    ) {
        let model = [Model::Theta, Model::Naive, Model::SeasonalSmoothing, Model::Ses, Model::Drift][pick];
        let fan = match made(&values, &request(model, 4, Some(season)), &options) {
            Ok(fan) => fan,
            Err(Error::FewErrors { .. } | Error::Endless { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(fan.bands.len(), options.levels.len());
        let within = |y: f64| options.bounds.cut(y) == y;
        for step in 0..4 {
            prop_assert!(within(fan.values[step]));
            for a in &fan.bands {
                prop_assert!(a.ends[step].0 <= a.ends[step].1 && within(a.ends[step].0) && within(a.ends[step].1));
                for b in fan.bands.iter().filter(|b| b.level >= a.level) {
                    prop_assert!(b.ends[step].0 <= a.ends[step].0 && a.ends[step].1 <= b.ends[step].1);
                }
            }
        }
    }
}
