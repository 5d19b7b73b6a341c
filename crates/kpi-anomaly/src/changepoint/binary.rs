//! Binary segmentation.

use super::cost::Cost;
use super::pelt::split;
use crate::Error;

/// First places of all segments but the first: the best split of the whole, then of its parts, as long as one gains more than the
/// penalty (Scott & Knott 1974, *Biometrics* 30:507-512). Not the best segmentation of all, but found in `n log n` steps.
pub(super) fn binary(
    cost: &Cost,
    penalty: f64,
    least: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<usize>, Error> {
    let mut changes = Vec::new();
    let mut parts = vec![(0, cost.len())];
    while let Some((from, to)) = parts.pop() {
        if poll() {
            return Err(Error::Canceled);
        }
        if let Some((place, gain)) = split(cost, from, to, least)
            && gain > penalty
        {
            changes.push(place);
            parts.push((from, place));
            parts.push((place, to));
        }
    }
    changes.sort_unstable();
    Ok(changes)
}
