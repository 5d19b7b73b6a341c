//! Features: a series in a few numbers, by which many series can be compared, sorted and grouped.
//!
//! The set is that of R's tsfeatures and feasts (Hyndman, Wang & Laptev 2015, *IEEE ICDM Workshops* 1616-1619; Kang, Hyndman &
//! Smith-Miles 2017, *International Journal of Forecasting* 33:345-358).

mod shape;
mod spectrum;

use crate::arima::unit_root::{difference, differences, is_constant, kpss_with};
use crate::autocorrelation::autocorrelations;
use crate::components::within_range;
use crate::seasonality::{find, strength, variance};
use crate::stl::{Components, decompose};
use crate::{Error, gaps};

/// Features of a series. `None` is what it is too short or too constant for.
///
/// Means, variance and demand are those of the values that are there; all else sees gaps filled. Spikiness, linearity,
/// curvature, lumpiness and stability are those of the values scaled to mean 0 and variance 1, so that series in different
/// units compare.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Steps from the first to the last.
    pub length: usize,
    /// Steps without a value.
    pub gaps: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Sample variance.
    pub variance: Option<f64>,
    /// Steps in each season, the strongest first.
    pub seasons: Vec<usize>,
    /// `1 - var(R) / var(T + R)` with trend T and remainder R, 0 to 1 (Wang, Smith & Hyndman 2006, *Data Mining and Knowledge
    /// Discovery* 13:335-364).
    pub trend_strength: Option<f64>,
    /// The same of each season, in the order of `seasons`.
    pub seasonal_strength: Vec<f64>,
    /// Variance of the variances of the remainder with one value left out each (around the mean of all, as in tsfeatures).
    pub spikiness: Option<f64>,
    /// Coefficient of the first orthonormal polynomial of time in the trend.
    pub linearity: Option<f64>,
    /// Coefficient of the second one.
    pub curvature: Option<f64>,
    /// Autocorrelation at lag 1.
    pub acf1: Option<f64>,
    /// Sum of the squares of the first ten autocorrelations.
    pub acf10: Option<f64>,
    /// Autocorrelation at lag 1 of the differences.
    pub diff1_acf1: Option<f64>,
    /// Autocorrelation at the lag of the shortest season.
    pub seasonal_acf1: Option<f64>,
    /// Sum of the squares of the first five partial autocorrelations (Durbin 1960, Levinson 1947).
    pub pacf5: Option<f64>,
    /// Shannon entropy of the spectral density, 0 to 1: near 1 is hard to forecast (Goerg 2013, *ICML* 28:64-72).
    pub spectral_entropy: Option<f64>,
    /// Hurst's coefficient, 0.5 without memory (Fox & Taqqu 1986, *Annals of Statistics* 14:517-532).
    pub hurst: Option<f64>,
    /// Variance of the variances of tiles of one season, or of ten steps.
    pub lumpiness: Option<f64>,
    /// Variance of the means of these tiles.
    pub stability: Option<f64>,
    /// How often the values cross their median.
    pub crossing_points: usize,
    /// The longest run within the same tenth of the range.
    pub flat_spots: usize,
    /// Statistic of the test for a stationary level of Kwiatkowski, Phillips, Schmidt & Shin (1992, *Journal of Econometrics*
    /// 54:159-178) with `4 (n / 100)^(1/4)` lags; above 0.463 the level is not stationary, at 5%.
    pub kpss: Option<f64>,
    /// Differences that make the values stationary ([`differences`]).
    pub differences: usize,
    /// Seasonal ones, of the shortest season.
    pub seasonal_differences: usize,
    /// Average distance of values that are not 0, in steps (Syntetos, Boylan & Croston 2005, *Journal of the Operational
    /// Research Society* 56:495-503).
    pub adi: Option<f64>,
    /// Squared coefficient of variation of values that are not 0 (the same).
    pub cv2: Option<f64>,
}

impl Features {
    /// The kind of demand by the cut-offs of Syntetos, Boylan & Croston (2005): ADI 1.32, squared coefficient of variation
    /// 0.49.
    ///
    /// ```
    /// use kpi_forecast::features::Features;
    /// let parts = Features { adi: Some(3.0), cv2: Some(0.1), ..Features::default() };
    /// assert_eq!(parts.demand(), Some("intermittent"));
    /// ```
    pub fn demand(&self) -> Option<&'static str> {
        Some(match (self.adi? >= 1.32, self.cv2? >= 0.49) {
            (false, false) => "smooth",
            (false, true) => "erratic",
            (true, false) => "intermittent",
            (true, true) => "lumpy",
        })
    }
}

/// The features of `values`, in which a value that is not finite is a gap. `expected` are seasons that the calendar suggests.
///
/// # Errors
/// [`Error::Overflow`] for values beyond 1e150, [`Error::Canceled`] when `poll` returns true.
///
/// ```
/// use kpi_forecast::features::features;
/// let values: Vec<f64> = (0..60).map(|t| t as f64 + [5.0, -5.0, 3.0, -3.0][t % 4]).collect();
/// let found = features(&values, &[], &mut || false).unwrap();
/// assert_eq!((found.length, found.seasons), (60, vec![4]));
/// assert!(found.trend_strength > Some(0.99) && found.seasonal_strength[0] > 0.99);
/// ```
pub fn features(
    values: &[f64],
    expected: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Features, Error> {
    within_range(values)?;
    let observed: Vec<f64> = values.iter().copied().filter(|y| y.is_finite()).collect();
    let mut found = Features {
        length: values.len(),
        gaps: values.len() - observed.len(),
        ..Features::default()
    };
    if observed.is_empty() {
        return Ok(found);
    }
    found.mean = Some(observed.iter().sum::<f64>() / observed.len() as f64);
    found.variance = (observed.len() > 1).then(|| variance(&observed));
    (found.adi, found.cv2) = shape::intermittency(&observed);
    let seasons = find(values, expected, poll)?;
    found.seasons = seasons.iter().map(|season| season.period).collect();
    let mut periods = found.seasons.clone();
    periods.sort_unstable();
    let shortest = periods.first().copied().unwrap_or(1);
    let filled = gaps::fill(values, shortest);
    found.flat_spots = shape::flat_spots(&filled);
    found.crossing_points = shape::crossing_points(&filled);
    if observed.len() < 3 || is_constant(&filled) {
        return Ok(found);
    }
    let scaled = scaled(&filled);
    found.of_parts(&decompose(&scaled, &periods, poll)?, &periods);
    found.of_correlations(&filled, shortest);
    (found.seasonal_differences, found.differences) = differences(&filled, shortest);
    let lags = (4.0 * (filled.len() as f64 / 100.0).powf(0.25)) as usize;
    found.kpss = Some(kpss_with(&filled, lags));
    if let Some((lumpiness, stability)) =
        shape::tiles(&scaled, if shortest > 1 { shortest } else { shape::TILE })
    {
        (found.lumpiness, found.stability) = (Some(lumpiness), Some(stability));
    }
    found.spectral_entropy = spectrum::entropy(&filled, poll)?;
    found.hurst = spectrum::hurst(&filled, poll)?;
    Ok(found)
}

/// The values with mean 0 and variance 1.
fn scaled(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let deviation = variance(values).sqrt();
    values.iter().map(|y| (y - mean) / deviation).collect()
}

impl Features {
    fn of_parts(&mut self, parts: &Components, periods: &[usize]) {
        let remainder = &parts.remainder;
        let of_season = |m: &usize| -> f64 {
            let part = periods
                .iter()
                .position(|p| p == m)
                .and_then(|i| parts.seasons.get(i));
            let with: Vec<f64> = part
                .into_iter()
                .flatten()
                .zip(remainder)
                .map(|(s, r)| s + r)
                .collect();
            strength(remainder, &with)
        };
        self.seasonal_strength = self.seasons.iter().map(of_season).collect();
        let with_trend: Vec<f64> = parts.trend.iter().zip(remainder).map(|(t, r)| t + r).collect();
        self.trend_strength = Some(strength(remainder, &with_trend));
        let n = remainder.len() as f64;
        let mean = remainder.iter().sum::<f64>() / n;
        let whole = variance(remainder) * (n - 1.0);
        let left_out: Vec<f64> = remainder
            .iter()
            .map(|r| (whole - (r - mean).powi(2)) / (n - 2.0))
            .collect();
        self.spikiness = Some(variance(&left_out));
        let [linearity, curvature] = polynomial(&parts.trend);
        (self.linearity, self.curvature) = (Some(linearity), Some(curvature));
    }

    fn of_correlations(&mut self, values: &[f64], season: usize) {
        let r = autocorrelations(values, season.max(10));
        let at = |lag: usize| (lag < values.len()).then(|| r.get(lag).copied()).flatten();
        self.acf1 = at(1);
        self.acf10 = Some(r[1..=10].iter().map(|r| r * r).sum());
        self.seasonal_acf1 = if season > 1 { at(season) } else { None };
        self.pacf5 = Some(partial(&r, 5.min(values.len() - 1)).iter().map(|p| p * p).sum());
        let steps = difference(values, 1);
        self.diff1_acf1 = (!is_constant(&steps)).then(|| autocorrelations(&steps, 1)[1]);
    }
}

/// Coefficients of the first two orthonormal polynomials of time in `values`.
fn polynomial(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let times = || (0..values.len()).map(|t| t as f64 - middle);
    let second = times().map(|x| x * x).sum::<f64>() / n;
    let squares = |shape: &dyn Fn(f64) -> f64| times().map(|x| shape(x).powi(2)).sum::<f64>();
    let on = |shape: &dyn Fn(f64) -> f64| {
        let size = squares(shape).sqrt();
        let sum: f64 = times().zip(values).map(|(x, y)| shape(x) * y).sum();
        if size > 0.0 { sum / size } else { 0.0 }
    };
    // Time is symmetric around its middle, so the line and the parabola are orthogonal as they are.
    [on(&|x| x), on(&|x| x * x - second)]
}

/// Partial autocorrelations at lags 1 to `lags` from autocorrelations, by the recursion of Durbin and Levinson.
fn partial(r: &[f64], lags: usize) -> Vec<f64> {
    let mut partial = Vec::with_capacity(lags);
    let mut phi: Vec<f64> = Vec::with_capacity(lags);
    let mut left = 1.0;
    for lag in 1..=lags {
        let explained: f64 = phi.iter().zip(r[1..lag].iter().rev()).map(|(p, r)| p * r).sum();
        let own = if left > 0.0 {
            (r[lag] - explained) / left
        } else {
            0.0
        };
        let before = phi.clone();
        for (p, mirror) in phi.iter_mut().zip(before.iter().rev()) {
            *p -= own * mirror;
        }
        phi.push(own);
        left *= 1.0 - own * own;
        partial.push(own);
    }
    partial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_parabola() {
        let n = 21;
        let line: Vec<f64> = (0..n).map(|t| f64::from(t) - 10.0).collect();
        let [first, second] = polynomial(&line);
        assert!((first - line.iter().map(|x| x * x).sum::<f64>().sqrt()).abs() < 1e-9 && second.abs() < 1e-9);
        let parabola: Vec<f64> = line.iter().map(|x| x * x).collect();
        let [first, second] = polynomial(&parabola);
        assert!(first.abs() < 1e-9 && second > 0.0);
    }

    #[test]
    fn partial_autocorrelations_of_an_autoregression_end() {
        let r = [1.0, 0.8, 0.64, 0.512, 0.4096]; // order 1, phi 0.8
        let found = partial(&r, 4);
        assert!((found[0] - 0.8).abs() < 1e-12 && found[1..].iter().all(|p| p.abs() < 1e-12));
    }

    #[test]
    fn what_is_too_short_or_constant_has_none() {
        let of = |values: &[f64]| features(values, &[7], &mut || false).unwrap();
        assert_eq!(of(&[]), Features::default());
        let gap = of(&[f64::NAN; 3]);
        assert_eq!((gap.length, gap.gaps, gap.mean), (3, 3, None));
        let one = of(&[f64::NAN, 5.0]);
        assert_eq!((one.mean, one.variance, one.acf1), (Some(5.0), None, None));
        let flat = of(&[2.0; 40]);
        assert_eq!(
            (flat.variance, flat.trend_strength, flat.flat_spots),
            (Some(0.0), None, 40)
        );
        assert_eq!(flat.demand(), Some("smooth"));
        let three = of(&[1.0, 4.0, 2.0]);
        assert!(three.acf1.is_some() && three.spectral_entropy.is_none());
        assert!(matches!(
            features(&[1e200], &[], &mut || false),
            Err(Error::Overflow { .. })
        ));
    }
}
