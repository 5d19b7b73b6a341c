//! Distance from one location: mean, median, quartiles.

use crate::Error;
use crate::detect::Input;
use crate::robust::{median, quantile};
use crate::verdict::Verdict;

/// The values without the median course of the season, and that course at each place.
pub(crate) fn adjusted(values: &[f64], season: usize) -> (Vec<f64>, Vec<f64>) {
    if season < 2 {
        return (values.to_vec(), vec![0.0; values.len()]);
    }
    let mut places = vec![Vec::new(); season];
    for (t, value) in values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        places[t % season].push(*value);
    }
    let medians: Vec<Option<f64>> = places.iter_mut().map(|place| median(place)).collect();
    let mut all: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let middle = median(&mut all).unwrap_or(0.0);
    let course: Vec<f64> = (0..values.len())
        .map(|t| medians[t % season].map_or(0.0, |m| m - middle))
        .collect();
    (values.iter().zip(&course).map(|(y, c)| y - c).collect(), course)
}

fn around(input: &Input, course: &[f64], location: f64, sided: bool) -> Result<Vec<Verdict>, Error> {
    input.judge(course.iter().map(|c| c + location).collect(), sided)
}

/// Distance from the mean (of what the median course of the season leaves) in standard deviations. Trends are not followed.
/// The oldest method, and the one that outliers move most (Grubbs 1969, *Technometrics* 11:1-21).
pub(crate) fn zscore(input: &Input) -> Result<Vec<Verdict>, Error> {
    let (left, course) = adjusted(input.values, input.season);
    let known: Vec<f64> = left.iter().copied().filter(|y| y.is_finite()).collect();
    // A mean of deviations from the first value keeps the digits of large values.
    let first = known.first().copied().unwrap_or(0.0);
    let mean = first + known.iter().map(|y| y - first).sum::<f64>() / known.len().max(1) as f64;
    around(input, &course, mean, false)
}

/// Distance from the median in median absolute deviations (Iglewicz & Hoaglin 1993, *How to Detect and Handle Outliers*).
pub(crate) fn mad(input: &Input) -> Result<Vec<Verdict>, Error> {
    let (mut left, course) = adjusted(input.values, input.season);
    left.retain(|y| y.is_finite());
    let middle = median(&mut left).unwrap_or(0.0);
    around(input, &course, middle, false)
}

/// Fences around the quartiles (Tukey 1977, *Exploratory Data Analysis*), on each side as far out as the threshold asks for. The
/// published fences, 1.5 interquartile ranges out, are reached by 7 of 1000 normal values, and by 4 of 100 of Student's t with
/// 5 degrees of freedom: no threshold belongs to them.
pub(crate) fn iqr(input: &Input) -> Result<Vec<Verdict>, Error> {
    let (mut left, course) = adjusted(input.values, input.season);
    left.retain(|y| y.is_finite());
    let low = quantile(&mut left, 0.25).unwrap_or(0.0);
    let high = quantile(&mut left, 0.75).unwrap_or(0.0);
    around(input, &course, low + (high - low) / 2.0, true)
}

/// The values with gaps on a straight line between their neighbours, or like the nearest value; all 0 without any.
pub(crate) fn interpolated(values: &[f64]) -> Vec<f64> {
    if values.iter().all(|y| y.is_finite()) {
        return values.to_vec();
    }
    let mut filled = kpi_forecast::gaps::fill(values, 1);
    filled.resize(values.len(), 0.0);
    filled
}
