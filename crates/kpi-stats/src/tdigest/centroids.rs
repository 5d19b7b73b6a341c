//! Values that stand for many, and how neighbours are united.

use std::f64::consts::PI;

use crate::moments::MAX_COUNT;

/// The mean of `weight` neighbouring values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Centroid {
    pub mean: f64,
    pub weight: u64,
}

/// Neighbours on their way to become one centroid.
struct United {
    first: f64,
    last: f64,
    /// The sum of the values, in the unit that keeps it within a double.
    sum: f64,
    weight: u64,
}

impl United {
    fn start(centroid: Centroid, unit: f64) -> Self {
        Self {
            first: centroid.mean,
            last: centroid.mean,
            sum: centroid.mean * unit * centroid.weight as f64,
            weight: centroid.weight,
        }
    }

    fn absorb(&mut self, next: Centroid, unit: f64) {
        self.last = next.mean;
        self.sum += next.mean * unit * next.weight as f64;
        self.weight = self.weight.saturating_add(next.weight).min(MAX_COUNT);
    }

    fn finish(self, unit: f64) -> Centroid {
        // A single value is kept as it is, and rounding must not move a mean past its values.
        let mean = (self.sum / self.weight as f64 / unit).clamp(self.first, self.last);
        Centroid {
            mean,
            weight: self.weight,
        }
    }
}

/// Unites neighbours of two lists, each in order of its means, while they are no longer than one unit of the scale of `n`: at
/// most n are left. No mean is further from zero than `largest`.
pub(super) fn compress(
    ours: impl Iterator<Item = Centroid> + Clone,
    theirs: impl Iterator<Item = Centroid> + Clone,
    n: u16,
    largest: f64,
) -> Vec<Centroid> {
    let weight = |centroid: Centroid| centroid.weight as f64;
    let total = ours.clone().map(weight).sum::<f64>() + theirs.clone().map(weight).sum::<f64>();
    // A power of two, so that it costs no digits.
    let unit = if (largest * total).is_finite() {
        1.0
    } else {
        (-64f64).exp2()
    };
    let mut centroids = Vec::with_capacity(n.into());
    let n = f64::from(n);
    let mut left = in_order(ours, theirs);
    let Some(first) = left.next() else {
        return centroids;
    };
    let mut united = United::start(first, unit);
    let (mut before, mut limit) = (0.0, total * limit_after(0.0, n));
    for next in left {
        let through = before + united.weight as f64 + next.weight as f64;
        if through <= limit {
            united.absorb(next, unit);
        } else {
            before += united.weight as f64;
            limit = total * limit_after(before / total, n);
            centroids.push(std::mem::replace(&mut united, United::start(next, unit)).finish(unit));
        }
    }
    centroids.push(united.finish(unit));
    centroids
}

/// Two lists that are each in order as one that is; of equal means the lighter one comes first.
fn in_order(
    ours: impl Iterator<Item = Centroid>,
    theirs: impl Iterator<Item = Centroid>,
) -> impl Iterator<Item = Centroid> {
    let (mut ours, mut theirs) = (ours.peekable(), theirs.peekable());
    std::iter::from_fn(move || match (ours.peek(), theirs.peek()) {
        (Some(a), Some(b)) if (b.mean, b.weight) < (a.mean, a.weight) => theirs.next(),
        (Some(_), _) => ours.next(),
        (None, _) => theirs.next(),
    })
}

/// The fraction up to which a centroid may go that starts at `q`: one unit further on the scale n / 2π · asin(2q - 1).
fn limit_after(q: f64, n: f64) -> f64 {
    let angle = (2.0 * q - 1.0).clamp(-1.0, 1.0).asin() + 2.0 * PI / n;
    if angle >= PI / 2.0 {
        1.0
    } else {
        (angle.sin() + 1.0) / 2.0
    }
}
