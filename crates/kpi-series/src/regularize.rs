//! Puts a series on a regular grid, and fills what is missing.

use crate::interpolation::between;
use crate::{Error, MAX_POINTS, Series, Step, interrupt};
use jiff::tz::TimeZone;
use std::str::FromStr;

/// What a grid point without a value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// A gap.
    Gap,
    /// The last value before it; a gap where there is none.
    Previous,
    /// On the straight line, over time, between the values before and after it; a gap where one of them is missing
    /// or infinite.
    Linear,
    /// Zero.
    Zero,
}

impl FromStr for Fill {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "gap" => Ok(Self::Gap),
            "previous" => Ok(Self::Previous),
            "linear" => Ok(Self::Linear),
            "zero" => Ok(Self::Zero),
            _ => Err(Error::UnknownFill {
                given: text.to_string(),
            }),
        }
    }
}

impl Series {
    /// The series on the grid of times that starts at the first point and goes on by `every` up to the last point.
    ///
    /// Grid point k is `every.add(first, k)`, so months and days are those of `zone`. It gets the last value among
    /// the points from its time up to the next grid point; a gap or NaN is not a value, an infinity is. A grid point
    /// that gets none is filled. Where all
    /// points (the first aside) are on the same day of their months, or on the last, a grid of months is, too.
    ///
    /// # Errors
    /// [`Error::GridTooFine`] and [`Error::StepNotPositive`].
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_series::{Fill, Series, Step};
    ///
    /// let s = Series::from_points(vec![(0, Some(1.0)), (30, Some(4.0)), (34, Some(5.0))])?;
    /// let grid = s.regularize(Step::micros(10), Fill::Linear, &TimeZone::UTC)?;
    /// assert_eq!(grid.times(), [0, 10, 20, 30]);
    /// assert!((grid.values()[1] - 7.0 / 3.0).abs() < 1e-12);
    /// assert_eq!(grid.values()[3], 5.0);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn regularize(&self, every: Step, fill: Fill, zone: &TimeZone) -> Result<Self, Error> {
        let times = self.grid(every, zone)?;
        let mut values: Vec<Option<f64>> = Vec::with_capacity(times.len());
        let mut points = self.points().peekable();
        for index in 0..times.len() {
            interrupt::at(index);
            let end = times.get(index + 1).copied().unwrap_or(i64::MAX);
            let mut value = None;
            while let Some(point) = points.next_if(|point| point.0 < end) {
                value = point.1.filter(|value| !value.is_nan()).or(value);
            }
            values.push(value);
        }
        match fill {
            Fill::Gap => {}
            Fill::Zero => values
                .iter_mut()
                .for_each(|value| *value = Some(value.unwrap_or(0.0))),
            Fill::Previous => fill_previous(&mut values),
            Fill::Linear => fill_linear(&times, &mut values),
        }
        Self::from_points(times.into_iter().zip(values).collect())
    }

    fn grid(&self, mut every: Step, zone: &TimeZone) -> Result<Vec<i64>, Error> {
        // A step that does not lead on would never reach the end.
        Step::new(every.months, every.days, every.micros)?;
        let (Some(&first), Some(&last)) = (self.times.first(), self.times.last()) else {
            return Ok(Vec::new());
        };
        if every.months > 0 && every.days == 0 && every.micros == 0 && every.day_of_month.is_none() {
            every.day_of_month = self.landing_day(zone);
        }
        let span = i128::from(last) - i128::from(first);
        if i128::from(every.micros) * (MAX_POINTS as i128) <= span && every.months == 0 && every.days == 0 {
            return Err(Error::GridTooFine);
        }
        let mut times = vec![first];
        for n in 1.. {
            interrupt::at(times.len());
            match every.add(first, n, zone) {
                Ok(time) if time <= last => {
                    // A zone that skips a whole day has two local days at the same instant.
                    if times.last().is_none_or(|&previous| previous < time) {
                        times.push(time);
                    }
                }
                _ => break,
            }
            if times.len() > MAX_POINTS {
                return Err(Error::GridTooFine);
            }
        }
        Ok(times)
    }
}

fn fill_previous(values: &mut [Option<f64>]) {
    let mut previous = None;
    for value in values {
        previous = value.or(previous);
        *value = previous;
    }
}

fn fill_linear(times: &[i64], values: &mut [Option<f64>]) {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some((index, (*value)?)))
        .collect();
    for &[(from, a), (to, b)] in known.array_windows() {
        if to == from + 1 || !a.is_finite() || !b.is_finite() {
            continue;
        }
        let (Some(&start), Some(&end)) = (times.get(from), times.get(to)) else {
            continue;
        };
        let missing = times.iter().zip(values.iter_mut()).take(to).skip(from + 1);
        for (&time, value) in missing {
            *value = Some(between((start, a), (end, b), time));
        }
    }
}
