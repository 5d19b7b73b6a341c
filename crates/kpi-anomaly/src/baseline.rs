//! Level and season of a series, as exactly as its history allows and without what is unusual in it.

use crate::Error;
use crate::changepoint::{Jump, jumps};
use crate::expectation::{NEIGHBOURS, gather, trend};
use crate::robust::{median, scale};

/// Rounds of level and season.
const ROUNDS: usize = 2;
/// Values further than so many robust standard deviations from their expectation count as if they were there.
const CUT: f64 = 3.0;
/// Steps on each side that the narrowest level spans without a season, and with one: times the season.
const NARROW: usize = 15;
const NARROW_SEASONS: f64 = 1.5;
/// Each further level spans this many times more.
const WIDER: usize = 4;
/// A wider level is taken if its errors are at most this much larger.
const AS_GOOD: f64 = 1.01;
/// The season of the neighbouring cycles is taken if its errors are this much smaller than those of the season of all.
const BETTER: f64 = 0.97;
/// Points between polls.
const POLL: usize = 65_536;

/// What is usual in a series.
#[derive(Debug, Clone)]
pub(crate) struct Baseline {
    /// Level plus season at each place; a value takes no part in its own.
    pub(crate) expected: Vec<f64>,
    /// Where the level jumps.
    pub(crate) jumps: Vec<Jump>,
    /// The values without season and jumps, those far out brought nearer; gaps stay.
    pub(crate) steady: Vec<f64>,
    /// Steps on each side that the level is made of; the tests look at it.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) half: usize,
}

impl Baseline {
    /// The level is a local line between the jumps of the series, over a window as wide as the values allow: the widest one whose
    /// errors are no larger than those of the others. The season's part is the mean of the other values at the same place, of all
    /// cycles or, where that is better, the median of the eight nearest. What is far out is cut, so one value does not move either.
    pub(crate) fn of(
        values: &[f64],
        season: usize,
        with_jumps: bool,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let n = values.len();
        let mut level = trend(values, season, poll)?;
        let mut course = vec![0.0; n];
        let mut found = Vec::new();
        let mut half = n;
        let mut steady = Vec::new();
        // Without a season the second round would be the first again.
        for _ in 0..if season == 1 { 1 } else { ROUNDS } {
            let above: Vec<f64> = values.iter().zip(&level).map(|(y, l)| y - l).collect();
            course = seasonal(&above, season, poll)?;
            let adjusted: Vec<f64> = values.iter().zip(&course).map(|(y, c)| y - c).collect();
            steady = cut(&adjusted, &level);
            if with_jumps {
                found = jumps(&steady, poll)?;
            }
            (level, half) = smooth(&steady, &adjusted, season, &found, poll)?;
        }
        for jump in &found {
            for slot in &mut steady[jump.place..] {
                *slot -= jump.after - jump.before;
            }
        }
        let expected = level.iter().zip(&course).map(|(l, c)| l + c).collect();
        Ok(Self {
            expected,
            jumps: found,
            steady,
            half,
        })
    }
}

/// The season's part at each place.
fn seasonal(above: &[f64], season: usize, poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Error> {
    let n = above.len();
    if season < 2 {
        return Ok(vec![0.0; n]);
    }
    let mut places = vec![Vec::new(); season];
    for (t, value) in above.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        places[t % season].push(*value);
    }
    let middles: Vec<f64> = places
        .iter_mut()
        .map(|place| median(place).unwrap_or(0.0))
        .collect();
    let mut left: Vec<f64> = (0..n)
        .map(|t| above[t] - middles[t % season])
        .filter(|r| r.is_finite())
        .collect();
    let reach = CUT * scale(&mut left);
    let clamped = |t: usize| {
        let middle = middles[t % season];
        above[t].clamp(middle - reach, middle + reach)
    };
    let mut sums = vec![(0.0, 0.0); season];
    for t in (0..n).filter(|t| above[*t].is_finite()) {
        sums[t % season].0 += clamped(t);
        sums[t % season].1 += 1.0;
    }
    let of_all: Vec<f64> = (0..n)
        .map(|t| {
            let (mut sum, mut count) = sums[t % season];
            if above[t].is_finite() {
                sum -= clamped(t);
                count -= 1.0;
            }
            if count > 0.0 { sum / count } else { 0.0 }
        })
        .collect();
    if n / season <= NEIGHBOURS {
        return Ok(of_all);
    }
    let mut of_near = Vec::with_capacity(n);
    let mut near = Vec::with_capacity(NEIGHBOURS + 1);
    for t in 0..n {
        if t.is_multiple_of(POLL) && poll() {
            return Err(Error::Canceled);
        }
        near.clear();
        gather(above, t, season, &mut near);
        of_near.push(median(&mut near).unwrap_or(0.0));
    }
    let error = |course: &[f64]| {
        let mut errors: Vec<f64> = above
            .iter()
            .zip(course)
            .map(|(a, c)| a - c)
            .filter(|e| e.is_finite())
            .collect();
        scale(&mut errors)
    };
    Ok(if error(&of_near) < BETTER * error(&of_all) {
        of_near
    } else {
        of_all
    })
}

/// The values, those far from the level brought nearer; gaps stay.
fn cut(adjusted: &[f64], level: &[f64]) -> Vec<f64> {
    // What moves with its neighbours is no outlier: the middle is that of a few values.
    const NEAR: usize = 5;
    let n = adjusted.len();
    let mut window = Vec::with_capacity(2 * NEAR + 1);
    let middles: Vec<f64> = (0..n)
        .map(|t| {
            window.clear();
            let around = &adjusted[t.saturating_sub(NEAR)..(t + NEAR + 1).min(n)];
            window.extend(around.iter().filter(|v| v.is_finite()));
            median(&mut window).unwrap_or(level[t])
        })
        .collect();
    let mut left: Vec<f64> = adjusted
        .iter()
        .zip(&middles)
        .map(|(y, m)| y - m)
        .filter(|r| r.is_finite())
        .collect();
    // Where most values are their middle, one that is not is an event.
    let most_equal = left.iter().filter(|r| **r == 0.0).count() * 2 > left.len();
    let reach = if most_equal { 0.0 } else { CUT * scale(&mut left) };
    adjusted
        .iter()
        .zip(&middles)
        .map(|(y, m)| {
            if y.is_finite() {
                y.clamp(m - reach, m + reach)
            } else {
                f64::NAN
            }
        })
        .collect()
}

/// The level and the steps on each side that it is made of.
fn smooth(
    cut: &[f64],
    adjusted: &[f64],
    season: usize,
    jumps: &[Jump],
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, usize), Error> {
    let n = cut.len();
    let narrow = if season > 1 {
        (NARROW_SEASONS * season as f64) as usize
    } else {
        NARROW
    };
    let bounds: Vec<usize> = [0]
        .into_iter()
        .chain(jumps.iter().map(|j| j.place))
        .chain([n])
        .collect();
    let mut all = Vec::new();
    let mut half = narrow.max(NARROW);
    loop {
        let mut level = vec![f64::NAN; n];
        for pair in bounds.windows(2) {
            lines(&cut[pair[0]..pair[1]], half, &mut level[pair[0]..pair[1]]);
        }
        if poll() {
            return Err(Error::Canceled);
        }
        fill(&mut level);
        let mut errors: Vec<f64> = adjusted
            .iter()
            .zip(&level)
            .map(|(y, l)| y - l)
            .filter(|e| e.is_finite())
            .collect();
        let reach = CUT * scale(&mut errors);
        let size = errors.iter().map(|e| e.abs().min(reach)).sum::<f64>();
        all.push((size, level, half));
        if half >= n {
            break;
        }
        half = half.saturating_mul(WIDER);
    }
    let least = all.iter().map(|(error, ..)| *error).fold(f64::INFINITY, f64::min);
    let widest = all
        .into_iter()
        .rev()
        .find(|(error, ..)| *error <= AS_GOOD * least);
    Ok(widest.map_or((vec![0.0; n], n), |(_, level, half)| (level, half)))
}

/// Sums over a window of places `x`, counted from its middle, and values.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    x: f64,
    xx: f64,
    y: f64,
    xy: f64,
}

impl Sums {
    fn add(&mut self, x: f64, y: f64, times: f64) {
        self.n += times;
        self.x += times * x;
        self.xx += times * x * x;
        self.y += times * y;
        self.xy += times * x * y;
    }

    /// The same sums with places counted from one step further.
    fn step(&mut self) {
        self.xx += self.n - 2.0 * self.x;
        self.x -= self.n;
        self.xy -= self.y;
    }

    /// The line through the window at place 0.
    fn middle(&self) -> f64 {
        let spread = self.n * self.xx - self.x * self.x;
        if self.n < 1.0 {
            f64::NAN
        } else if self.n < 5.0 || spread <= 1e-9 * self.n * self.xx {
            self.y / self.n
        } else {
            (self.xx * self.y - self.x * self.xy) / spread
        }
    }
}

/// A local line at each place from the values up to `half` steps away, without the value itself.
fn lines(values: &[f64], half: usize, level: &mut [f64]) {
    /// Sums of a moving window gather rounding, and are made anew after so many steps.
    const ANEW: usize = 1024;
    let n = values.len();
    let mut sums = Sums::default();
    // Values are counted from their middle, so that large ones lose no digits.
    let base = values.iter().find(|v| v.is_finite()).copied().unwrap_or(0.0);
    let at = |t: usize| values[t] - base;
    for t in 0..n {
        let (from, to) = (t.saturating_sub(half), (t + half).min(n - 1));
        if t % ANEW.max(half) == 0 {
            sums = Sums::default();
            for s in (from..=to).filter(|s| values[*s].is_finite()) {
                sums.add(s as f64 - t as f64, at(s), 1.0);
            }
        } else {
            sums.step();
            if t > half && values[t - half - 1].is_finite() {
                sums.add(-(half as f64) - 1.0, at(t - half - 1), -1.0);
            }
            if t + half < n && values[t + half].is_finite() {
                sums.add(half as f64, at(t + half), 1.0);
            }
        }
        let mut others = sums;
        if values[t].is_finite() {
            others.add(0.0, at(t), -1.0);
        }
        level[t] = base + others.middle();
    }
}

/// Places without a level get that of the nearest one.
fn fill(level: &mut [f64]) {
    let known = |v: &&f64| v.is_finite();
    let mut last = level.iter().find(known).copied().unwrap_or(0.0);
    for slot in level {
        if slot.is_finite() {
            last = *slot;
        } else {
            *slot = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;

    #[test]
    fn the_level_of_noise_is_its_mean_and_of_a_curve_the_curve() {
        let mut random = Random::new(1);
        let values: Vec<f64> = (0..600).map(|_| 50.0 + random.normal()).collect();
        let baseline = Baseline::of(&values, 1, true, &mut || false).unwrap();
        assert!(baseline.half > 50 && baseline.jumps.is_empty());
        assert!(baseline.expected.iter().all(|e| (e - 50.0).abs() < 0.5));
        let curve = |t: usize| 20.0 * (t as f64 / 60.0).sin();
        let values: Vec<f64> = (0..600).map(|t| curve(t) + random.normal()).collect();
        let baseline = Baseline::of(&values, 1, true, &mut || false).unwrap();
        let off = (20..580)
            .map(|t| (baseline.expected[t] - curve(t)).abs())
            .fold(0.0, f64::max);
        assert!(baseline.half < 30 && off < 1.5, "{} {off}", baseline.half);
    }

    #[test]
    fn lines_are_those_of_the_window_without_the_value_itself() {
        let values: Vec<f64> = (0..3000).map(|t| 1e6 + 0.5 * f64::from(t)).collect();
        let mut level = vec![0.0; 3000];
        lines(&values, 20, &mut level);
        assert!(level.iter().zip(&values).all(|(l, y)| (l - y).abs() < 1e-5));
    }
}
