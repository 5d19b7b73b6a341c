//! Control charts: moving averages and cumulative sums of the distances, with limits from the series itself.

use crate::baseline::Baseline;
use crate::detect::Input;
use crate::robust::{median, scale};
use crate::verdict::{Cause, Chart, Verdict};
use crate::{Direction, Error};
use kpi_forecast::random::Random;

/// Weight of the newest value in the moving average, and what the cumulative sum lets pass.
const LAMBDA: f64 = 0.2;
const SLACK: f64 = 0.5;
/// Values of the simulation that sets the limits, at the usual threshold; more for a smaller one.
const SIMULATED: f64 = 100.0;
const LEAST: f64 = 20_000.0;
const MOST: f64 = 1e6;
/// Residuals are cut at so many standard deviations where they are simulated from.
const CUT: f64 = 5.0;
/// Values between polls.
const POLL: usize = 65_536;

/// What a chart says of a value: a statistic that is large where it is unusual, positive above.
struct Step {
    statistic: f64,
    chart: Chart,
    /// The values between which the statistic stays below 1, as `limit * statistic` is linear in the value.
    bounds: (f64, f64),
}

/// The state of a chart. Values are in standard deviations around the centre line.
#[derive(Debug, Clone)]
struct State {
    sum: bool,
    weight: f64,
    rules: bool,
    average: f64,
    /// The share of the start that is left in the average.
    left: f64,
    high: f64,
    low: f64,
    recent: Vec<f64>,
    run: f64,
}

impl State {
    fn new(sum: bool, weight: f64, rules: bool) -> Self {
        Self {
            sum,
            weight,
            rules,
            average: 0.0,
            left: 1.0,
            high: 0.0,
            low: 0.0,
            recent: Vec::new(),
            run: 0.0,
        }
    }

    /// The statistic with the next value, where the limit is `limit`.
    fn next(&mut self, z: f64, limit: f64) -> Step {
        let mut step = if self.sum {
            let bounds = (-(limit + self.weight - self.low), limit + self.weight - self.high);
            self.high = (self.high + z - self.weight).max(0.0);
            self.low = (self.low - z - self.weight).max(0.0);
            let statistic = if self.high >= self.low {
                self.high
            } else {
                -self.low
            };
            Step {
                statistic,
                chart: Chart::Sum,
                bounds,
            }
        } else {
            let kept = 1.0 - self.weight;
            self.left *= kept;
            // The exact standard deviation of the average of the values so far.
            let sigma = (self.weight / (2.0 - self.weight) * (1.0 - self.left * self.left)).sqrt();
            let before = kept * self.average;
            self.average = before + self.weight * z;
            let out = |side: f64| (side * limit * sigma - before) / self.weight;
            Step {
                statistic: self.average / sigma,
                chart: Chart::Average,
                bounds: (out(-1.0), out(1.0)),
            }
        };
        if self.rules {
            self.zones(z, &mut step);
        }
        step
    }

    /// The zone rules (Western Electric Company 1956, *Statistical Quality Control Handbook*), with zones as wide as the limit asks
    /// for: each rule's statistic is that of a single value as rare as what the rule saw.
    fn zones(&mut self, z: f64, step: &mut Step) {
        self.run = if z * self.run > 0.0 {
            self.run + z.signum()
        } else {
            z.signum()
        };
        self.recent.push(z);
        if self.recent.len() > 5 {
            self.recent.remove(0);
        }
        let nth = |among: usize, which: usize, side: f64| {
            let from = self.recent.len().checked_sub(among)?;
            let mut of: Vec<f64> = self.recent[from..].iter().map(|z| side * z).collect();
            of.sort_by(|a, b| b.total_cmp(a));
            of.get(which - 1).copied().filter(|z| *z > 0.0)
        };
        let rules = [
            (Chart::One, 1, 1, 1.0),
            // In the handbook 2 of 3 beyond two, 4 of 5 beyond one standard deviation weigh as much as one beyond three.
            (Chart::TwoOfThree, 3, 2, 1.5),
            (Chart::FourOfFive, 5, 4, 3.0),
        ];
        for (chart, among, which, times) in rules {
            for side in [1.0, -1.0] {
                let newest_counts = self.recent.last().is_some_and(|z| z * side > 0.0);
                if let Some(z) = nth(among, which, side).filter(|_| newest_counts)
                    && z * times > step.statistic.abs()
                {
                    step.statistic = side * times * z;
                    step.chart = chart;
                }
            }
        }
        // Eight in a row weigh as much as one beyond three standard deviations.
        let of_run = 3.0 * (self.run.abs() / 8.0).sqrt();
        if self.run.abs() >= 8.0 && of_run > step.statistic.abs() {
            step.statistic = self.run.signum() * of_run;
            step.chart = Chart::Run;
        }
        step.bounds = (f64::NAN, f64::NAN);
    }

    /// After an alarm the chart starts again.
    fn restart(&mut self) {
        *self = Self::new(self.sum, self.weight, self.rules);
    }
}

/// Exponentially weighted moving average (Roberts 1959, *Technometrics* 1:239-250), with exact limits from its start on.
pub(crate) fn ewma(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let options = &input.request.options;
    let weight = options.lambda.unwrap_or(LAMBDA);
    judge(input, &State::new(false, weight, options.western_electric), poll)
}

/// Cumulative sums on both sides (Page 1954, *Biometrika* 41:100-115).
pub(crate) fn cusum(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let options = &input.request.options;
    let slack = options.slack.unwrap_or(SLACK);
    judge(input, &State::new(true, slack, options.western_electric), poll)
}

/// The centre line is the median of what the season leaves. Values that remember their predecessors are made independent first,
/// as by an AR(1) process. The chart starts again after an alarm and after a gap.
///
/// Limits are found by running the chart over values drawn at random from the series, cut at five standard
/// deviations: the limit of a probability is the one that is passed as often.
fn judge(input: &Input, chart: &State, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let values = input.values;
    let baseline = Baseline::of(values, input.season, false, poll)?;
    let (left, course) = season_only(values, input.season, &baseline);
    let mut own: Vec<f64> = left.iter().copied().filter(|y| y.is_finite()).collect();
    let centre = median(&mut own).unwrap_or(0.0);
    let noise = crate::noise::Noise::of(
        &left
            .iter()
            .copied()
            .filter(|y| y.is_finite())
            .collect::<Vec<f64>>(),
    );
    let phi = if noise.phi > 2.0 / (own.len() as f64).sqrt() {
        noise.phi
    } else {
        0.0
    };
    // What is new in each value: its distance less what was known from the one before.
    let known: Vec<f64> = left
        .iter()
        .enumerate()
        .map(|(t, _)| match t.checked_sub(1).map(|s| left[s] - centre) {
            Some(before) if before.is_finite() => centre + phi * before,
            _ => centre,
        })
        .collect();
    let new: Vec<f64> = left.iter().zip(&known).map(|(y, k)| y - k).collect();
    let mut own: Vec<f64> = new.iter().copied().filter(|y| y.is_finite()).collect();
    // Shifts widen the scatter around the centre line, not that of the noise.
    let unit = match noise.sigma * (1.0 - phi * phi).sqrt() {
        sigma if sigma > 0.0 => sigma.min(scale(&mut own)).max(input.rounding),
        _ => input.unit(&mut own),
    };
    let expected: Vec<f64> = known.iter().zip(&course).map(|(k, c)| k + c).collect();
    if unit <= 0.0 {
        return Ok(values.iter().zip(&expected).map(|(y, e)| flat(*y, *e)).collect());
    }
    let z: Vec<f64> = new.iter().map(|y| y / unit).collect();
    let (threshold, direction) = (input.request.threshold, input.request.direction);
    let limits = Limits::simulated(chart, &z, direction, threshold, poll)?;
    let mut state = chart.clone();
    let mut verdicts = Vec::with_capacity(values.len());
    for (t, z) in z.iter().enumerate() {
        if t.is_multiple_of(POLL) && poll() {
            return Err(Error::Canceled);
        }
        if !z.is_finite() {
            state.restart();
            verdicts.push(Verdict::unknown(expected[t]));
            continue;
        }
        let step = state.next(*z, limits.limit);
        let takes = direction.takes(step.statistic);
        let probability = if takes {
            limits.probability(step.statistic.abs())
        } else {
            1.0
        };
        let score = 1.0 - probability;
        let is_anomaly = score > 1.0 - threshold;
        if is_anomaly {
            state.restart();
        }
        let bound = |z: f64, side: Direction| match side.takes_side(direction) {
            true => expected[t] + unit * z,
            false if side == Direction::Up => f64::INFINITY,
            false => f64::NEG_INFINITY,
        };
        verdicts.push(Verdict {
            expected: expected[t],
            lower: bound(step.bounds.0, Direction::Down),
            upper: bound(step.bounds.1, Direction::Up),
            deviation: Some(step.statistic),
            score: Some(score),
            is_anomaly,
            cause: is_anomaly.then_some(Cause::Chart { chart: step.chart }),
        });
    }
    Ok(verdicts)
}

/// Nothing varies, or what varies does so once or twice.
fn flat(value: f64, expected: f64) -> Verdict {
    let mut verdict = Verdict::unknown(expected);
    if value.is_finite() {
        verdict.deviation = Some(0.0);
        verdict.score = Some(0.0);
        (verdict.lower, verdict.upper) = (expected, expected);
    }
    verdict
}

/// The values without the season, and the season. The level stays in: that it moves is what the charts look for.
fn season_only(values: &[f64], season: usize, baseline: &Baseline) -> (Vec<f64>, Vec<f64>) {
    if season < 2 {
        return (values.to_vec(), vec![0.0; values.len()]);
    }
    // Expected values are level plus season; what repeats in them is the season.
    let mut sums = vec![(0.0, 0.0); season];
    for (t, expected) in baseline.expected.iter().enumerate() {
        sums[t % season].0 += expected;
        sums[t % season].1 += 1.0;
    }
    let means: Vec<f64> = sums
        .iter()
        .map(|(sum, count)| sum / f64::max(*count, 1.0))
        .collect();
    let mean = means.iter().sum::<f64>() / season as f64;
    let course: Vec<f64> = (0..values.len()).map(|t| means[t % season] - mean).collect();
    (values.iter().zip(&course).map(|(y, c)| y - c).collect(), course)
}

/// How often a chart passes a limit.
struct Limits {
    /// The limit of the threshold.
    limit: f64,
    /// Limits with the share of values at which they are passed, both falling and rising together.
    curve: Vec<(f64, f64)>,
}

impl Limits {
    fn simulated(
        chart: &State,
        z: &[f64],
        direction: Direction,
        threshold: f64,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let pool: Vec<f64> = z
            .iter()
            .copied()
            .filter(|z| z.is_finite())
            .map(|z| z.clamp(-CUT, CUT))
            .collect();
        let count = (SIMULATED / threshold).clamp(LEAST, MOST) as usize;
        let mut random = Random::new(1);
        let drawn: Vec<f64> = (0..count)
            .map(|_| {
                pool.get((random.uniform() * pool.len() as f64) as usize)
                    .copied()
                    .unwrap_or(0.0)
            })
            .collect();
        // From a limit that nearly everything passes to one that nothing passes.
        let rate = |limit: f64, poll: &mut dyn FnMut() -> bool| {
            if poll() {
                return Err(Error::Canceled);
            }
            let mut state = chart.clone();
            let mut alarms = 0.0;
            for z in &drawn {
                let statistic = state.next(*z, limit).statistic;
                if direction.takes(statistic) && statistic.abs() > limit {
                    alarms += 1.0;
                    state.restart();
                }
            }
            Ok(alarms / drawn.len() as f64)
        };
        let mut curve = vec![(0.0, 1.0)];
        let mut limit = 0.5;
        while limit < 60.0 {
            let share = rate(limit, poll)?;
            if share < 20.0 / count as f64 {
                break;
            }
            curve.push((limit, share));
            limit += 0.5;
        }
        let mut limits = Self { limit: 0.0, curve };
        limits.limit = limits.reach(threshold);
        Ok(limits)
    }

    /// The two points of the curve around a place where `is_before` ends; beyond the last one it goes on as between the last two.
    fn around(&self, is_before: impl Fn(&(f64, f64)) -> bool) -> Option<((f64, f64), (f64, f64))> {
        let at = self
            .curve
            .partition_point(is_before)
            .clamp(1, self.curve.len().checked_sub(1)?.max(1));
        Some((*self.curve.get(at - 1)?, *self.curve.get(at)?))
    }

    fn probability(&self, statistic: f64) -> f64 {
        let Some((from, to)) = self.around(|(limit, _)| *limit <= statistic) else {
            return 1.0;
        };
        let fall = (to.1 / from.1).ln().min(-1e-3) / (to.0 - from.0);
        (from.1 * (fall * (statistic - from.0)).exp()).min(1.0)
    }

    fn reach(&self, probability: f64) -> f64 {
        let Some((from, to)) = self.around(|(_, share)| *share >= probability) else {
            return f64::INFINITY;
        };
        let fall = (to.1 / from.1).ln().min(-1e-3) / (to.0 - from.0);
        from.0 + (probability / from.1).ln() / fall
    }
}
