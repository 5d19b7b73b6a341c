//! What is kept of a stretch of values: the area below them.

use crate::Error;
use crate::frame::{Reader, Writer};
use crate::ordered::{Fold, Point, elapsed, micros};
use crate::summation::CompensatedSum;

/// A stretch of at least one value, with the area below its steps and below its lines, in value times microseconds.
///
/// Both areas are kept, so that a stretch need not know the method. They are sums of one product for each pair of
/// neighbours, with the rounding error carried along, so that it hardly matters where stretches are joined.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Area {
    pub count: u64,
    pub first: Point,
    pub last: Point,
    pub steps: CompensatedSum,
    pub lines: CompensatedSum,
}

/// Summarises values by the areas below them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Areas;

/// The area below a value that holds until a later time.
#[inline]
pub(super) fn below_step(value: f64, from: i64, to: i64) -> f64 {
    value * micros(from, to)
}

/// The area below a line from one point to a later one.
#[inline]
pub(super) fn below_line(from: Point, to: Point) -> f64 {
    // Half of each, since their sum may be beyond a double.
    (from.1 / 2.0 + to.1 / 2.0) * micros(from.0, to.0)
}

impl Area {
    fn step(&mut self, from: Point, to: Point) {
        self.steps.add_any(below_step(from.1, from.0, to.0));
        self.lines.add_any(below_line(from, to));
    }
}

impl Fold for Areas {
    type Summary = Area;

    const SORTED: &'static str = "time_weight(method, ts, value ORDER BY ts)";

    fn summarise(&self, times: &[i64], values: &[f64]) -> Option<Area> {
        let first = (*times.first()?, *values.first()?);
        let mut area = Area {
            count: times.len() as u64,
            first,
            last: first,
            steps: CompensatedSum::default(),
            lines: CompensatedSum::default(),
        };
        let points = || times.iter().copied().zip(values.iter().copied());
        for (from, to) in points().zip(points().skip(1)) {
            area.steps.add(below_step(from.1, from.0, to.0));
            area.lines.add(below_line(from, to));
        }
        area.last = (*times.last()?, *values.last()?);
        if !(area.steps.total().is_finite() && area.lines.total().is_finite()) {
            // Looking for what is not finite at each point would take as long again.
            (area.steps, area.lines) = (CompensatedSum::default(), CompensatedSum::default());
            for (from, to) in points().zip(points().skip(1)) {
                area.step(from, to);
            }
        }
        Some(area)
    }

    fn join(left: &mut Area, right: &Area) {
        let shared = left.last.0 == right.first.0;
        if !shared {
            left.step(left.last, right.first);
        }
        left.steps.merge_any(&right.steps);
        left.lines.merge_any(&right.lines);
        left.count = left
            .count
            .saturating_add(right.count - u64::from(shared))
            .min(crate::moments::MAX_COUNT);
        left.last = right.last;
    }

    fn first(area: &Area) -> Point {
        area.first
    }

    fn last(area: &Area) -> Point {
        area.last
    }

    fn points(area: &Area, points: &mut Vec<Point>) -> bool {
        match area.count {
            1 => points.push(area.first),
            2 => points.extend([area.first, area.last]),
            _ => return false,
        }
        true
    }

    fn write(area: &Area, writer: &mut Writer) {
        writer.varint(area.count);
        writer.i64(area.first.0);
        writer.varint(elapsed(area.first.0, area.last.0));
        for value in [area.first.1, area.last.1] {
            writer.f64(value);
        }
        for sum in [&area.steps, &area.lines] {
            writer.f64(sum.hi);
            writer.f64(sum.lo);
        }
    }

    fn read(&self, reader: &mut Reader) -> Result<Area, Error> {
        let count = reader.count()?;
        if count == 0 {
            return Err(reader.corrupt("They hold a stretch without points.".into()));
        }
        let start = reader.i64()?;
        let end = start.wrapping_add_unsigned(reader.varint()?);
        let (first, last) = ((start, reader.f64()?), (end, reader.f64()?));
        let mut sum = || -> Result<CompensatedSum, Error> {
            Ok(CompensatedSum {
                hi: reader.f64()?,
                lo: reader.f64()?,
            })
        };
        Ok(Area {
            count,
            first,
            last,
            steps: sum()?,
            lines: sum()?,
        })
    }
}
