//! A chart with its scales: the frame of axes, title and legend around the plot.

use super::markup::{Escaped, Pixel};
use super::value_axis::ValueAxis;
use super::{Chart, ForecastPoint, time_axis};
use std::fmt::{self, Write};

/// Mean width of a character of the labels in pixels; digits are about as wide in all fonts of the stack.
pub(super) const LABEL_CHARACTER: f64 = 6.6;
const TITLE_CHARACTER: f64 = 8.6;
const LEGEND_CHARACTER: f64 = 6.0;
/// Longest name of a model in the legend, in characters.
const LONGEST_MODEL: usize = 32;
const FONTS: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif";
const INK: &str = "#1f2937";
const MUTED: &str = "#6b7280";
const GRID: &str = "#e5e7eb";
const AXIS: &str = "#9ca3af";
pub(super) const OBSERVED: &str = "#1d5fa8";
pub(super) const FORECAST: &str = "#d9660a";

/// A chart with all its scales settled.
pub(super) struct Drawing<'a> {
    pub(super) chart: &'a Chart<'a>,
    pub(super) forecast: Vec<ForecastPoint>,
    axis: ValueAxis,
    // First and last time of what is drawn.
    times: Option<(i64, i64)>,
    pub(super) has_values: bool,
    pub(super) left: f64,
    pub(super) right: f64,
    top: f64,
    bottom: f64,
    // A chart that is too small for labels has the line only.
    labelled: bool,
}

pub(super) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

impl<'a> Drawing<'a> {
    pub(super) fn new(chart: &'a Chart<'a>) -> Self {
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

    pub(super) fn x(&self, time: i64) -> f64 {
        match self.times {
            Some((first, last)) if first < last => {
                let share = time.wrapping_sub(first) as u64 as f64 / last.wrapping_sub(first) as u64 as f64;
                self.left + share * (self.right - self.left)
            }
            _ => (self.left + self.right) / 2.0,
        }
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - self.axis.position(value) * (self.bottom - self.top)
    }

    pub(super) fn write(&self, svg: &mut String) -> fmt::Result {
        let Chart { width, height, .. } = self.chart;
        let name = self.chart.title.unwrap_or("time series");
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\" font-size=\"12\">\n\
             <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>",
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
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{MUTED}\">no data</text>",
                Pixel(x),
                Pixel(y)
            )?;
        }
        svg.write_str("</svg>\n")
    }

    fn write_value_axis(&self, svg: &mut String) -> fmt::Result {
        let (left, right) = (Pixel(self.left), Pixel(self.right));
        writeln!(svg, "<g stroke=\"{GRID}\">")?;
        for (value, _) in &self.axis.ticks {
            // Lines of one pixel are sharp in the middle of it.
            let y = Pixel(self.y(*value).round() + 0.5);
            writeln!(svg, "<line x1=\"{left}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>")?;
        }
        svg.write_str("</g>\n")?;
        if !self.has_values {
            return Ok(());
        }
        writeln!(svg, "<g fill=\"{MUTED}\" text-anchor=\"end\">")?;
        for (value, label) in &self.axis.ticks {
            let (x, y) = (Pixel(self.left - 8.0), Pixel(self.y(*value) + 4.0));
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\">{label}</text>")?;
        }
        svg.write_str("</g>\n")
    }

    fn write_time_axis(&self, svg: &mut String) -> fmt::Result {
        let bottom = self.bottom.round() + 0.5;
        writeln!(
            svg,
            "<g stroke=\"{AXIS}\">\n<line x1=\"{}\" y1=\"{bottom}\" x2=\"{}\" y2=\"{bottom}\"/>",
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
            writeln!(
                svg,
                "<line x1=\"{x}\" y1=\"{bottom}\" x2=\"{x}\" y2=\"{}\"/>",
                bottom + 5.0
            )?;
        }
        writeln!(svg, "</g>\n<g fill=\"{MUTED}\" text-anchor=\"middle\">")?;
        for tick in &ticks {
            let (x, y) = (Pixel(self.x(tick.time)), Pixel(self.bottom + 18.0));
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", Escaped(&tick.label))?;
        }
        for (x, context) in self.contexts(&ticks) {
            let y = Pixel(self.bottom + 33.0);
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{y}\">{}</text>",
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
        let shown = shortened(title, room);
        writeln!(
            svg,
            "<text x=\"12\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            Escaped(&shown)
        )
    }

    /// One line of keys; those that the chart is too narrow for are left out.
    fn write_legend(&self, svg: &mut String) -> fmt::Result {
        let forecast = match self.chart.model {
            Some(model) => format!("forecast ({})", shortened(model, LONGEST_MODEL)),
            None => "forecast".to_string(),
        };
        let has_band = self
            .forecast
            .iter()
            .any(|p| finite(p.lower).is_some() && finite(p.upper).is_some());
        let dashed = format!("stroke=\"{FORECAST}\" stroke-width=\"2\" stroke-dasharray=\"5 3\"");
        let keys = [
            Some((
                "observed",
                format!("<path d=\"M0 -4H22\" stroke=\"{OBSERVED}\" stroke-width=\"2\"/>"),
            )),
            Some((&forecast, format!("<path d=\"M0 -4H22\" {dashed}/>"))),
            has_band.then(|| {
                (
                    "prediction interval",
                    format!("<path d=\"M0 -10H22V2H0Z\" fill=\"{FORECAST}\" fill-opacity=\"0.18\"/>"),
                )
            }),
        ];
        let y = if self.chart.title.is_some() { 47 } else { 17 };
        let mut x = 12.0;
        writeln!(svg, "<g fill=\"{INK}\">")?;
        for (label, key) in keys.into_iter().flatten() {
            let end = x + 28.0 + label.chars().count() as f64 * LEGEND_CHARACTER;
            if end > self.chart.width as f64 - 8.0 {
                break;
            }
            let (at, label) = (Pixel(x), Escaped(label));
            writeln!(
                svg,
                "<g transform=\"translate({at} {y})\">{key}<text x=\"28\">{label}</text></g>"
            )?;
            x = end + 18.0;
        }
        svg.write_str("</g>\n")
    }
}

/// Text of at most `most` characters, the last of which shows when some are missing.
fn shortened(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).collect();
    if shown.len() < text.len() {
        shown.pop();
        shown.push('…');
    }
    shown
}
