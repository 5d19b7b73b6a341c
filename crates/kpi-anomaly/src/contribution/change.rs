//! The change of a value between two buckets, by the groups that it is made of.

use super::settle;

/// A group's numerator and denominator in one bucket; both 0 where it has no rows. The denominator of a sum or a count is not
/// looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Side {
    /// The group's sum or count, of a ratio what is above the line.
    pub numerator: f64,
    /// Of a ratio, what is below the line.
    pub denominator: f64,
}

impl Side {
    /// The group's ratio; `None` where its denominator is 0.
    pub fn rate(&self) -> Option<f64> {
        (self.denominator != 0.0).then(|| self.numerator / self.denominator)
    }
}

/// What a group adds to the change, in the unit of the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Mix and rate together.
    pub contribution: f64,
    /// By having a greater or a smaller share of the denominator; 0 of a sum.
    pub mix: f64,
    /// By its own ratio, or its own sum.
    pub rate: f64,
}

/// The change and what each group adds to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The value before.
    pub before: f64,
    /// The value after.
    pub after: f64,
    /// One per group, in their order. The contributions add up to `after - before`, one after the other, to the last bit
    /// wherever doubles can (see [`settle`]); mix and rate of a group add up to its contribution likewise.
    pub effects: Vec<Effect>,
}

/// Why a ratio has no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The denominators of all groups add up to 0.
    #[error("denominators add up to zero")]
    NoDenominator {
        /// Whether it is the bucket after the change.
        after: bool,
    },
    /// A number is not finite.
    #[error("parts of the value are not finite")]
    NotFinite,
}

/// The change of a sum or a count: each group adds its own difference. `before` and `after` of a group side by side.
///
/// # Errors
/// [`ChangeError::NotFinite`].
///
/// ```
/// use kpi_anomaly::contribution::{Side, difference};
/// let sum = |numerator| Side { numerator, denominator: 0.0 };
/// let change = difference(&[[sum(5.0), sum(3.0)], [sum(0.0), sum(4.0)]]).unwrap();
/// assert_eq!((change.before, change.after), (5.0, 7.0));
/// assert_eq!(change.effects[1].contribution, 4.0);
/// ```
pub fn difference(groups: &[[Side; 2]]) -> Result<Change, ChangeError> {
    let total = |bucket: usize| groups.iter().map(|group| group[bucket].numerator).sum::<f64>();
    let (before, after) = (total(0), total(1));
    let mut parts: Vec<f64> = groups
        .iter()
        .map(|[before, after]| after.numerator - before.numerator)
        .collect();
    finite(parts.iter().chain([&before, &after]))?;
    settle(&mut parts, after - before);
    let effects = parts.into_iter().map(|contribution| Effect {
        contribution,
        mix: 0.0,
        rate: contribution,
    });
    Ok(Change {
        before,
        after,
        effects: effects.collect(),
    })
}

/// The change of a ratio of sums, split into mix and rate with the means of both buckets as weights (Marshall & Edgeworth), which
/// leaves no interaction over.
///
/// With a group's share w of the denominator, its ratio r, and the ratio R of all, each as its mean of before and after
/// where it is not a difference: the mix effect is (w1 - w0) (r - R), positive where a group that is better than all grows,
/// and the rate effect is w (r1 - r0). Shares add up to 1 in both buckets, so the R adds nothing in all, and the sum of both
/// effects over the groups is R1 - R0. A group that is new or has vanished has one ratio only, which stands for both: it acts
/// through the mix alone. A numerator without a denominator is a rate effect.
///
/// # Errors
/// [`ChangeError::NoDenominator`] where there is no ratio, and [`ChangeError::NotFinite`].
///
/// ```
/// use kpi_anomaly::contribution::{Side, ratio};
/// // Both groups as good as before, but more of the worse one.
/// let side = |numerator, denominator| Side { numerator, denominator };
/// let change = ratio(&[[side(90.0, 100.0), side(45.0, 50.0)], [side(25.0, 50.0), side(50.0, 100.0)]]).unwrap();
/// assert!(change.effects.iter().all(|effect| effect.rate.abs() < 1e-15 && effect.mix < 0.0));
/// let sum: f64 = change.effects.iter().map(|effect| effect.contribution).sum();
/// assert_eq!(sum, change.after - change.before);
/// ```
pub fn ratio(groups: &[[Side; 2]]) -> Result<Change, ChangeError> {
    let total =
        |bucket: usize, of: fn(&Side) -> f64| groups.iter().map(|group| of(&group[bucket])).sum::<f64>();
    let mut all = [Side::default(); 2];
    for (bucket, all) in all.iter_mut().enumerate() {
        all.numerator = total(bucket, |side| side.numerator);
        all.denominator = total(bucket, |side| side.denominator);
    }
    let [before, after] = [all[0].rate(), all[1].rate()];
    let before = before.ok_or(ChangeError::NoDenominator { after: false })?;
    let after = after.ok_or(ChangeError::NoDenominator { after: true })?;
    let middle = f64::midpoint(before, after);
    let mut parts = Vec::with_capacity(groups.len());
    let mut mixes = Vec::with_capacity(groups.len());
    for group in groups {
        let [share_before, share_after] =
            [0, 1].map(|bucket| group[bucket].denominator / all[bucket].denominator);
        let [part_before, part_after] =
            [0, 1].map(|bucket| group[bucket].numerator / all[bucket].denominator);
        let grown = share_after - share_before;
        let own = match (group[0].rate(), group[1].rate()) {
            (Some(one), Some(other)) => f64::midpoint(one, other),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => middle,
        };
        parts.push(part_after - part_before - grown * middle);
        mixes.push(grown * (own - middle));
    }
    finite(parts.iter().chain(&mixes).chain([&before, &after]))?;
    settle(&mut parts, after - before);
    let effects = parts.into_iter().zip(mixes).map(|(contribution, mix)| {
        let mut both = [mix, contribution - mix];
        settle(&mut both, contribution);
        Effect {
            contribution,
            mix: both[0],
            rate: both[1],
        }
    });
    Ok(Change {
        before,
        after,
        effects: effects.collect(),
    })
}

fn finite<'a>(mut numbers: impl Iterator<Item = &'a f64>) -> Result<(), ChangeError> {
    if numbers.all(|number| number.is_finite()) {
        Ok(())
    } else {
        Err(ChangeError::NotFinite)
    }
}
