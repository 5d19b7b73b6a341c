//! From a series to a verdict on each of its points.

use crate::expectation;
use crate::robust::scale;
use crate::verdict::Residuals;
use crate::{Direction, Error, Method, Options, Verdict};
use kpi_forecast::season;

/// Probability of a false alarm per point when none is asked for: one in a thousand.
pub const DEFAULT_THRESHOLD: f64 = 0.001;
/// Values needed: below, nothing is usual.
const NEEDED: usize = 3;
/// Values that the season is looked for in: the newest ones.
const SEASON_HISTORY: usize = 100_000;
const SHORT_HISTORY: usize = 5_000;
/// Values whose worth the scale of all residuals has in the scale of one place of the season.
const PRIOR: f64 = 8.0;
/// From this season on, the scale of a place is also made from its two neighbours.
const LONG_SEASON: usize = 12;
/// Residuals below this share of the values are rounding.
const ROUNDING: f64 = 1e-9;
/// Values beyond this leave the range of a double when they are squared.
const LARGEST: f64 = 1e150;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Probability of a false alarm per point, between 0 and 1.
    pub threshold: f64,
    /// The side on which values may be anomalies.
    pub direction: Direction,
    /// Steps in the season, 1 for none; found from the data when `None`.
    pub season: Option<i64>,
    /// What the method is told.
    pub options: Options,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            threshold: DEFAULT_THRESHOLD,
            direction: Direction::Both,
            season: None,
            options: Options::default(),
        }
    }
}

impl Request {
    /// Whether threshold and options are in range, which can be said before there is a series.
    ///
    /// # Errors
    /// [`Error::Threshold`] and [`Error::OptionRange`].
    pub fn check(&self) -> Result<(), Error> {
        let threshold = self.threshold;
        if !(threshold > 0.0 && threshold < 1.0) {
            return Err(Error::Threshold { threshold });
        }
        self.options.check()
    }
}

/// Verdicts on all points of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// One verdict per point.
    pub verdicts: Vec<Verdict>,
    /// Steps in the season that was found or asked for, 1 for none.
    pub season: usize,
}

/// The series and what is known of it: what each method starts from.
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) season: usize,
    pub(crate) request: &'a Request,
    /// Distances below this are rounding.
    pub(crate) rounding: f64,
}

impl Input<'_> {
    /// Verdicts by the distances from these expected values, with one unit for all.
    pub(crate) fn judge(&self, expected: Vec<f64>, sided: bool) -> Result<Vec<Verdict>, Error> {
        let mut residuals: Vec<f64> = self
            .values
            .iter()
            .zip(&expected)
            .map(|(y, e)| y - e)
            .filter(|r| r.is_finite())
            .collect();
        let unit = self.unit(&mut residuals);
        Ok(Residuals {
            unit: vec![unit; expected.len()],
            expected,
            sided,
            rounding: self.rounding,
        }
        .verdicts(self.values, self.request.threshold, self.request.direction))
    }

    /// Robust standard deviation of residuals, 0 only where nothing varies.
    pub(crate) fn unit(&self, residuals: &mut [f64]) -> f64 {
        match scale(residuals) {
            0.0 => 0.0,
            varies => varies.max(self.rounding),
        }
    }
}

/// Judges every value of a series, in which a value that is not finite is a gap.
///
/// The method says what a value should have been, or how unusual its surroundings are; the distribution of that in this very series
/// says how rare it is, and the score is 1 less that probability. So a threshold of 0.001 means about one alarm in 1000 normal
/// points whatever the method and the noise. A constant series has no anomalies, and a band without width.
///
/// `expected_seasons` are seasons that the calendar suggests for the step (see [`season::detect`]). `poll` is
/// called now and then; true ends it with [`Error::Canceled`].
///
/// # Errors
/// Those of [`Request::check`], [`Error::Empty`] and [`Error::TooShort`] for too few values, [`Error::Overflow`] for values beyond
/// 1e150, [`Error::Season`] for one that does not fit twice, [`Error::Window`] and what the method itself refuses.
pub fn detect(
    values: &[f64],
    request: &Request,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Detection, Error> {
    request.check()?;
    let known = values.iter().filter(|v| v.is_finite()).count();
    if known == 0 {
        return Err(Error::Empty { points: values.len() });
    }
    if known < NEEDED {
        return Err(Error::TooShort {
            values: known,
            needed: NEEDED,
        });
    }
    let largest = within_range(values)?;
    let season = season(values, request, expected_seasons, poll)?;
    if poll() {
        return Err(Error::Canceled);
    }
    let input = Input {
        values,
        season,
        request,
        rounding: ROUNDING * largest,
    };
    let verdicts = match request.method {
        Method::Auto => crate::auto::judge(&input, poll)?,
        Method::RobustZscore => robust_zscore(&input, poll)?,
        Method::Zscore => crate::location::zscore(&input)?,
        Method::Mad => crate::location::mad(&input)?,
        Method::Iqr => crate::location::iqr(&input)?,
        Method::Esd => crate::esd::judge(&input, poll)?,
        Method::Stl => crate::residual::stl(&input, poll)?,
        Method::Forecast => crate::residual::forecast(&input, poll)?,
        Method::Ewma => crate::chart::ewma(&input, poll)?,
        Method::Cusum => crate::chart::cusum(&input, poll)?,
        Method::SpectralResidual => crate::saliency::judge(&input, poll)?,
        Method::MatrixProfile => crate::discord::judge(&input, poll)?,
        Method::SubPca => crate::sub_pca::judge(&input, poll)?,
        Method::IsolationForest => crate::isolation::judge(&input, poll)?,
    };
    Ok(Detection { verdicts, season })
}

/// The largest magnitude, where squares of all values stay within the range of a double.
pub(crate) fn within_range(values: &[f64]) -> Result<f64, Error> {
    let largest = values
        .iter()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest > LARGEST {
        return Err(Error::Overflow { largest });
    }
    Ok(largest)
}

/// The season asked for, or found.
fn season(
    values: &[f64],
    request: &Request,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<usize, Error> {
    match request.season {
        Some(season) => usize::try_from(season)
            .ok()
            .filter(|m| *m == 1 || (*m > 1 && m.checked_mul(2).is_some_and(|twice| twice <= values.len())))
            .ok_or(Error::Season {
                season,
                length: values.len(),
            }),
        None => {
            // What is to be fast looks at less.
            let history = match request.method {
                Method::SpectralResidual => SHORT_HISTORY,
                _ => SEASON_HISTORY,
            };
            let recent = &values[values.len().saturating_sub(history)..];
            Ok(season::detect(recent, expected_seasons, poll))
        }
    }
}

/// The distance from the [expectation](expectation::expect) is divided by the robust scale of the residuals at its place of the
/// season, drawn towards the scale of all residuals, the more so the fewer seasons there are.
fn robust_zscore(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let expected = expectation::expect(input.values, input.season, poll)?;
    let residuals: Vec<f64> = input.values.iter().zip(&expected).map(|(v, e)| v - e).collect();
    let scales = scales(&residuals, input.season, input.rounding);
    if poll() {
        return Err(Error::Canceled);
    }
    let unit = (0..expected.len()).map(|t| scales[t % input.season]).collect();
    Ok(Residuals {
        expected,
        unit,
        sided: false,
        rounding: input.rounding,
    }
    .verdicts(input.values, input.request.threshold, input.request.direction))
}

/// The robust standard deviation of the residuals at each place of the season, never below `least`.
fn scales(residuals: &[f64], season: usize, least: f64) -> Vec<f64> {
    let mut all: Vec<f64> = residuals.iter().copied().filter(|r| r.is_finite()).collect();
    let overall = match scale(&mut all) {
        // Nothing varies: a band without width.
        0.0 => 0.0,
        varies => varies.max(least),
    };
    if season < 2 {
        return vec![overall];
    }
    let mut places = vec![Vec::new(); season];
    for (t, residual) in residuals.iter().enumerate().filter(|(_, r)| r.is_finite()) {
        places[t % season].push(*residual);
    }
    (0..season)
        .map(|place| {
            let mut near = places[place].clone();
            if season >= LONG_SEASON {
                near.extend(&places[(place + season - 1) % season]);
                near.extend(&places[(place + 1) % season]);
            }
            let count = near.len() as f64;
            let here = scale(&mut near);
            ((count * here * here + PRIOR * overall * overall) / (count + PRIOR)).sqrt()
        })
        .collect()
}
