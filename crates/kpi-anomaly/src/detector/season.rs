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
/// Seasons that the scale of all places is worth in the scale of one.
const PRIOR: f32 = 20.0;

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

    pub(super) fn size(&self, step: u64) -> f64 {
        let bin = (step % self.season as u64) as usize / self.width;
        let seen = f64::from(self.counts[bin]).clamp(1.0, 1.0 / f64::from(LEARNING));
        let count = f32::from(self.counts[bin]).min(1.0 / LEARNING);
        f64::from((count * self.sizes[bin] + PRIOR) / (count + PRIOR)).max(0.1) * (1.0 + 1.0 / seen).sqrt()
    }

    /// `residual` from level and profile, cut; `ratio` its size as a share of the usual one.
    pub(super) fn learn(&mut self, step: u64, residual: f64, ratio: f64) {
        let bin = (step % self.season as u64) as usize / self.width;
        let count = self.counts[bin].saturating_add(1);
        self.counts[bin] = count;
        let rate = (1.0 / f32::from(count)).max(LEARNING) / self.width as f32;
        self.means[bin] += rate * residual as f32;
        self.sizes[bin] += rate * (ratio as f32 - self.sizes[bin]);
    }
}

/// The history in which a season is looked for. When it is full it is made coarser by half, so that longer and longer
/// seasons come into reach; when it cannot get coarser it starts again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Search {
    pub(super) values: Vec<f32>,
    pub(super) width: u32,
    pub(super) sum: f64,
    pub(super) known: u32,
    pub(super) steps: u32,
}

impl Search {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
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
        (self.sum, self.known, self.steps) = (0.0, 0, 0);
        if self.values.len() >= HISTORY {
            self.coarsen();
        }
        self.values.push(mean as f32);
        SEARCHES.contains(&self.values.len())
    }

    fn coarsen(&mut self) {
        if self.width >= WIDEST {
            self.values.clear();
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
                known.sum::<f32>() / count as f32
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
