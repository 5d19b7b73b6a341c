//! Automatic smoothing for attention prioritisation.

use super::resolution;
use crate::{Error, Series};

/// A time and a value.
type TimePoint = (i64, f64);

/// Correlations below this are no sign of a period.
const LEAST_CORRELATION: f64 = 0.2;

/// The longest window is this part of the series.
const LONGEST_WINDOW: usize = 10;

impl Series {
    /// Smooths as much as can be done without hiding what stands out: ASAP (K. Rong and P. Bailis, "ASAP: Prioritizing
    /// Attention via Time Series Smoothing", 2017).
    ///
    /// The values are averaged to about `n` (the pixels of a chart: fewer than `2n`, at least `n` where there are so many),
    /// and of all moving averages of those, up to a tenth of the series long, the one is taken that is least rough (the
    /// standard deviation of the differences of neighbours) while its kurtosis is no lower than before: the trend is seen,
    /// and outliers still are outliers. Windows that are periods of the series are tried from the longest (peaks of the
    /// autocorrelation), then the others by binary search, as in the paper.
    ///
    /// The result has a point for each place of the window, at the middle of its time. The points should be evenly spaced,
    /// since windows are of points. Gaps, NaN and infinities are left out. Fewer than four values, or values that are all
    /// equal, come back as they are.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] unless `n` is between 2 and 10000.
    ///
    /// ```
    /// use kpi_series::Series;
    /// // A daily period of 24 hours over ten weeks, with a dip in the sixth.
    /// let load = |h: i64| (h as f64 / 24.0 * std::f64::consts::TAU).sin() - if h / 168 == 5 { 2.0 } else { 0.0 };
    /// let series = Series::from_points((0..10 * 7 * 24).map(|h| (h, Some(load(h)))).collect())?;
    /// let smooth: Vec<_> = series.asap_smooth(1680)?.points().filter_map(|(h, x)| Some((h, x?))).collect();
    /// // The days are gone, and the dip is all that is left.
    /// assert!(smooth.iter().all(|&(h, x)| (900..980).contains(&h) == (x < -1.5) || (800..1050).contains(&h)));
    /// assert!(smooth.iter().filter(|(h, _)| *h < 700).all(|(_, x)| x.abs() < 0.1));
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn asap_smooth(&self, n: i64) -> Result<Self, Error> {
        let n = resolution(n, 10_000)?;
        let observed = (0..self.len()).filter_map(|i| Some((*self.times.get(i)?, self.observed(i)?)));
        let points: Vec<_> = observed.collect();
        Self::from_points(
            smooth(&points, n)
                .into_iter()
                .map(|(time, value)| (time, Some(value)))
                .collect(),
        )
    }
}

/// The same for finite points in order of time.
fn smooth(points: &[TimePoint], n: usize) -> Vec<TimePoint> {
    let points = averaged(points, n);
    let values: Vec<f64> = points.iter().map(|point| point.1).collect();
    let window = best_window(&values);
    if window == 1 {
        return points;
    }
    let ends = points.iter().zip(points.iter().skip(window - 1));
    ends.zip(moving_average(&values, window))
        .map(|((first, last), mean)| (middle(first.0, last.0), mean))
        .collect()
}

/// Means of so many neighbouring points that about `n` are left; the last ones may be of fewer.
fn averaged(points: &[TimePoint], n: usize) -> Vec<TimePoint> {
    let together = points.len() / n;
    if together < 2 {
        return points.to_vec();
    }
    points
        .chunks(together)
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            // Divided first, because the sum may be beyond the range of a double.
            let mean = chunk.iter().map(|point| point.1 / chunk.len() as f64).sum();
            Some((middle(first.0, last.0), mean))
        })
        .collect()
}

fn middle(first: i64, last: i64) -> i64 {
    i64::midpoint(first, last)
}

/// The length of the moving average to take; 1 is none.
fn best_window(values: &[f64]) -> usize {
    // Only comparisons count, so values may be scaled to what cannot overflow.
    let scale = values
        .iter()
        .fold(f64::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let values: Vec<f64> = values.iter().map(|x| x / scale).collect();
    let longest = values.len() / LONGEST_WINDOW;
    let (Some(kurtosis_before), true) = (kurtosis(&values), longest >= 2) else {
        return 1;
    };
    let mut search = Search {
        correlations: autocorrelation(&values, longest),
        best: 1,
        roughness: roughness(&values),
        kurtosis: kurtosis_before,
        values,
    };
    let peaks = search.peaks();
    let (mut shortest, mut between) = (2, None);
    let strongest = peaks
        .iter()
        .map(|&window| search.correlation(window))
        .fold(0.0, f64::max);
    for (i, &window) in peaks.iter().enumerate().rev() {
        if window < shortest {
            break;
        }
        if search.is_rougher(window) {
            continue;
        }
        if search.try_window(window) {
            // No period shorter than this can be smoother, even the one with the strongest correlation.
            let factor =
                ((1.0 - strongest) / (1.0 - search.correlation(window)).max(f64::MIN_POSITIVE)).sqrt();
            shortest = shortest.max((window as f64 * factor) as usize);
            between.get_or_insert(i);
        }
    }
    let (from, to) = match between {
        Some(i) => (
            shortest.max(peaks.get(i).map_or(2, |window| window + 1)),
            peaks.get(i + 1).copied().unwrap_or(longest),
        ),
        None => (shortest, longest),
    };
    search.bisect(from, to);
    search.best
}

struct Search {
    values: Vec<f64>,
    /// The autocorrelation at each lag from 0.
    correlations: Vec<f64>,
    /// The kurtosis that must not be lost.
    kurtosis: f64,
    /// The best window so far, and its roughness.
    best: usize,
    roughness: f64,
}

impl Search {
    fn correlation(&self, lag: usize) -> f64 {
        self.correlations.get(lag).copied().unwrap_or(0.0)
    }

    /// The lags at which the autocorrelation has a peak that is high enough, in ascending order.
    fn peaks(&self) -> Vec<usize> {
        (2..self.correlations.len().saturating_sub(1))
            .filter(|&lag| {
                let here = self.correlation(lag);
                here > LEAST_CORRELATION
                    && here > self.correlation(lag - 1)
                    && here >= self.correlation(lag + 1)
            })
            .collect()
    }

    /// Whether a window's estimated roughness, √(1 - correlation) / window but for a common factor, is above the best's.
    fn is_rougher(&self, window: usize) -> bool {
        let estimate = |window: usize| (1.0 - self.correlation(window)).max(0.0).sqrt() / window as f64;
        self.best > 1 && estimate(window) > estimate(self.best)
    }

    /// Takes a window if it keeps the kurtosis and is less rough; says whether it keeps the kurtosis.
    fn try_window(&mut self, window: usize) -> bool {
        let smooth = moving_average(&self.values, window);
        // What is smoothed to a constant has nothing left that could stand out.
        let keeps = kurtosis(&smooth).is_some_and(|kurtosis| kurtosis >= self.kurtosis);
        if keeps {
            let roughness = roughness(&smooth);
            if roughness < self.roughness {
                (self.best, self.roughness) = (window, roughness);
            }
        }
        keeps
    }

    /// Without a period, longer windows are smoother, until the kurtosis is lost.
    fn bisect(&mut self, mut from: usize, mut to: usize) {
        while from <= to {
            let window = from.midpoint(to);
            if self.try_window(window) {
                from = window + 1;
            } else {
                to = window - 1;
            }
        }
    }
}

/// Means of all runs of `window` values. The sum is made anew for each run of windows, so rounding does not pile up.
fn moving_average(values: &[f64], window: usize) -> Vec<f64> {
    let width = window as f64;
    let mut means = Vec::with_capacity((values.len() + 1).saturating_sub(window));
    let mut sum = 0.0;
    for (i, run) in values.windows(window).enumerate() {
        if i % window == 0 {
            sum = run.iter().map(|x| x / width).sum();
        } else if let (Some(last), Some(gone)) = (run.last(), values.get(i - 1)) {
            sum += last / width - gone / width;
        }
        means.push(sum);
    }
    means
}

/// The standard deviation of the differences of neighbours.
fn roughness(values: &[f64]) -> f64 {
    let differences: Vec<f64> = values
        .iter()
        .zip(values.iter().skip(1))
        .map(|(a, b)| b - a)
        .collect();
    central_moment(&differences, 2).unwrap_or(0.0).sqrt()
}

/// The fourth moment in units of the squared variance; `None` where all values are equal.
fn kurtosis(values: &[f64]) -> Option<f64> {
    let (variance, fourth) = (central_moment(values, 2)?, central_moment(values, 4)?);
    (variance > 1e-20 && values.len() >= 4).then(|| fourth / (variance * variance))
}

fn central_moment(values: &[f64], power: i32) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (n > 0.0).then(|| values.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n)
}

/// The autocorrelation at the lags from 0 to `longest`.
fn autocorrelation(values: &[f64], longest: usize) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|x| x - mean).collect();
    let product = |lag: usize| -> f64 {
        centred
            .iter()
            .zip(centred.iter().skip(lag))
            .map(|(a, b)| a * b)
            .sum()
    };
    let variance = product(0).max(f64::MIN_POSITIVE);
    (0..=longest).map(|lag| product(lag) / variance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_smoothed_comes_back() {
        for points in [
            vec![],
            vec![(1, 1.0)],
            vec![(1, 1.0), (2, 5.0), (3, 2.0)],
            (0..100).map(|t| (t, 4.0)).collect(),
        ] {
            assert_eq!(smooth(&points, 500), points);
        }
        for n in [i64::MIN, 0, 1, 10_001] {
            assert!(Series::default().asap_smooth(n).is_err(), "{n}");
        }
    }

    /// Of all windows none that keeps the kurtosis is much smoother than the one that the search takes.
    #[test]
    fn the_search_finds_nearly_the_best_window() {
        let mut seed = 7u64;
        let mut noise = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        for period in [12.0, 24.0, 37.0] {
            let values: Vec<f64> = (0..1200)
                .map(|i| {
                    let dip = if (700..780).contains(&i) { -3.0 } else { 0.0 };
                    (f64::from(i) / period * std::f64::consts::TAU).sin() + noise() + dip
                })
                .collect();
            let before = kurtosis(&values).unwrap();
            let smoothest = (1..=120)
                .map(|window| moving_average(&values, window))
                .filter(|smooth| kurtosis(smooth).is_some_and(|kurtosis| kurtosis >= before))
                .map(|smooth| roughness(&smooth))
                .fold(f64::INFINITY, f64::min);
            let found = roughness(&moving_average(&values, best_window(&values)));
            assert!(found <= 1.5 * smoothest, "{period}: {found} for {smoothest}");
            assert!(found < 0.1 * roughness(&values), "{period}: {found}");
        }
    }

    proptest! {
        /// Never rougher than the averages of about n points, and with no less kurtosis.
        #[test]
        fn what_it_promises(values in prop::collection::vec(-1e3..1e3f64, 4..300), n in 2..400i64) {
            let points: Vec<_> = values.iter().enumerate().map(|(t, x)| (t as i64 * 10, *x)).collect();
            let of = |points: &[TimePoint]| points.iter().map(|point| point.1).collect::<Vec<_>>();
            let (before, after) = (of(&averaged(&points, n as usize)), of(&smooth(&points, n as usize)));
            prop_assert!(roughness(&after) <= roughness(&before) * (1.0 + 1e-9));
            if before.len() != after.len() {
                prop_assert!(kurtosis(&after).unwrap() >= kurtosis(&before).unwrap() * (1.0 - 1e-9));
            }
        }

        /// Never more points, never out of range, whatever comes.
        #[test]
        fn any_values(values in prop::collection::vec(prop_oneof![-1e3..1e3f64, prop::num::f64::NORMAL], 0..300), n in 2..400i64) {
            let points: Vec<_> = values.iter().enumerate().map(|(t, x)| (t as i64 * 10, *x)).collect();
            let smooth = smooth(&points, n as usize);
            prop_assert!(smooth.len() <= points.len());
            prop_assert!(smooth.len() < 2 * n as usize + 1);
            prop_assert!(smooth.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
            let slack = 1e-9 * least.abs().max(most.abs());
            prop_assert!(smooth.iter().all(|point| point.1 >= least - slack && point.1 <= most + slack));
        }
    }
}
