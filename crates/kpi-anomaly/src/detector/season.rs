//! The season of a stream: looked for in a short history, kept as a profile.

use kpi_forecast::season;

use super::clock::Clock;

/// Values that the season is looked for in.
pub(super) const HISTORY: usize = 1024;
/// Lengths of the history at which it is looked for.
const SEARCHES: [usize; 6] = [64, 128, 256, 384, 640, HISTORY];
/// Places of a profile at most: those of a longer season share one between neighbours.
pub(super) const PLACES: usize = 512;
/// Steps that one value of the history is the mean of, at most.
pub(super) const WIDEST: u32 = 16;
/// Weight of the newest season in a profile that has seen many.
const LEARNING: f32 = 0.06;
/// One place in so many on either side of a place says something of it.
const NEIGHBOURS: usize = 96;
/// Weight of the newest point in what is known of how much the places differ in size.
const SHARING_RATE: f64 = 1.0 / 1024.0;
/// Of the sizes that places seem to have, as much is taken for true at first: a quarter of their variance, which is what the mean
/// size of some 30 normal deviations has by chance.
pub(super) const SHARING: Sharing = Sharing {
    common: 0.005,
    whole: 0.02,
};

/// What is usual at each place of the season.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub(super) season: usize,
    pub(super) width: usize,
    /// Less the level.
    pub(super) means: Vec<f32>,
    /// Mean size of the residuals, as a share of the overall one.
    pub(super) sizes: Vec<f32>,
    pub(super) counts: Vec<u16>,
    pub(super) sharing: Sharing,
}

/// How far the sizes of places are to be believed: the slope of the regression of a new size on what its place had before. Places
/// that differ by chance only have a slope of zero, and then one size holds for all (the linear empirical Bayes rule of Robbins
/// 1983, *Some Thoughts on Empirical Bayes Estimation*).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sharing {
    /// Covariance of a new size with the one known before.
    pub(super) common: f64,
    /// Variance of the ones known before.
    pub(super) whole: f64,
}

impl Sharing {
    fn slope(&self) -> f64 {
        if self.whole > 0.0 {
            (self.common / self.whole).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn learn(&mut self, known: f64, new: f64) {
        self.common += SHARING_RATE * ((known - 1.0) * (new - 1.0) - self.common);
        self.whole += SHARING_RATE * ((known - 1.0) * (known - 1.0) - self.whole);
    }
}

impl Profile {
    pub(super) fn new(season: usize) -> Self {
        let width = season.div_ceil(PLACES);
        let places = season.div_ceil(width);
        Self {
            season,
            width,
            means: vec![0.0; places],
            sizes: vec![1.0; places],
            counts: vec![0; places],
            sharing: SHARING,
        }
    }

    pub(super) fn mean(&self, step: u64) -> f64 {
        let place = (step % self.season as u64) as usize;
        let (bin, within) = (place / self.width, place % self.width);
        let here = f64::from(self.means[bin]);
        if self.width == 1 {
            return here;
        }
        let offset = (within as f64 + 0.5) / self.width as f64 - 0.5;
        let n = self.means.len();
        let other = if offset < 0.0 {
            (bin + n - 1) % n
        } else {
            (bin + 1) % n
        };
        here + offset.abs() * (f64::from(self.means[other]) - here)
    }

    /// The mean of the place and its neighbours, the nearer the more; `None` where a season is too short for it.
    pub(super) fn smooth(&self, step: u64) -> Option<f64> {
        let n = self.means.len();
        let reach = n / NEIGHBOURS;
        if reach == 0 {
            return None;
        }
        let bin = (step % self.season as u64) as usize / self.width;
        let (mut sum, mut weights) = (0.0, 0.0);
        for offset in 0..=2 * reach {
            let weight = (reach + 1 - offset.abs_diff(reach)) as f64;
            sum += weight * f64::from(self.means[(bin + n + offset - reach) % n]);
            weights += weight;
        }
        Some(sum / weights)
    }

    pub(super) fn size(&self, step: u64) -> f64 {
        let bin = (step % self.season as u64) as usize / self.width;
        let seen = f64::from(self.counts[bin]).clamp(1.0, 1.0 / f64::from(LEARNING));
        let own = 1.0 + self.sharing.slope() * (f64::from(self.sizes[bin]) - 1.0);
        own.max(0.1) * (1.0 + 1.0 / seen).sqrt()
    }

    /// `residual` from level and profile, cut; `ratio` its size as a share of the usual one.
    pub(super) fn learn(&mut self, step: u64, residual: f64, ratio: f64) {
        let bin = (step % self.season as u64) as usize / self.width;
        let count = self.counts[bin].saturating_add(1);
        self.counts[bin] = count;
        let rate = (1.0 / f32::from(count)).max(LEARNING) / self.width as f32;
        self.means[bin] += rate * residual as f32;
        if count > 1 {
            self.sharing.learn(f64::from(self.sizes[bin]), ratio);
        }
        self.sizes[bin] += rate * (ratio as f32 - self.sizes[bin]);
    }
}

/// A number of the history to 16 binary digits: a season does not hide in less, and three bytes hold it.
pub(super) fn short(number: f32) -> f32 {
    if !number.is_finite() {
        return f32::NAN;
    }
    f32::from_bits(number.to_bits().saturating_add(0x80) & !0xFF)
}

/// The history in which a season is looked for. When it is full it is made coarser by half, so that longer and longer
/// seasons come into reach; when it cannot get coarser it starts again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Search {
    /// Less the origin, each as exact as [`short`] leaves it.
    pub(super) values: Vec<f32>,
    /// The first of them: what a series varies by may be little beside its level.
    pub(super) origin: Option<f64>,
    pub(super) width: u32,
    pub(super) sum: f64,
    pub(super) known: u32,
    pub(super) steps: u32,
}

impl Search {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            origin: None,
            width: 1,
            sum: 0.0,
            known: 0,
            steps: 0,
        }
    }

    /// Takes the value of a step, NaN for a gap; true when it is time to look.
    pub(super) fn push(&mut self, value: f64) -> bool {
        if value.is_finite() {
            self.sum += value;
            self.known += 1;
        }
        self.steps += 1;
        if self.steps < self.width {
            return false;
        }
        let mean = if self.known > 0 {
            self.sum / f64::from(self.known)
        } else {
            f64::NAN
        };
        if self.origin.is_none() && mean.is_finite() {
            self.origin = Some(mean);
        }
        (self.sum, self.known, self.steps) = (0.0, 0, 0);
        if self.values.len() >= HISTORY {
            self.coarsen();
        }
        self.values
            .push(short((mean - self.origin.unwrap_or_default()) as f32));
        SEARCHES.contains(&self.values.len())
    }

    fn coarsen(&mut self) {
        if self.width >= WIDEST {
            self.values.clear();
            self.origin = None;
            self.width = 1;
            return;
        }
        self.width *= 2;
        self.values = self
            .values
            .chunks(2)
            .map(|pair| {
                let known = pair.iter().filter(|v| v.is_finite());
                let count = known.clone().count();
                short(known.sum::<f32>() / count as f32)
            })
            .collect();
    }

    /// Steps of the season in the history, `None` for none.
    pub(super) fn look(&self, clock: &Clock) -> Option<usize> {
        let width = self.width as usize;
        let values: Vec<f64> = self.values.iter().map(|v| f64::from(*v)).collect();
        let expected: Vec<usize> = clock
            .calendar()
            .filter(|m| m.is_multiple_of(width) && m / width >= 2)
            .map(|m| m / width)
            .collect();
        let found = season::detect(&values, &expected, &mut || false);
        // A season that only the data suggest is known to the width of a value at best.
        (found > 1 && (width == 1 || expected.contains(&found))).then_some(found * width)
    }

    /// The profile of a season, from the history, whose last value belongs to `step`.
    pub(super) fn profile(&self, season: usize, step: u64) -> (Profile, f64) {
        let (mut sizes, mut known_all, mut cycles) = (0.0, 0.0, 0.0_f64);
        let mut profile = Profile::new(season);
        let width = self.width as usize;
        let cycle = season / width;
        let n = self.values.len();
        let first = n % cycle;
        let mut all: Vec<Vec<f32>> = vec![Vec::new(); profile.means.len()];
        for (at, part) in self.values[first..].chunks(cycle).enumerate() {
            let known = part.iter().filter(|v| v.is_finite());
            let mean = known.clone().sum::<f32>() / known.count() as f32;
            for (within, value) in part.iter().enumerate().filter(|(_, v)| v.is_finite()) {
                let back = (n - 1 - (first + at * cycle + within)) * width;
                let place =
                    (step + season as u64 * (1 + back as u64 / season as u64) - back as u64) % season as u64;
                all[place as usize / profile.width].push(value - mean);
            }
        }
        for (bin, values) in all.iter_mut().enumerate() {
            values.sort_by(f32::total_cmp);
            let n = values.len();
            if n > 0 {
                profile.means[bin] = (values[(n - 1) / 2] + values[n / 2]) / 2.0;
                profile.counts[bin] = n as u16;
                if n > 1 {
                    let m = f64::from(profile.means[bin]);
                    sizes += values.iter().map(|v| (f64::from(*v) - m).abs()).sum::<f64>();
                    known_all += n as f64;
                    cycles = cycles.max(n as f64);
                }
            }
        }
        let size = if known_all > 0.0 {
            sizes / known_all * ((cycles + 1.0) / (cycles - 1.0)).sqrt()
        } else {
            0.0
        };
        (profile, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;

    #[test]
    fn sizes_of_places_are_believed_as_far_as_they_last() {
        for (others, least, most) in [(1.0, 0.0, 0.35), (4.0, 0.8, 1.0)] {
            let mut random = Random::new(2);
            let mut profile = Profile::new(24);
            let usual = 0.8 * (0.5 + 0.5 * others);
            for step in 0..4000 {
                let scale = if step % 24 < 12 { 1.0 } else { others };
                profile.learn(step, 0.0, scale * random.normal().abs() / usual);
            }
            let slope = profile.sharing.slope();
            assert!((least..=most).contains(&slope), "{others} {slope}");
        }
    }

    #[test]
    fn neighbours_say_something_in_long_seasons_only() {
        let mut profile = Profile::new(288);
        profile.means[100] = 16.0;
        assert_eq!(profile.smooth(100), Some(4.0));
        assert_eq!(profile.smooth(103), Some(1.0));
        assert_eq!(profile.smooth(104), Some(0.0));
        assert_eq!(Profile::new(24).smooth(3), None);
    }
}
