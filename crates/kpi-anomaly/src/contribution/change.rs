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
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
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
    /// The value is not what its parts make.
    #[error("value is not the sum, or the ratio of sums, of its parts")]
    Differs {
        /// What the parts make.
        parts: f64,
        /// The value.
        value: f64,
    },
}

/// A share of a value below which a difference is rounding.
const ROUNDING: f64 = 1e-9;

impl Change {
    /// The same change between the values that were published, which differ from those of the parts by the order of sums only. The
    /// contributions then add up to their difference.
    ///
    /// # Errors
    /// [`ChangeError::Differs`] where they differ by more than rounding, as a value does that was rounded itself.
    ///
    /// ```
    /// use kpi_anomaly::contribution::{Side, difference};
    /// let sum = |numerator| Side { numerator, denominator: 0.0 };
    /// let change = difference(&[[sum(0.1), sum(0.2)], [sum(0.2), sum(0.7)]]).unwrap();
    /// assert_eq!(change.clone().between(0.3, 0.9).unwrap().effects[0].contribution, 0.1);
    /// assert!(change.between(0.0, 1.0).is_err());
    /// ```
    pub fn between(mut self, before: f64, after: f64) -> Result<Self, ChangeError> {
        for (parts, value) in [(self.before, before), (self.after, after)] {
            let largest = parts.abs().max(value.abs());
            if (parts - value).abs() > ROUNDING * largest {
                return Err(ChangeError::Differs { parts, value });
            }
        }
        (self.before, self.after) = (before, after);
        self.settle();
        Ok(self)
    }

    /// Makes the contributions add up to the change, and mix and rate to each contribution.
    fn settle(&mut self) {
        let mut parts: Vec<f64> = self.effects.iter().map(|effect| effect.contribution).collect();
        settle(&mut parts, self.after - self.before);
        for (effect, contribution) in self.effects.iter_mut().zip(parts) {
            let mut both = [effect.mix, contribution - effect.mix];
            settle(&mut both, contribution);
            *effect = Effect {
                contribution,
                mix: both[0],
                rate: both[1],
            };
        }
    }

    /// The groups by the size of their contributions, the greatest first, at most `most` of them with all others together as the last
    /// one. The contributions add up to the change in this order. `groups` are those that the change was made from.
    ///
    /// ```
    /// use kpi_anomaly::contribution::{Side, difference};
    /// let sum = |numerator| Side { numerator, denominator: 0.0 };
    /// let groups = [[sum(1.0), sum(2.0)], [sum(5.0), sum(1.0)], [sum(1.0), sum(1.5)]];
    /// let ranked = difference(&groups).unwrap().ranked(&groups, 2);
    /// let shown: Vec<_> = ranked.iter().map(|rank| (rank.group, rank.effect.contribution)).collect();
    /// assert_eq!(shown, [(Some(1), -4.0), (None, 1.5)]);
    /// ```
    pub fn ranked(&self, groups: &[[Side; 2]], most: usize) -> Vec<Rank> {
        let mut order: Vec<usize> = (0..self.effects.len().min(groups.len())).collect();
        let size = |group: usize| self.effects[group].contribution.abs();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
        let own = if order.len() > most {
            most.max(1) - 1
        } else {
            order.len()
        };
        let (own, others) = order.split_at(own);
        let mut ranks: Vec<Rank> = own
            .iter()
            .map(|group| Rank {
                group: Some(*group),
                sides: groups[*group],
                effect: self.effects[*group],
            })
            .collect();
        if !others.is_empty() {
            let mut rest = Rank {
                group: None,
                sides: [Side::default(); 2],
                effect: Effect {
                    contribution: 0.0,
                    mix: 0.0,
                    rate: 0.0,
                },
            };
            for group in others {
                for (sum, side) in rest.sides.iter_mut().zip(groups[*group]) {
                    sum.numerator += side.numerator;
                    sum.denominator += side.denominator;
                }
                let effect = self.effects[*group];
                rest.effect.contribution += effect.contribution;
                rest.effect.mix += effect.mix;
                rest.effect.rate += effect.rate;
            }
            ranks.push(rest);
        }
        let mut sorted = Self {
            before: self.before,
            after: self.after,
            effects: ranks.iter().map(|rank| rank.effect).collect(),
        };
        sorted.settle();
        for (rank, effect) in ranks.iter_mut().zip(sorted.effects) {
            rank.effect = effect;
        }
        ranks
    }
}

/// A group among those that a change is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rank {
    /// Its place among the groups; `None` of all that are not named.
    pub group: Option<usize>,
    /// Its sides before and after.
    pub sides: [Side; 2],
    /// What it adds.
    pub effect: Effect,
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
    let effects: Vec<Effect> = groups
        .iter()
        .map(|[before, after]| after.numerator - before.numerator)
        .map(|contribution| Effect {
            contribution,
            mix: 0.0,
            rate: contribution,
        })
        .collect();
    made(before, after, effects)
}

/// The change of these effects, settled.
fn made(before: f64, after: f64, effects: Vec<Effect>) -> Result<Change, ChangeError> {
    let numbers = effects
        .iter()
        .flat_map(|effect| [effect.contribution, effect.mix]);
    if !numbers.chain([before, after]).all(f64::is_finite) {
        return Err(ChangeError::NotFinite);
    }
    let mut change = Change {
        before,
        after,
        effects,
    };
    change.settle();
    Ok(change)
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
    let effect = |group: &[Side; 2]| {
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
        let (contribution, mix) = (part_after - part_before - grown * middle, grown * (own - middle));
        Effect {
            contribution,
            mix,
            rate: contribution - mix,
        }
    };
    made(before, after, groups.iter().map(effect).collect())
}
