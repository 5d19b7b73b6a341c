//! Steps that make a series of a series.

use std::str::FromStr;

use jiff::tz::TimeZone;

use crate::{Error, Series, Step, interpolation, interrupt};

/// Arithmetic with a number on the right: the names are those that pipelines have for it.
///
/// ```
/// use kpi_series::Arithmetic;
/// assert_eq!("Mul".parse(), Ok(Arithmetic::Multiply));
/// assert!("join".parse::<Arithmetic>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `add`
    Add,
    /// `sub`
    Subtract,
    /// `mul`
    Multiply,
    /// `div`
    Divide,
    /// `mod`: the remainder, with the sign of the value.
    Remainder,
    /// `power`
    Power,
    /// `logn`: the logarithm to that base.
    Logarithm,
}

impl FromStr for Arithmetic {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "add" => Self::Add,
            "sub" => Self::Subtract,
            "mul" => Self::Multiply,
            "div" => Self::Divide,
            "mod" => Self::Remainder,
            "power" => Self::Power,
            "logn" => Self::Logarithm,
            _ => return Err(Error::UnknownArithmetic { given: name.into() }),
        })
    }
}

/// What `fill_to` puts at a new point.
///
/// ```
/// use kpi_series::FillMethod;
/// assert_eq!("LOCF".parse(), Ok(FillMethod::Previous));
/// assert!("zero".parse::<FillMethod>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillMethod {
    /// The value before: `locf`, or `previous`.
    Previous,
    /// The straight line between the neighbours: `linear`, or `interpolate`.
    Linear,
    /// The value of the neighbour that is nearer, the one before where both are: `nearest`.
    Nearest,
}

impl FromStr for FillMethod {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "locf" | "previous" => Self::Previous,
            "linear" | "interpolate" => Self::Linear,
            "nearest" => Self::Nearest,
            _ => return Err(Error::UnknownFillMethod { given: name.into() }),
        })
    }
}

impl Series {
    /// The series with another value for each that it has; times and gaps stay.
    pub(crate) fn with_values(&self, mut change: impl FnMut(i64, f64) -> f64) -> Self {
        let mut changed = self.clone();
        for (index, (&time, value)) in self.times.iter().zip(&mut changed.values).enumerate() {
            interrupt::at(index);
            // NaN stands in the place of a gap, and has to stay.
            if !self.gaps.contains(index) {
                *value = change(time, *value);
            }
        }
        changed
    }

    /// The same operation on every value, as doubles do it: `x / 0` is an infinity or NaN.
    ///
    /// ```
    /// use kpi_series::{Arithmetic, Series};
    /// let series = Series::from_points(vec![(1, Some(3.0)), (2, None)])?;
    /// let squares = series.arithmetic(Arithmetic::Power, 2.0);
    /// assert_eq!(squares.points().collect::<Vec<_>>(), [(1, Some(9.0)), (2, None)]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn arithmetic(&self, operation: Arithmetic, number: f64) -> Self {
        self.with_values(|_, value| match operation {
            Arithmetic::Add => value + number,
            Arithmetic::Subtract => value - number,
            Arithmetic::Multiply => value * number,
            Arithmetic::Divide => value / number,
            Arithmetic::Remainder => value % number,
            Arithmetic::Power => value.powf(number),
            Arithmetic::Logarithm => value.log(number),
        })
    }

    /// Each value minus the one of the point before it. The first point, which has none, is left out; a gap and the point
    /// behind it are gaps.
    ///
    /// ```
    /// use kpi_series::Series;
    /// let series = Series::from_points(vec![(1, Some(3.0)), (2, Some(5.0)), (4, None), (5, Some(7.0))])?;
    /// let changes = series.delta()?;
    /// assert_eq!(changes.points().collect::<Vec<_>>(), [(2, Some(2.0)), (4, None), (5, None)]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    ///
    /// # Errors
    /// None that the times of a series can cause.
    pub fn delta(&self) -> Result<Self, Error> {
        let before = self.points();
        let changes = self
            .points()
            .skip(1)
            .zip(before)
            .map(|((time, value), (_, before))| {
                (time, value.zip(before).map(|(value, before)| value - before))
            });
        Self::from_points(changes.collect())
    }

    /// The values with new points between those that are further apart than a step: one, two, ... steps behind the value before
    /// them, up to the next one. Gaps are filled in this way too, and are none afterwards.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`], and [`Error::StepOutOfRange`].
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_series::{FillMethod, Series, Step};
    /// let series = Series::from_points(vec![(0, Some(1.0)), (3, None), (25, Some(2.0))])?;
    /// let step = Step::new(0, 0, 10)?;
    /// let filled = series.fill_to(step, FillMethod::Nearest, &TimeZone::UTC)?;
    /// assert_eq!(
    ///     filled.points().collect::<Vec<_>>(),
    ///     [(0, Some(1.0)), (10, Some(1.0)), (20, Some(2.0)), (25, Some(2.0))]
    /// );
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn fill_to(&self, step: Step, method: FillMethod, zone: &TimeZone) -> Result<Self, Error> {
        let mut points = Vec::with_capacity(self.len());
        let mut before = None;
        for (time, value) in self.points() {
            let Some(value) = value else { continue };
            if let Some((start, earlier)) = before {
                for n in 1.. {
                    let new = step.add(start, n, zone)?;
                    if new >= time {
                        break;
                    }
                    if points.len() >= crate::MAX_POINTS {
                        return Err(Error::TooManyPoints);
                    }
                    interrupt::at(points.len());
                    // Distances of two times may be more than an i64 holds.
                    let (behind, ahead) = (new.abs_diff(start) as f64, time.abs_diff(new) as f64);
                    let filled = match method {
                        FillMethod::Previous => earlier,
                        FillMethod::Nearest if ahead < behind => value,
                        FillMethod::Nearest => earlier,
                        FillMethod::Linear => interpolation::between((start, earlier), (time, value), new),
                    };
                    points.push((new, Some(filled)));
                }
            }
            points.push((time, Some(value)));
            before = Some((time, value));
        }
        Self::from_points(points)
    }
}
