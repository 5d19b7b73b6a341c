//! Change points: where the level, the variance or the slope of a series becomes another one.

mod bayes;
mod binary;
mod cost;
mod jump;
mod pelt;
mod segment;

pub use cost::Change;
pub(crate) use jump::{Jump, jumps};
pub use segment::Segment;

use crate::noise::Noise;
use crate::robust::{median, scale};
use crate::{Error, Kind};
use cost::Cost;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::str::FromStr;

/// How change points are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// The segmentation that costs least (Killick, Fearnhead & Eckley 2012).
    #[default]
    Pelt,
    /// Bayesian online change point detection (Adams & MacKay 2007).
    Bocpd,
    /// Binary segmentation (Scott & Knott 1974).
    Binseg,
}

impl Search {
    const ALL: [(&'static str, Self); 3] = [
        ("pelt", Self::Pelt),
        ("bocpd", Self::Bocpd),
        ("binseg", Self::Binseg),
    ];
}

impl FromStr for Search {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, search)| *search).ok_or_else(|| Error::Unknown {
            what: "change point method",
            argument: "method",
            name: name.to_owned(),
            known: Self::ALL.iter().map(|(name, _)| *name).collect(),
        })
    }
}

impl FromStr for Change {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::named(name).ok_or_else(|| Error::Unknown {
            what: "cost",
            argument: "cost",
            name: name.to_owned(),
            known: Self::names(),
        })
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Request {
    /// How the changes are found.
    pub search: Search,
    /// What may change.
    pub cost: Change,
    /// What a change has to gain in twice the logarithm of the likelihood; by default `(p + 2) ln n` with `p` parameters
    /// that change.
    pub penalty: Option<f64>,
    /// Values in a segment at least; by default 2 for the mean, 10 for a variance, 5 for a line.
    pub min_size: Option<i64>,
}

/// A change point. Values are in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Place of the first value that is different.
    pub place: usize,
    /// What changed.
    pub kind: Kind,
    /// 1 less the probability that noise alone has such a change somewhere between the two neighbouring change points; for
    /// BOCPD the posterior probability of a change within three steps.
    pub confidence: f64,
    /// The values since the change point before.
    pub before: Segment,
    /// The values up to the next one.
    pub after: Segment,
}

/// Values further out than this many robust standard deviations are cut where variances are looked at.
const CUT: f64 = 5.0;

/// The change points of `values`, in order. A value that is not finite is a gap and belongs to no segment.
///
/// The noise is estimated from differences ([`Noise`]), so that neither a change nor a slope is taken for noise. Where
/// values remember their predecessors, means and variances wander further than those of independent values: costs are divided by the
/// long-run variance, so that this is not taken for a change. A constant series and one of fewer than two segments has
/// none.
///
/// # Errors
/// [`Error::Penalty`] and [`Error::SegmentSize`] for what is out of range, [`Error::Empty`] without values,
/// [`Error::Overflow`] for values beyond 1e150, [`Error::SearchWithoutTrend`] for lines by BOCPD, [`Error::Canceled`].
///
/// ```
/// use kpi_anomaly::changepoint::{Request, changepoints};
/// let values: Vec<f64> = (0..60).map(|t| [0.0, 1.0, 0.5, -0.5][t * t % 7 % 4] + if t < 35 { 10.0 } else { 20.0 }).collect();
/// let found = changepoints(&values, &Request::default(), &mut || false).unwrap();
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].place, found[0].kind.name()), (35, "level shift"));
/// assert!((found[0].after.mean - found[0].before.mean - 10.0).abs() < 0.5);
/// ```
pub fn changepoints(
    values: &[f64],
    request: &Request,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<ChangePoint>, Error> {
    let what = request.cost;
    let usual = match what {
        Change::Mean => 2,
        Change::Variance | Change::MeanVariance => 10,
        Change::Trend => 5,
    };
    let least = match request.min_size {
        None => usual,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| *size >= what.least())
            .ok_or(Error::SegmentSize {
                size,
                least: what.least(),
            })?,
    };
    if let Some(penalty) = request.penalty.filter(|p| !(p.is_finite() && *p > 0.0)) {
        return Err(Error::Penalty { penalty });
    }
    if (request.search, what) == (Search::Bocpd, Change::Trend) {
        return Err(Error::SearchWithoutTrend);
    }
    let places: Vec<usize> = (0..values.len()).filter(|t| values[*t].is_finite()).collect();
    let known: Vec<f64> = places.iter().map(|t| values[*t]).collect();
    if known.is_empty() {
        return Err(Error::Empty { points: values.len() });
    }
    crate::detect::within_range(&known)?;
    let n = known.len();
    let noise = Noise::of(&known);
    if noise.sigma.is_nan() || noise.sigma <= 0.0 || n < 2 * least {
        return Ok(Vec::new());
    }
    let (standard, inflation) = standardised(&known, what, &noise);
    let penalty = request
        .penalty
        .unwrap_or_else(|| (what.parameters() + 2) as f64 * (n as f64).ln());
    let cost = Cost::new(&standard, what, inflation);
    let mut probabilities = None;
    let found = match request.search {
        Search::Pelt => pelt::pelt(&cost, penalty, least, poll)?,
        Search::Binseg => binary::binary(&cost, penalty, least, poll)?,
        Search::Bocpd => {
            let hazard = (-penalty / 2.0).exp();
            let found = bayes::bayes(&standard, what, hazard, inflation, least, poll)?;
            probabilities = Some(found.iter().map(|f| f.probability).collect::<Vec<f64>>());
            found.iter().map(|f| f.place).collect()
        }
    };
    let bounds: Vec<usize> = [0].into_iter().chain(found.iter().copied()).chain([n]).collect();
    let segments: Vec<Segment> = bounds
        .windows(2)
        .map(|b| Segment::of(&known[b[0]..b[1]], b[0]))
        .collect();
    let point = |(index, place): (usize, &usize)| {
        let (from, to) = (bounds[index], bounds[index + 2]);
        let gain = cost.of(from, to) - cost.of(from, *place) - cost.of(*place, to);
        let confidence = match &probabilities {
            Some(probabilities) => probabilities[index],
            None => confidence(gain, to - from, what),
        };
        let (before, after) = (segments[index], segments[index + 1]);
        ChangePoint {
            place: places[*place],
            kind: kind(what, &before, &after, noise.long_run),
            confidence,
            before,
            after,
        }
    };
    Ok(found.iter().enumerate().map(point).collect())
}

/// The values in units of their noise around their middle, and by how much their likelihoods are overrated.
fn standardised(known: &[f64], what: Change, noise: &Noise) -> (Vec<f64>, f64) {
    let middle = median(&mut known.to_vec()).unwrap_or(0.0);
    let memory = noise.long_run / noise.sigma;
    let mut standard: Vec<f64> = known.iter().map(|y| (y - middle) / noise.sigma).collect();
    match what {
        Change::Mean | Change::Trend => (standard, memory * memory),
        Change::Variance | Change::MeanVariance => {
            if what == Change::Variance {
                // One wild value is no variance; it is cut in units of the scatter around it.
                let reach = CUT * scale(&mut standard.clone()).max(1.0);
                for y in &mut standard {
                    *y = y.clamp(-reach, reach);
                }
            }
            let remembered = (1.0 + noise.phi * noise.phi) / (1.0 - noise.phi * noise.phi);
            let kurtosis = kurtosis(&standard);
            let of_variance = remembered * ((kurtosis - 1.0) / 2.0).clamp(1.0, 5.0);
            let inflation = if what == Change::Variance {
                of_variance
            } else {
                of_variance.max(memory * memory)
            };
            (standard, inflation)
        }
    }
}

/// Kurtosis of the values by blocks, the median of them: that of the noise where its variance changes.
fn kurtosis(values: &[f64]) -> f64 {
    const BLOCK: usize = 50;
    let of_block = |block: &[f64]| {
        let n = block.len() as f64;
        let mean = block.iter().sum::<f64>() / n;
        let power = |k: i32| block.iter().map(|y| (y - mean).powi(k)).sum::<f64>() / n;
        let square = power(2);
        if square > 0.0 {
            power(4) / (square * square)
        } else {
            3.0
        }
    };
    let mut all: Vec<f64> = values
        .chunks(BLOCK)
        .filter(|b| 2 * b.len() >= BLOCK)
        .map(of_block)
        .collect();
    if all.is_empty() {
        return 3.0;
    }
    all.iter_mut().for_each(|k| *k = k.max(1.0));
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    // The mean of blocks sees the heavy tail; one broken block does not decide.
    mean.min(2.0 * median(&mut all).unwrap_or(3.0))
}

/// 1 less the probability of such a gain at the best of so many places.
fn confidence(gain: f64, places: usize, what: Change) -> f64 {
    let freedom = what.parameters() as f64;
    let one = ChiSquared::new(freedom).map_or(1.0, |chi| chi.sf(gain.max(0.0)));
    (1.0 - places as f64 * one).clamp(0.0, 1.0)
}

/// What changed most between two segments.
fn kind(what: Change, before: &Segment, after: &Segment, long_run: f64) -> Kind {
    match what {
        Change::Mean => Kind::LevelShift,
        Change::Variance => Kind::VarianceChange,
        Change::MeanVariance => {
            let error = |s: &Segment| s.sd * s.sd / s.count as f64;
            let distance = (after.mean - before.mean).abs()
                / (error(before) + error(after)).sqrt().max(f64::MIN_POSITIVE);
            let ratio = (after.sd.max(f64::MIN_POSITIVE) / before.sd.max(f64::MIN_POSITIVE))
                .ln()
                .abs();
            let of_ratio = (0.5 / before.count as f64 + 0.5 / after.count as f64).sqrt();
            if distance >= ratio / of_ratio {
                Kind::LevelShift
            } else {
                Kind::VarianceChange
            }
        }
        Change::Trend => {
            // How far the two lines are apart where they meet, and how far the slopes take them apart within a segment.
            let jump = (after.first - before.last - (before.slope + after.slope) / 2.0).abs();
            let length = before.count.min(after.count) as f64;
            let turn = (after.slope - before.slope).abs() * length / 2.0;
            if jump > turn && jump > 2.0 * long_run / length.sqrt() {
                Kind::LevelShift
            } else {
                Kind::TrendChange
            }
        }
    }
}

#[cfg(test)]
mod tests;
