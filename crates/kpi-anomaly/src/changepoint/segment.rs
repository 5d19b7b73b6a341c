//! A stretch of values between two change points.

/// What the values of a segment are like, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Place of the first value among those that are known.
    pub from: usize,
    /// Values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, 0 for one value.
    pub sd: f64,
    /// Change per step of the line through them, 0 for one value.
    pub slope: f64,
    /// Where that line begins and ends.
    pub first: f64,
    /// See [`first`](Segment::first).
    pub last: f64,
}

impl Segment {
    /// The segment of these values, of which the first is at place `from`.
    ///
    /// ```
    /// use kpi_anomaly::changepoint::Segment;
    /// let segment = Segment::of(&[1.0, 3.0, 5.0], 10);
    /// assert_eq!((segment.mean, segment.sd, segment.slope, segment.last), (3.0, 2.0, 2.0, 5.0));
    /// ```
    pub fn of(values: &[f64], from: usize) -> Self {
        let count = values.len();
        let n = count.max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|y| (y - mean).powi(2)).sum();
        let middle = (n - 1.0) / 2.0;
        let product: f64 = values
            .iter()
            .enumerate()
            .map(|(t, y)| (t as f64 - middle) * (y - mean))
            .sum();
        let spread = n * (n * n - 1.0) / 12.0;
        let slope = if spread > 0.0 { product / spread } else { 0.0 };
        Self {
            from,
            count,
            mean,
            sd: if count > 1 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            },
            slope,
            first: mean - slope * middle,
            last: mean + slope * middle,
        }
    }
}
