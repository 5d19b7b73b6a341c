//! Missing data: gaps that are long for the series.

use crate::verdict::{Cause, Verdict};

/// A gap of fewer steps is no event.
const LEAST: usize = 3;
/// It is this many times longer than the longest of the others.
const TIMES: usize = 2;
/// A place of the season has no values as a rule if it has none in this share of the other cycles.
const RULE: f64 = 0.5;

/// The gaps that are missing data: runs of steps without a value, first and number of steps. Gaps before the first and after
/// the last value count too.
///
/// Steps at which the other cycles of the season have no value either (a market's weekend) do not count. A run of three or more
/// is missing data if it is more than twice as long as any other one. `probability` is that of a run as long by chance,
/// `s r^(k - 1)`, with the shares `s` of steps at which another gap starts and `r` of steps of other gaps after which it goes on, half of
/// a case added to each.
pub(crate) fn long(values: &[f64], season: usize) -> Vec<Missing> {
    let n = values.len();
    let gap = |t: usize| !values[t].is_finite();
    let usual = |t: usize| {
        if season < 2 {
            return false;
        }
        let others = (t % season..n).step_by(season).filter(|s| *s != t);
        let (mut missing, mut count) = (0.0, 0.0);
        for other in others {
            missing += f64::from(u8::from(gap(other)));
            count += 1.0;
        }
        count > 1.0 && missing >= RULE * count
    };
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut t = 0;
    while t < n {
        let first = t;
        let mut steps = 0;
        while t < n && gap(t) {
            steps += usize::from(!usual(t));
            t += 1;
        }
        if steps > 0 {
            runs.push((first, steps));
        }
        t += 1;
    }
    // The longest and the one after it: what the others are for each run.
    let mut lengths: Vec<usize> = runs.iter().map(|(_, steps)| *steps).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let all: usize = lengths.iter().sum();
    let second = lengths.get(1).copied().unwrap_or(0);
    runs.iter()
        .filter_map(|(first, steps)| {
            let others = if Some(steps) == lengths.first() {
                second
            } else {
                lengths[0]
            };
            if *steps < LEAST || *steps <= TIMES * others {
                return None;
            }
            let runs = (lengths.len() - 1) as f64;
            let starts = (runs + 0.5) / (n as f64 + 1.0);
            let missing = (all - steps) as f64;
            let goes_on = (missing - runs + 0.5) / (missing + 1.0);
            Some(Missing {
                first: *first,
                steps: *steps,
                usual: others,
                probability: starts * goes_on.powi((*steps - 1).min(1000) as i32),
            })
        })
        .collect()
}

/// A run of missing values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Missing {
    pub(crate) first: usize,
    pub(crate) steps: usize,
    pub(crate) usual: usize,
    pub(crate) probability: f64,
}

/// Flags the steps of missing data.
pub(crate) fn flag(values: &[f64], season: usize, verdicts: &mut [Verdict], threshold: f64) {
    for gap in long(values, season) {
        let cause = Cause::Missing {
            steps: gap.steps,
            usual: gap.usual,
        };
        let run = values[gap.first..].iter().take_while(|v| !v.is_finite()).count();
        for verdict in &mut verdicts[gap.first..gap.first + run] {
            verdict.flag(gap.probability, threshold, cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_found_and_a_weekend_is_not() {
        let mut values: Vec<f64> = (0..140)
            .map(|t| if t % 7 > 4 { f64::NAN } else { f64::from(t) })
            .collect();
        assert_eq!(long(&values, 7), []);
        values[72..76].fill(f64::NAN); // Wednesday to Saturday
        values[10] = f64::NAN;
        let found = long(&values, 7);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first, found[0].steps, found[0].usual), (72, 3, 1));
        assert!(found[0].probability < 0.01);
    }

    #[test]
    fn gaps_like_the_others_are_usual() {
        let values: Vec<f64> = (0..200)
            .map(|t| if t % 19 < 4 { f64::NAN } else { 1.0 })
            .collect();
        assert_eq!(long(&values, 1), []);
        assert_eq!(long(&[f64::NAN; 5], 1).len(), 1);
        assert_eq!(long(&[], 1), []);
    }
}
