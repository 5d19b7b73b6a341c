//! What is drawn on the scales of a chart: the line of the series, its forecast and the band around that.

use super::drawing::{Drawing, FORECAST, OBSERVED, finite};
use super::line::{self, Stretch};
use super::markup::{Pixel, Points};
use std::fmt::{self, Write};

/// From so many points for each pixel of width on, a thinner line keeps neighbours apart.
const CROWDED: f64 = 0.4;
/// Points of a line that are at least this far apart are marked.
const MARKED_DISTANCE: f64 = 14.0;

impl Drawing<'_> {
    pub(super) fn write_lines(&self, svg: &mut String) -> fmt::Result {
        let start = self.forecast_start();
        for band in self.band(start) {
            writeln!(
                svg,
                "<path d=\"{}Z\" fill=\"{FORECAST}\" fill-opacity=\"0.18\"/>",
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
        let crowded = self.chart.series.len() as f64 > CROWDED * width;
        let stroke = format!(
            "stroke=\"{OBSERVED}\" stroke-width=\"{}\"",
            if crowded { 1.2 } else { 2.0 }
        );
        write_stretches(svg, &stretches, &stroke, OBSERVED)?;
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
            writeln!(
                svg,
                "<path d=\"{}\" fill=\"none\" {stroke} stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
                Points(stretch)
            )?;
        }
        if distance >= MARKED_DISTANCE {
            for &(x, y) in stretch {
                writeln!(
                    svg,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"2.5\" fill=\"{fill}\"/>",
                    Pixel(x),
                    Pixel(y)
                )?;
            }
        }
    }
    Ok(())
}
