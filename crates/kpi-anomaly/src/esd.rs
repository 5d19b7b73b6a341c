//! Seasonal hybrid generalised extreme Studentized deviate test.

use crate::Error;
use crate::calibration::Calibration;
use crate::detect::Input;
use crate::location::adjusted;
use crate::robust::MAD_TO_SIGMA;
use crate::verdict::{Cause, Residuals, Verdict};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Share of the values that are anomalies at most.
const MAX_SHARE: f64 = 0.1;
/// Tests between polls.
const POLL: usize = 4096;

/// Seasonal hybrid generalised ESD (Hochenbaum, Vallis & Kejariwal 2017, *Automatic Anomaly Detection in the Cloud Via Statistical
/// Learning*, arXiv:1704.07706, on Rosner 1983, *Technometrics* 25:165-172).
///
/// The season is taken out; then the value furthest from the median, in median absolute deviations, is taken out, and again from
/// what is left, up to a tenth of the values. The anomalies are those up to the last one whose distance exceeds its critical value. Critical
/// values are those of Rosner, with the threshold as the probability per value, times by how much the tail of this series reaches further than
/// that of a normal distribution.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let (left, course) = adjusted(input.values, input.season);
    let mut order: Vec<usize> = (0..left.len()).filter(|t| left[*t].is_finite()).collect();
    order.sort_by(|a, b| left[*a].total_cmp(&left[*b]));
    let sorted: Vec<f64> = order.iter().map(|t| left[*t]).collect();
    let n = sorted.len();
    let (median, deviation) = centre(&sorted);
    let threshold = input.request.threshold;
    let expected: Vec<f64> = course.iter().map(|c| c + median).collect();
    let unit = if deviation > 0.0 {
        deviation
    } else {
        let mut around: Vec<f64> = sorted.iter().map(|y| y - median).collect();
        input.unit(&mut around)
    };
    let residuals = Residuals {
        unit: vec![unit; expected.len()],
        expected,
        sided: false,
        rounding: input.rounding,
    };
    let mut verdicts = residuals.verdicts(input.values, threshold, input.request.direction);
    let tail = Calibration::of(&residuals.deviations(input.values), input.request.direction);
    let sides = if input.request.direction == crate::Direction::Both {
        2.0
    } else {
        1.0
    };
    let normal = Normal::standard().inverse_cdf(1.0 - threshold / sides);
    let heavier = if normal > 0.0 {
        (tail.reach(threshold) / normal).max(1.0)
    } else {
        1.0
    };
    let most = (input.request.options.max_share.unwrap_or(MAX_SHARE) * n as f64) as usize;
    let (mut from, mut to) = (0, n);
    let mut removed = Vec::new();
    let mut last = 0;
    for step in 0..most {
        if step.is_multiple_of(POLL) && poll() {
            return Err(Error::Canceled);
        }
        let rest = &sorted[from..to];
        let (median, deviation) = centre(rest);
        if rest.len() < 3 || deviation <= 0.0 {
            break;
        }
        let (below, above) = (median - rest[0], rest[rest.len() - 1] - median);
        let below_counts = input.request.direction != crate::Direction::Up;
        let above_counts = input.request.direction != crate::Direction::Down;
        let take_below = below_counts && (!above_counts || below > above);
        let distance = if take_below { below } else { above };
        let place = if take_below { from } else { to - 1 };
        removed.push(order[place]);
        if distance / deviation > heavier * critical(rest.len(), threshold / sides) {
            last = removed.len();
        }
        if take_below {
            from += 1;
        } else {
            to -= 1;
        }
    }
    // Where values hardly ever vary, the test has no scale, and the distances speak for themselves.
    if deviation > 0.0 {
        for verdict in &mut verdicts {
            verdict.is_anomaly = false;
            verdict.cause = None;
            verdict.score = verdict.score.map(|score| score.min(1.0 - threshold));
        }
        for t in removed.into_iter().take(last) {
            let verdict = &mut verdicts[t];
            let p = verdict
                .deviation
                .map_or(1.0, |d| tail.probability(d))
                .min(0.999 * threshold);
            verdict.flag(p, threshold, Cause::Distance);
        }
    }
    Ok(verdicts)
}

/// Median and scaled median absolute deviation of values in order: the half of them nearest to the median is a run.
fn centre(sorted: &[f64]) -> (f64, f64) {
    let n = sorted.len();
    if n == 0 {
        return (0.0, 0.0);
    }
    let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    let half = n / 2 + 1;
    // The narrowest reach around the median with so many values, by bisection of where the run starts.
    let reach = |from: usize| (median - sorted[from]).max(sorted[from + half - 1] - median);
    let (mut low, mut high) = (0, n - half);
    while low < high {
        let middle = (low + high) / 2;
        // The left end is still further out than the right one: the run starts further right.
        if median - sorted[middle] > sorted[middle + half - 1] - median {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let best = reach(low).min(low.checked_sub(1).map_or(f64::INFINITY, reach));
    (median, MAD_TO_SIGMA * best)
}

/// Rosner's critical value for the largest of `n` distances, each exceeding it with probability `p` on one side.
fn critical(n: usize, p: f64) -> f64 {
    let n = n as f64;
    let freedom = n - 2.0;
    let t = StudentsT::new(0.0, 1.0, freedom.max(1.0)).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - p));
    if n > 1000.0 {
        // There the two factors are 1 within a thousandth.
        return Normal::standard().inverse_cdf(1.0 - p);
    }
    t * (n - 1.0) / ((freedom + t * t) * n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half_of_sorted_values() {
        let values = [1.0, 2.0, 3.0, 4.0, 100.0];
        assert_eq!(centre(&values), (3.0, MAD_TO_SIGMA));
        assert_eq!(centre(&[5.0; 4]), (5.0, 0.0));
        assert_eq!(centre(&[]), (0.0, 0.0));
    }

    #[test]
    fn critical_values_of_rosner() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.17.3 (54 values, 5%): the critical values of the first
        // and the third test are 3.158 and 3.144.
        assert!((critical(54, 0.05 / (2.0 * 54.0)) - 3.158).abs() < 2e-3);
        assert!((critical(52, 0.05 / (2.0 * 52.0)) - 3.144).abs() < 2e-3);
    }
}
