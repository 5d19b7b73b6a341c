//! A line chart as self-contained SVG.

mod drawing;
mod line;
mod markup;
mod plot;
mod time_axis;
mod value_axis;

use crate::{Error, Series};
use drawing::Drawing;
use jiff::tz::TimeZone;

/// Smallest and largest width and height of a chart in pixels.
const SIDES: std::ops::RangeInclusive<i64> = 16..=10_000;

/// One point of a forecast. What is `None` or not finite is not drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastPoint {
    /// Microseconds since 2000-01-01 UTC.
    pub time: i64,
    /// The forecast.
    pub value: Option<f64>,
    /// Lower bound of the prediction interval.
    pub lower: Option<f64>,
    /// Upper bound of the prediction interval.
    pub upper: Option<f64>,
}

/// What to draw; [`Chart::svg`] draws it.
///
/// ```
/// use jiff::tz::TimeZone;
/// use kpi_series::{Chart, Series};
///
/// let series = Series::parse(r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]"#)?;
/// let svg = Chart { width: 400, title: Some("a < b"), ..Chart::new(&series, &TimeZone::UTC) }.svg()?;
/// assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"320\""));
/// assert!(svg.contains("a &lt; b"));
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// The series; gaps, NaN and infinities break the line.
    pub series: &'a Series,
    /// The zone whose calendar the time axis shows.
    pub zone: &'a TimeZone,
    /// Width in pixels, 16 to 10000.
    pub width: i64,
    /// Height in pixels, 16 to 10000.
    pub height: i64,
    /// Text above the chart, shortened when it is too long.
    pub title: Option<&'a str>,
    /// The forecast, in any order; empty for none.
    pub forecast: &'a [ForecastPoint],
    /// Name of the forecast's model for the legend.
    pub model: Option<&'a str>,
}

impl<'a> Chart<'a> {
    /// A chart of 800 by 320 pixels, without title and forecast.
    pub fn new(series: &'a Series, zone: &'a TimeZone) -> Self {
        Self {
            series,
            zone,
            width: 800,
            height: 320,
            title: None,
            forecast: &[],
            model: None,
        }
    }

    /// The chart as the text of an SVG document, without scripts and without references to anything outside.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] when width or height is not from 16 to 10000.
    pub fn svg(&self) -> Result<String, Error> {
        for (name, given) in [("width", self.width), ("height", self.height)] {
            if !SIDES.contains(&given) {
                return Err(Error::NumberOutOfRange {
                    name,
                    given,
                    least: *SIDES.start(),
                    most: *SIDES.end(),
                });
            }
        }
        let mut svg = String::new();
        // Writing to a String cannot fail.
        let _ = Drawing::new(self).write(&mut svg);
        Ok(svg)
    }
}
