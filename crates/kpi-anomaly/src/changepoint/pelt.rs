//! The segmentation that costs least.

use super::cost::Cost;
use crate::Error;

/// Values up to which every place is tried as a change.
pub(super) const EXACT: usize = 20_000;
/// Longer series are searched in blocks of this many values, which overlap by half.
const BLOCK: usize = 2048;
/// Places spread evenly over a longer series that are tried in any case.
const GRID: usize = 1000;
/// Share of the penalty that is asked for within a block.
const LENIENT: f64 = 0.7;
/// Evaluations between polls.
const POLL: usize = 2_000_000;

/// First places of all segments but the first, of the segmentation with the least cost, `penalty` for each change.
///
/// Up to 20,000 values it is exact: PELT (Killick, Fearnhead & Eckley 2012, *Journal of the American Statistical
/// Association* 107:1590-1598), which leaves out the places that cannot be the last change any more. In a longer series only those places are
/// tried that are changes of a block at a smaller penalty, and one in a thousandth of the series; then each change is
/// moved to the best place between its neighbours.
pub(super) fn pelt(
    cost: &Cost,
    penalty: f64,
    least: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<usize>, Error> {
    let n = cost.len();
    if n <= EXACT {
        let all: Vec<usize> = (0..=n).collect();
        return best(cost, &all, penalty, least, poll);
    }
    let mut candidates: Vec<usize> = (0..=GRID).map(|k| k * n / GRID).collect();
    let mut start = 0;
    while start + 1 < n {
        let end = (start + BLOCK).min(n);
        let places: Vec<usize> = (start..=end).collect();
        candidates.extend(best(cost, &places, LENIENT * penalty, least, poll)?);
        if end == n {
            break;
        }
        start += BLOCK / 2;
    }
    candidates.sort_unstable();
    candidates.dedup();
    let found = best(cost, &candidates, penalty, least, poll)?;
    refined(cost, found, penalty, least, poll)
}

/// A place that may be the last change, and the end from which on it is none any more.
struct Open {
    index: usize,
    until: usize,
}

/// Optimal partitioning of `places[0]..places[last]` with changes at `places` only, pruned.
fn best(
    cost: &Cost,
    places: &[usize],
    penalty: f64,
    least: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<usize>, Error> {
    let count = places.len();
    let mut value = vec![f64::INFINITY; count];
    let mut previous = vec![0; count];
    value[0] = -penalty;
    let mut open = vec![Open {
        index: 0,
        until: usize::MAX,
    }];
    let (mut work, mut entering) = (0, 1);
    for to in 1..count {
        let end = places[to];
        // A place opens once a segment from it to here is long enough.
        while entering < to && places[entering] + least <= end {
            if value[entering].is_finite() {
                open.push(Open {
                    index: entering,
                    until: usize::MAX,
                });
            }
            entering += 1;
        }
        if end < places[0] + least {
            continue;
        }
        open.retain(|place| end < place.until);
        let mut lowest = (f64::INFINITY, 0);
        let mut reached = Vec::with_capacity(open.len());
        for place in &open {
            let total = value[place.index] + cost.of(places[place.index], end);
            reached.push(total);
            if total < lowest.0 {
                lowest = (total, place.index);
            }
        }
        value[to] = lowest.0 + penalty;
        previous[to] = lowest.1;
        // Splitting never costs more, so what is a penalty behind stays behind, from the first segment after `end` on that is
        // long enough.
        for (place, total) in open.iter_mut().zip(&reached) {
            if *total >= value[to] + 1e-9 * value[to].abs() {
                place.until = place.until.min(end + least);
            }
        }
        work += open.len();
        if work > POLL {
            work = 0;
            if poll() {
                return Err(Error::Canceled);
            }
        }
    }
    let mut changes = Vec::new();
    let mut at = count - 1;
    // Where no segment is long enough, there is no change.
    while at > 0 && value[at].is_finite() {
        at = previous[at];
        if at > 0 {
            changes.push(places[at]);
        }
    }
    changes.reverse();
    Ok(changes)
}

/// Each change moved to the best place between its neighbours, and left out where it is not worth its penalty.
fn refined(
    cost: &Cost,
    mut changes: Vec<usize>,
    penalty: f64,
    least: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<usize>, Error> {
    let mut index = 0;
    while index < changes.len() {
        if poll() {
            return Err(Error::Canceled);
        }
        let from = index.checked_sub(1).map_or(0, |i| changes[i]);
        let to = changes.get(index + 1).copied().unwrap_or(cost.len());
        match split(cost, from, to, least) {
            Some((place, gain)) if gain > penalty => {
                changes[index] = place;
                index += 1;
            }
            _ => {
                changes.remove(index);
            }
        }
    }
    Ok(changes)
}

/// The best place for one change within `from..to`, and what it gains.
pub(super) fn split(cost: &Cost, from: usize, to: usize, least: usize) -> Option<(usize, f64)> {
    let whole = cost.of(from, to);
    let places = from + least..(to + 1).saturating_sub(least);
    places
        .map(|place| (place, whole - cost.of(from, place) - cost.of(place, to)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::super::cost::Change;
    use super::*;
    use kpi_forecast::random::Random;
    use proptest::prelude::*;

    /// Every last change is tried, for every end.
    fn plain(cost: &Cost, penalty: f64, least: usize) -> f64 {
        let n = cost.len();
        let mut value = vec![f64::INFINITY; n + 1];
        value[0] = -penalty;
        for end in least..=n {
            value[end] = (0..=end - least)
                .map(|from| value[from] + cost.of(from, end) + penalty)
                .fold(f64::INFINITY, f64::min);
        }
        value[n]
    }

    fn total(cost: &Cost, changes: &[usize], penalty: f64) -> f64 {
        let bounds: Vec<usize> = [0]
            .into_iter()
            .chain(changes.iter().copied())
            .chain([cost.len()])
            .collect();
        let segments: f64 = bounds.windows(2).map(|pair| cost.of(pair[0], pair[1])).sum();
        segments + penalty * changes.len() as f64
    }

    proptest! {
        #[test]
        fn costs_as_little_as_with_all_tried(
            levels in prop::collection::vec((-4.0..4.0_f64, 0.3..3.0_f64, 1..30_usize), 1..6),
            seed in 0..1000_u64, penalty in 1.0..20.0_f64, least in 1..9_usize,
        ) {
            let mut random = Random::new(seed);
            let values: Vec<f64> = levels
                .iter()
                .flat_map(|(level, sigma, count)| {
                    (0..*count).map(|_| level + sigma * random.normal()).collect::<Vec<f64>>()
                })
                .collect();
            for what in [Change::Mean, Change::Variance, Change::MeanVariance, Change::Trend] {
                let least = least.max(what.least());
                prop_assume!(values.len() >= least);
                let cost = Cost::new(&values, what, 1.0);
                let changes = pelt(&cost, penalty, least, &mut || false).unwrap();
                let (found, plain) = (total(&cost, &changes, penalty), plain(&cost, penalty, least));
                prop_assert!((found - plain).abs() < 1e-6 * (1.0 + plain.abs()), "{what:?} {found} {plain}");
                let bounds: Vec<usize> = [0].into_iter().chain(changes).chain([values.len()]).collect();
                prop_assert!(bounds.windows(2).all(|pair| pair[1] >= pair[0] + least));
            }
        }
    }

    #[test]
    fn a_long_series_has_its_changes_where_they_are() {
        let mut random = Random::new(5);
        let values: Vec<f64> = (0..50_000)
            .map(|t| {
                random.normal()
                    + if (20_111..20_140).contains(&t) || t >= 41_003 {
                        3.0
                    } else {
                        0.0
                    }
            })
            .collect();
        let cost = Cost::new(&values, Change::Mean, 1.0);
        let found = pelt(&cost, 35.0, 2, &mut || false).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, place) in found.iter().zip([20_111, 20_140, 41_003]) {
            assert!(found.abs_diff(place) <= 2, "{found} {place}");
        }
        assert_eq!(pelt(&cost, 35.0, 2, &mut || true), Err(Error::Canceled));
    }
}
