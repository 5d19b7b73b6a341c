//! Trend and season by moving averages.

/// How the season is put on the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Value = level + index.
    Additive,
    /// Value = level * index; only for values above 0.
    Multiplicative,
}

/// One index per place in the season; additive ones sum to 0, multiplicative ones have mean 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Indices {
    /// How an index is applied.
    pub kind: Kind,
    /// The index of each place, the place of the first value of the history first.
    pub index: Vec<f64>,
}

impl Indices {
    /// Takes the season out of the value at `position` (0 is the first of the history).
    pub fn remove(&self, position: usize, value: f64) -> f64 {
        match self.kind {
            Kind::Additive => value - self.at(position),
            Kind::Multiplicative => value / self.at(position),
        }
    }

    /// Puts the season on the level at `position`.
    pub fn apply(&self, position: usize, level: f64) -> f64 {
        match self.kind {
            Kind::Additive => level + self.at(position),
            Kind::Multiplicative => level * self.at(position),
        }
    }

    /// By how much an error of the level at `position` grows when the season is put on.
    pub fn factor(&self, position: usize) -> f64 {
        match self.kind {
            Kind::Additive => 1.0,
            Kind::Multiplicative => self.at(position),
        }
    }

    fn at(&self, position: usize) -> f64 {
        self.index[position % self.index.len()]
    }
}

/// The centred moving average over one `window` (an even one as the mean of two, "2 x m"), `NaN` in the half
/// window at each end.
///
/// ```
/// let smooth = kpi_forecast::decomposition::moving_average(&[1.0, 2.0, 3.0, 4.0, 5.0], 3);
/// assert_eq!(smooth[1..4], [2.0, 3.0, 4.0]);
/// assert!(smooth[0].is_nan() && smooth[4].is_nan());
/// ```
pub fn moving_average(values: &[f64], window: usize) -> Vec<f64> {
    let n = values.len();
    let half = window / 2;
    let mut average = vec![f64::NAN; n];
    if window == 0 || n < 2 * half + 1 {
        return average;
    }
    // Sums of a moving window lose digits as they go; centring the values keeps them small.
    let centre = values.iter().sum::<f64>() / n as f64;
    let end_weight = if window.is_multiple_of(2) { 0.5 } else { 1.0 };
    let mut inner: f64 = values[1..2 * half].iter().map(|v| v - centre).sum();
    if half == 0 {
        inner = 0.0;
    }
    for t in half..n - half {
        let (first, last) = (values[t - half] - centre, values[t + half] - centre);
        average[t] = if half == 0 {
            values[t]
        } else {
            centre + (inner + end_weight * (first + last)) / window as f64
        };
        if half > 0 && t + 1 < n - half {
            inner += last - (values[t + 1 - half] - centre);
        }
    }
    average
}

/// Classical seasonal indices: the mean over the seasons of each place's deviation (or ratio) from the centred
/// moving average (Hyndman & Athanasopoulos, 3rd ed., section 3.4). Multiplicative when every value is above 0
/// and no moving average is so small that a ratio runs away, additive otherwise. `None` when the season is
/// below 2 or does not fit twice into the values.
///
/// ```
/// use kpi_forecast::decomposition::{Kind, seasonal_indices};
/// let indices = seasonal_indices(&[10.0, 30.0, 10.0, 30.0, 10.0, 30.0], 2).unwrap();
/// assert_eq!((indices.kind, indices.index), (Kind::Multiplicative, vec![0.5, 1.5]));
/// ```
pub fn seasonal_indices(values: &[f64], season: usize) -> Option<Indices> {
    let kind = if values.iter().all(|v| *v > 0.0) {
        Kind::Multiplicative
    } else {
        Kind::Additive
    };
    seasonal_indices_of(values, season, kind)
}

/// [`seasonal_indices`] of one kind.
///
/// ```
/// use kpi_forecast::decomposition::{Kind, seasonal_indices_of};
/// let indices = seasonal_indices_of(&[10.0, 30.0, 10.0, 30.0, 10.0, 30.0], 2, Kind::Additive).unwrap();
/// assert_eq!(indices.index, vec![-10.0, 10.0]);
/// ```
pub fn seasonal_indices_of(values: &[f64], season: usize, kind: Kind) -> Option<Indices> {
    if season < 2 || values.len() < 2 * season {
        return None;
    }
    let average = moving_average(values, season);
    let mut sums = vec![(0.0, 0_usize); season];
    for (t, (value, level)) in values.iter().zip(&average).enumerate() {
        if level.is_finite() {
            let (sum, count) = &mut sums[t % season];
            *sum += match kind {
                Kind::Additive => value - level,
                Kind::Multiplicative => value / level,
            };
            *count += 1;
        }
    }
    let mut index: Vec<f64> = sums
        .iter()
        .map(|(sum, count)| match (count, kind) {
            (0, Kind::Additive) => 0.0,
            (0, Kind::Multiplicative) => 1.0,
            _ => sum / *count as f64,
        })
        .collect();
    let mean = index.iter().sum::<f64>() / season as f64;
    for i in &mut index {
        match kind {
            Kind::Additive => *i -= mean,
            Kind::Multiplicative => *i /= mean,
        }
    }
    Some(Indices { kind, index })
}
