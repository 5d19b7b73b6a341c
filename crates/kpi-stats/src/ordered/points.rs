//! Points in time order, one for each time.

use super::Fold;
use super::packed::BLOCK;

/// A time in microseconds and a value.
pub(crate) type Point = (i64, f64);

/// Sorts points by time; of several at one time the greatest stays.
pub(super) fn settle<F: Fold>(fold: &F, points: &mut Vec<Point>) {
    // Stable sorting is quick where the points are made of few sorted runs, which is how workers hand them over.
    points.sort_by_key(|point| point.0);
    points.dedup_by(|next, kept| {
        let same_time = next.0 == kept.0;
        if same_time && fold.is_greater(next.1, kept.1) {
            kept.1 = next.1;
        }
        same_time
    });
}

/// The summary of points in strict time order, taken block by block; `None` of none.
pub(super) fn summarise<F: Fold>(fold: &F, points: &[Point]) -> Option<F::Summary> {
    let mut whole: Option<F::Summary> = None;
    let (mut times, mut values) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
    for block in points.chunks(BLOCK) {
        times.clear();
        values.clear();
        times.extend(block.iter().map(|point| point.0));
        values.extend(block.iter().map(|point| point.1));
        whole = match (whole, fold.summarise(&times, &values)) {
            (Some(mut whole), Some(next)) => {
                F::join(&mut whole, &next);
                Some(whole)
            }
            (whole, next) => whole.or(next),
        };
    }
    whole
}
