//! How wide a band must be: by the model's formula, and by what a backtest has shown.

use crate::backtest::Outcome;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Standard errors to each side of a band of `level`. Who asks for a model by name gets its band, as the textbook has it, that of a normal
/// distribution, widened (never narrowed) so that it would have held that share of the outcomes of a backtest. What was chosen by its
/// backtest, from so many values, is taken to be as overconfident as it was there, or as cautious, and its band is that of Student's
/// distribution.
///
/// A wider level is never narrower.
pub(crate) fn width(outcomes: &[Outcome], level: f64, chosen_from: Option<usize>) -> f64 {
    match chosen_from {
        Some(values) => student_width(level, values) * overconfidence(outcomes),
        None => normal_width(level).max(observed_width(&ratios(outcomes), level)),
    }
}

/// Standard errors to each side that hold the share `level` of a normal distribution: 1.96 for 0.95.
pub(crate) fn normal_width(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
}

/// The same of Student's distribution, since the standard error is itself estimated, with a degree of freedom less for each
/// parameter that was estimated, and wider by what the error of a forecast is larger than one within the history, where `k` parameters were
/// estimated: `sqrt(1 + k / n)` (the final prediction error of Akaike 1969, *Annals of the Institute of Statistical Mathematics*
/// 21:243-247, whose other factor the models' variances have): 2.66 for 0.95 of 12 values.
pub(crate) fn student_width(level: f64, values: usize) -> f64 {
    /// Two smoothing weights, a level and a slope.
    const PARAMETERS: f64 = 4.0;
    let freedom = (values as f64 - PARAMETERS).max(1.0);
    let unseen = (1.0 + PARAMETERS / (values as f64).max(1.0)).sqrt();
    unseen
        * StudentsT::new(0.0, 1.0, freedom).map_or_else(
            |_| normal_width(level),
            |student| student.inverse_cdf(0.5 + level / 2.0),
        )
}

/// By what factor the band of what was chosen from so many values is wider `ahead` steps on, since a slope is known no better than the
/// values tell: `sqrt(1 + h / n)`, as in the band of the random walk with drift (Hyndman & Athanasopoulos 2021, *Forecasting: principles
/// and practice*, table 5.2). The models take their slopes for known. Without a season the slope is all that moves a forecast.
pub(crate) fn of_slope(ahead: i32, chosen_from: Option<usize>) -> f64 {
    chosen_from.map_or(1.0, |values| {
        (1.0 + f64::from(ahead) / (values as f64).max(1.0)).sqrt()
    })
}

/// By what factor errors were larger than the standard errors stated, or smaller: the root of the mean squared ratio of each
/// origin and of two origins more at which all was as stated, so that one bad origin is not taken for a law.
pub(crate) fn overconfidence(outcomes: &[Outcome]) -> f64 {
    const GIVEN: f64 = 2.0;
    let origins = outcomes.iter().filter(|o| o.step == 1).count() as f64;
    let (mut sum, mut count) = (0.0, 0.0);
    for outcome in outcomes.iter().filter(|o| o.standard_error > 0.0) {
        sum += (outcome.error / outcome.standard_error).powi(2);
        count += 1.0;
    }
    if count == 0.0 {
        return 1.0;
    }
    ((GIVEN + origins * sum / count) / (GIVEN + origins)).sqrt()
}

/// The errors of outcomes in the standard errors stated, in ascending order.
pub(crate) fn ratios(outcomes: &[Outcome]) -> Vec<f64> {
    let mut ratios: Vec<f64> = outcomes
        .iter()
        .filter(|o| o.standard_error > 0.0)
        .map(|o| o.error.abs() / o.standard_error)
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// Standard errors to each side that held the share `level` of the outcomes with these [`ratios`], 0 when there are too few
/// to say.
pub(crate) fn observed_width(ratios: &[f64], level: f64) -> f64 {
    const FEW: usize = 10;
    if ratios.len() < FEW {
        return 0.0;
    }
    let rank = ((ratios.len() + 1) as f64 * level).ceil() as usize;
    ratios[rank.clamp(1, ratios.len()) - 1]
}
