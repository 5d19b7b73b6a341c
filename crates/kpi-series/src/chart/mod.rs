//! A line chart as self-contained SVG.

mod line;
mod markup;
mod time_axis;
mod value_axis;

use crate::{Error, Series};
use jiff::tz::TimeZone;
use line::Stretch;
use markup::{Escaped, Pixel, Points};
use std::fmt::{self, Write};
use value_axis::ValueAxis;

/// Mean width of a character of the labels in pixels; digits are about as wide in all fonts of the stack.
const LABEL_CHARACTER: f64 = 6.6;
const TITLE_CHARACTER: f64 = 8.6;
const LEGEND_CHARACTER: f64 = 6.3;
const FONTS: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif";
const INK: &str = "#1f2937";
const MUTED: &str = "#6b7280";
const GRID: &str = "#e5e7eb";
const AXIS: &str = "#9ca3af";
const OBSERVED: &str = "#1d5fa8";
const FORECAST: &str = "#d9660a";
/// Points of a line that are at least this far apart are marked.
const MARKED_DISTANCE: f64 = 14.0;

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

/// A chart with all its scales settled.
struct Drawing<'a> {
    chart: &'a Chart<'a>,
    forecast: Vec<ForecastPoint>,
    axis: ValueAxis,
    // First and last time of what is drawn.
    times: Option<(i64, i64)>,
    has_values: bool,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    // A chart that is too small for labels has the line only.
    labelled: bool,
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

impl<'a> Drawing<'a> {
    fn new(chart: &'a Chart<'a>) -> Self {
        let mut forecast = chart.forecast.to_vec();
        forecast.sort_by_key(|point| point.time);
        let ends = |times: [Option<i64>; 2]| times.into_iter().flatten();
        let first = ends([
            chart.series.times().first().copied(),
            forecast.first().map(|p| p.time),
        ])
        .min();
        let last = ends([
            chart.series.times().last().copied(),
            forecast.last().map(|p| p.time),
        ])
        .max();
        let observed = (0..chart.series.len()).filter_map(|index| chart.series.observed(index));
        let drawn = forecast
            .iter()
            .flat_map(|p| [p.value, p.lower, p.upper])
            .filter_map(finite);
        let range = observed
            .chain(drawn)
            .fold(None, |range: Option<(f64, f64)>, value| {
                Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            });
        let (width, height) = (chart.width as f64, chart.height as f64);
        let labelled = width >= 140.0 && height >= 90.0;
        let header = [(chart.title.is_some(), 30.0), (!forecast.is_empty(), 22.0)];
        let top = 12.0
            + header
                .iter()
                .filter(|part| part.0)
                .map(|part| part.1)
                .sum::<f64>();
        let (top, bottom) = if labelled {
            (top, height - 40.0)
        } else {
            (2.0, height - 2.0)
        };
        let ticks = ((bottom - top) / 46.0).max(2.0) as usize;
        let (low, high) = range.unwrap_or((0.0, 1.0));
        let axis = ValueAxis::new(low, high, ticks);
        let widest = axis
            .ticks
            .iter()
            .map(|tick| tick.1.chars().count())
            .max()
            .unwrap_or(0);
        let (left, right) = if labelled {
            (widest as f64 * LABEL_CHARACTER + 20.0, width - 26.0)
        } else {
            (2.0, width - 2.0)
        };
        let times = first.zip(last);
        Self {
            chart,
            forecast,
            axis,
            times,
            has_values: range.is_some(),
            left,
            right,
            top,
            bottom,
            labelled,
        }
    }

    fn x(&self, time: i64) -> f64 {
        match self.times {
            Some((first, last)) if first < last => {
                let share = time.wrapping_sub(first) as u64 as f64 / last.wrapping_sub(first) as u64 as f64;
                self.left + share * (self.right - self.left)
            }
            _ => (self.left + self.right) / 2.0,
        }
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.axis.position(value) * (self.bottom - self.top)
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        let Chart { width, height, .. } = self.chart;
        let name = self.chart.title.unwrap_or("time series");
        write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\" font-size=\"12\">\n\
             <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            Escaped(name)
        )?;
        if self.labelled {
            self.write_value_axis(svg)?;
            self.write_time_axis(svg)?;
            self.write_title(svg)?;
            if !self.forecast.is_empty() {
                self.write_legend(svg)?;
            }
        }
        if self.has_values {
            self.write_lines(svg)?;
        } else {
            let (x, y) = (
                (self.left + self.right) / 2.0,
                (self.top + self.bottom) / 2.0 + 4.0,
            );
            write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{MUTED}\">no data</text>\n",
                Pixel(x),
                Pixel(y)
            )?;
        }
        svg.write_str("</svg>\n")
    }

    fn write_value_axis(&self, svg: &mut String) -> fmt::Result {
        let (left, right) = (Pixel(self.left), Pixel(self.right));
        write!(svg, "<g stroke=\"{GRID}\">\n")?;
        for (value, _) in &self.axis.ticks {
            // Lines of one pixel are sharp in the middle of it.
            let y = Pixel(self.y(*value).round() + 0.5);
            write!(
                svg,
                "<line x1=\"{left}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>\n"
            )?;
        }
        svg.write_str("</g>\n")?;
        if !self.has_values {
            return Ok(());
        }
        write!(svg, "<g fill=\"{MUTED}\" text-anchor=\"end\">\n")?;
        for (value, label) in &self.axis.ticks {
            let (x, y) = (Pixel(self.left - 8.0), Pixel(self.y(*value) + 4.0));
            write!(svg, "<text x=\"{x}\" y=\"{y}\">{label}</text>\n")?;
        }
        svg.write_str("</g>\n")
    }

    fn write_time_axis(&self, svg: &mut String) -> fmt::Result {
        let bottom = self.bottom.round() + 0.5;
        write!(
            svg,
            "<g stroke=\"{AXIS}\">\n<line x1=\"{}\" y1=\"{bottom}\" x2=\"{}\" y2=\"{bottom}\"/>\n",
            Pixel(self.left),
            Pixel(self.right)
        )?;
        let Some((first, last)) = self.times else {
            return svg.write_str("</g>\n");
        };
        let ticks = if first < last {
            time_axis::ticks(first, last, self.right - self.left, self.chart.zone)
        } else {
            vec![time_axis::single(first, self.chart.zone)]
        };
        for tick in &ticks {
            let x = Pixel(self.x(tick.time).round() + 0.5);
            write!(
                svg,
                "<line x1=\"{x}\" y1=\"{bottom}\" x2=\"{x}\" y2=\"{}\"/>\n",
                bottom + 5.0
            )?;
        }
        write!(svg, "</g>\n<g fill=\"{MUTED}\" text-anchor=\"middle\">\n")?;
        for tick in &ticks {
            let (x, y) = (Pixel(self.x(tick.time)), Pixel(self.bottom + 18.0));
            write!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>\n", Escaped(&tick.label))?;
        }
        for (x, context) in self.contexts(&ticks) {
            let y = Pixel(self.bottom + 33.0);
            write!(
                svg,
                "<text x=\"{}\" y=\"{y}\">{}</text>\n",
                Pixel(x),
                Escaped(context)
            )?;
        }
        svg.write_str("</g>\n")
    }

    /// The second line of labels, without those that would overlap; of the first and the second the second is kept, since
    /// the first is where the data happens to start.
    fn contexts<'t>(&self, ticks: &'t [time_axis::Tick]) -> Vec<(f64, &'t str)> {
        let mut kept: Vec<(f64, &str)> = Vec::new();
        let half = |text: &str| text.chars().count() as f64 * LABEL_CHARACTER / 2.0;
        for tick in ticks {
            let Some(context) = tick.context.as_deref() else {
                continue;
            };
            let x = self.x(tick.time).max(half(context) + 2.0);
            let x = x.min(self.chart.width as f64 - half(context) - 2.0);
            let overlaps = |previous: &(f64, &str)| x - previous.0 < half(context) + half(previous.1) + 8.0;
            if kept.last().is_some_and(overlaps) {
                if kept.len() > 1 {
                    continue;
                }
                kept.clear();
            }
            kept.push((x, context));
        }
        kept
    }

    fn write_title(&self, svg: &mut String) -> fmt::Result {
        let Some(title) = self.chart.title else {
            return Ok(());
        };
        let room = ((self.chart.width as f64 - 24.0) / TITLE_CHARACTER) as usize;
        let mut shown: String = title.chars().take(room).collect();
        if shown.len() < title.len() {
            shown.pop();
            shown.push('…');
        }
        write!(
            svg,
            "<text x=\"12\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"{INK}\">{}</text>\n",
            Escaped(&shown)
        )
    }

    fn write_legend(&self, svg: &mut String) -> fmt::Result {
        let model = self
            .chart
            .model
            .map_or(String::new(), |model| format!(" ({model})"));
        let y = if self.chart.title.is_some() { 47.0 } else { 17.0 };
        let has_band = self
            .forecast
            .iter()
            .any(|p| finite(p.lower).is_some() && finite(p.upper).is_some());
        let dashed = format!("stroke=\"{FORECAST}\" stroke-width=\"2\" stroke-dasharray=\"5 3\"");
        let solid = format!("stroke=\"{OBSERVED}\" stroke-width=\"2\"");
        let mut x = 12.0;
        write!(svg, "<g fill=\"{INK}\">\n")?;
        for (stroke, label) in [
            (Some(&solid), "observed".to_string()),
            (Some(&dashed), format!("forecast{model}")),
        ]
        .into_iter()
        .chain(has_band.then(|| (None, "prediction interval".to_string())))
        {
            let middle = Pixel(y - 4.0);
            match stroke {
                Some(stroke) => {
                    let end = Pixel(x + 22.0);
                    write!(
                        svg,
                        "<line x1=\"{}\" y1=\"{middle}\" x2=\"{end}\" y2=\"{middle}\" {stroke}/>\n",
                        Pixel(x)
                    )?;
                }
                None => {
                    let (x, y) = (Pixel(x), Pixel(y - 10.0));
                    write!(
                        svg,
                        "<rect x=\"{x}\" y=\"{y}\" width=\"22\" height=\"12\" fill=\"{FORECAST}\" fill-opacity=\"0.18\"/>\n"
                    )?;
                }
            }
            write!(
                svg,
                "<text x=\"{}\" y=\"{}\">{}</text>\n",
                Pixel(x + 28.0),
                Pixel(y),
                Escaped(&label)
            )?;
            x += 28.0 + label.chars().count() as f64 * LEGEND_CHARACTER + 18.0;
        }
        svg.write_str("</g>\n")
    }

    fn write_lines(&self, svg: &mut String) -> fmt::Result {
        let start = self.forecast_start();
        for band in self.band(start) {
            write!(
                svg,
                "<path d=\"{}Z\" fill=\"{FORECAST}\" fill-opacity=\"0.18\"/>\n",
                Points(&band)
            )?;
        }
        let width = self.right - self.left;
        let stretches = line::stretches(
            self.chart.series,
            width,
            |time| self.x(time),
            |value| self.y(value),
        );
        write_stretches(
            svg,
            &stretches,
            &format!("stroke=\"{OBSERVED}\" stroke-width=\"2\""),
            OBSERVED,
        )?;
        let mut forecast: Vec<Stretch> = vec![start.iter().map(|&(x, y, _)| (x, y)).collect()];
        for point in &self.forecast {
            match (finite(point.value), forecast.last_mut()) {
                (Some(value), Some(stretch)) => stretch.push((self.x(point.time), self.y(value))),
                _ => forecast.push(Stretch::new()),
            }
        }
        // What is only the point from which the forecast would start is drawn already.
        forecast.retain(|stretch| stretch.len() > usize::from(start.is_some()) || stretch.len() > 1);
        write_stretches(
            svg,
            &forecast,
            &format!("stroke=\"{FORECAST}\" stroke-width=\"2\" stroke-dasharray=\"5 3\""),
            FORECAST,
        )
    }

    /// The last observed point, in pixels and with its time, when the forecast goes on from it.
    fn forecast_start(&self) -> Option<(f64, f64, i64)> {
        let series = self.chart.series;
        let index = (0..series.len())
            .rev()
            .find(|&index| series.observed(index).is_some())?;
        let (&time, value) = (series.times().get(index)?, series.observed(index)?);
        let first = self.forecast.first()?.time;
        (time < first).then(|| (self.x(time), self.y(value), time))
    }

    /// The outlines of the prediction interval: one for each run of points that have both bounds.
    fn band(&self, start: Option<(f64, f64, i64)>) -> Vec<Stretch> {
        let mut bands = Vec::new();
        let tip: Stretch = start.iter().map(|&(x, y, _)| (x, y)).collect();
        let (mut upper, mut lower) = (tip.clone(), tip);
        for point in self.forecast.iter().map(Some).chain([None]) {
            let bounds = point.and_then(|p| Some((self.x(p.time), finite(p.lower)?, finite(p.upper)?)));
            if let Some((x, low, high)) = bounds {
                upper.push((x, self.y(high)));
                lower.push((x, self.y(low)));
            } else {
                if upper.len() > 1 {
                    upper.extend(lower.drain(..).rev());
                    bands.push(std::mem::take(&mut upper));
                }
                upper.clear();
                lower.clear();
            }
        }
        bands
    }
}

/// Draws stretches: lines, and dots for what is single or sparse.
fn write_stretches(svg: &mut String, stretches: &[Stretch], stroke: &str, fill: &str) -> fmt::Result {
    for stretch in stretches {
        let distance = match (stretch.first(), stretch.last()) {
            (Some(first), Some(last)) if stretch.len() > 1 => (last.0 - first.0) / (stretch.len() - 1) as f64,
            _ => f64::INFINITY,
        };
        if stretch.len() > 1 {
            write!(
                svg,
                "<path d=\"{}\" fill=\"none\" {stroke} stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n",
                Points(stretch)
            )?;
        }
        if distance >= MARKED_DISTANCE {
            for &(x, y) in stretch {
                write!(
                    svg,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"2.5\" fill=\"{fill}\"/>\n",
                    Pixel(x),
                    Pixel(y)
                )?;
            }
        }
    }
    Ok(())
}
