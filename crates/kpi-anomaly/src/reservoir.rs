//! A uniform sample of rows in bounded memory.

use crate::FeatureError;
use kpi_forecast::random::Random;
use kpi_stats::Error;
use kpi_stats::frame::{Reader, Writer};

/// Features of a row, at most.
pub const MAX_WIDTH: usize = 1000;
/// Values that a reservoir keeps at most: 32 MB.
pub const MAX_CELLS: usize = 1 << 22;

/// A sample without replacement of all rows seen so far, each as likely as any other (Vitter 1985, *Random Sampling with
/// a Reservoir*, algorithm R). While there are no more rows than places, it holds all of them in their order.
///
/// Two reservoirs of different rows merge into one of all rows: rows are drawn from both without replacement, each time
/// with the chance that the next one belongs to that side, which is what a draw from all rows together is.
///
/// ```
/// use kpi_anomaly::reservoir::Reservoir;
/// let mut sample = Reservoir::new(2, 100, 7).unwrap();
/// for i in 0..1000 {
///     sample.add(&[f64::from(i), 1.0]).unwrap();
/// }
/// assert_eq!((sample.seen(), sample.rows().len()), (1000, 200));
/// assert!(sample.add(&[1.0]).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Reservoir {
    width: usize,
    places: usize,
    seed: u64,
    seen: u64,
    rows: Vec<f64>,
    random: Random,
}

impl Reservoir {
    /// An empty reservoir of rows of `width` features, with `places` for rows, or fewer where these would be more than
    /// [`MAX_CELLS`] values.
    ///
    /// # Errors
    /// [`FeatureError::Features`] for no features or more than [`MAX_WIDTH`].
    pub fn new(width: usize, places: usize, seed: u64) -> Result<Self, FeatureError> {
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(FeatureError::Features {
                given: width,
                most: MAX_WIDTH,
            });
        }
        Ok(Self {
            width,
            places: places.clamp(1, MAX_CELLS / width),
            seed,
            seen: 0,
            rows: Vec::new(),
            random: Random::new(seed),
        })
    }

    /// Takes a row into account.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    pub fn add(&mut self, row: &[f64]) -> Result<(), FeatureError> {
        if row.len() != self.width {
            return Err(FeatureError::Width {
                given: row.len(),
                expected: self.width,
            });
        }
        if self.seen == 0 {
            // Workers that share a seed see different rows, and must not choose alike.
            let mixed = row.iter().fold(self.seed, |mixed, value| {
                (mixed ^ value.to_bits())
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .rotate_left(23)
            });
            self.random = Random::new(mixed);
        }
        self.seen += 1;
        if self.rows.len() < self.places * self.width {
            self.rows.extend_from_slice(row);
            return Ok(());
        }
        let place = (self.random.uniform() * self.seen as f64) as usize;
        if place < self.places
            && let Some(kept) = self.rows.get_mut(place * self.width..(place + 1) * self.width)
        {
            kept.copy_from_slice(row);
        }
        Ok(())
    }

    /// Merges the sample of other rows into this one.
    pub fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (self.rows.len() / self.width, other.rows.len() / self.width);
        let mut left = [self.seen, other.seen];
        if self.width != other.width || other.seen == 0 {
            return;
        }
        self.seen = self.seen.saturating_add(other.seen);
        if mine + theirs <= self.places {
            self.rows.extend_from_slice(&other.rows);
            return;
        }
        let mut random =
            Random::new(self.seed ^ left[0].rotate_left(17) ^ left[1].rotate_left(41) ^ self.seen);
        let mut unused = [(0..mine).collect::<Vec<_>>(), (0..theirs).collect::<Vec<_>>()];
        let mut drawn = Vec::with_capacity(self.places * self.width);
        for _ in 0..self.places {
            let all = left[0].saturating_add(left[1]);
            let side = usize::from(random.uniform() * all as f64 >= left[0] as f64);
            // Rounding may lead to a side that is used up.
            let side = if unused[side].is_empty() { 1 - side } else { side };
            if unused[side].is_empty() {
                break;
            }
            left[side] = left[side].saturating_sub(1);
            let chosen = (random.uniform() * unused[side].len() as f64) as usize;
            let chosen = unused[side].swap_remove(chosen.min(unused[side].len() - 1));
            let rows = if side == 0 { &self.rows } else { &other.rows };
            let row = rows.get(chosen * self.width..(chosen + 1) * self.width);
            drawn.extend_from_slice(row.unwrap_or_default());
        }
        self.rows = drawn;
        self.random = random;
    }

    /// Features of each row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows that it keeps at most.
    pub fn places(&self) -> usize {
        self.places
    }

    /// All rows that were taken into account.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The rows that are kept, one after the other.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.varint(self.width as u64);
        writer.varint(self.places as u64);
        writer.i64(self.seed as i64);
        writer.varint(self.seen);
        writer.varint((self.rows.len() / self.width) as u64);
        self.rows.iter().for_each(|value| writer.f64(*value));
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Self, Error> {
        let (width, places) = (reader.varint()?, reader.varint()?);
        let seed = reader.i64()? as u64;
        let seen = reader.count()?;
        let size = |number: u64, most: usize| usize::try_from(number).ok().filter(|n| (1..=most).contains(n));
        let (Some(width), Some(places)) = (size(width, MAX_WIDTH), size(places, MAX_CELLS)) else {
            return Err(reader.corrupt(format!("They claim {places} rows of {width} features.")));
        };
        let kept = reader.items(8 * width, places.min(MAX_CELLS / width))?;
        if kept as u64 != seen.min(places as u64) {
            return Err(reader.corrupt(format!("They claim {kept} of {seen} rows.")));
        }
        let mut rows = Vec::with_capacity(kept * width);
        for _ in 0..kept * width {
            rows.push(reader.f64()?);
        }
        Ok(Self {
            width,
            places,
            seed,
            seen,
            rows,
            random: Random::new(seed ^ seen),
        })
    }
}
