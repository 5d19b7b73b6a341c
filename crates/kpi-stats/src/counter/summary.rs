//! What is kept of a stretch of readings.

use super::line::{Line, Sums};
use crate::Error;
use crate::frame::{Reader, Writer};
use crate::ordered::{Fold, Point, elapsed, micros};
use crate::summation::CompensatedSum;

/// A stretch of at least one reading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub count: u64,
    pub first: Point,
    /// The points beside the ends, for the instantaneous rates; the ends themselves where there is only one point.
    pub second: Point,
    pub penultimate: Point,
    pub last: Point,
    pub changes: u64,
    pub resets: u64,
    /// The sum of the readings before each reset, which the rise regains.
    pub regained: CompensatedSum,
    pub line: Line,
}

/// Summarises readings: those of a counter, where a drop is a reset, or of a gauge, where it is a change.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Readings<const RESETS: bool>;

/// Whether two readings are different; NaN equals NaN, as in PostgreSQL.
fn differ(a: f64, b: f64) -> bool {
    a != b && !(a.is_nan() && b.is_nan())
}

/// By how much a counter rose from one reading to the next: from zero where it was reset.
pub(super) fn rise<const RESETS: bool>(from: f64, to: f64) -> f64 {
    if RESETS && to < from { to } else { to - from }
}

impl Summary {
    /// The change from the first reading to the last, with what resets took away.
    pub fn rise(&self) -> f64 {
        self.last.1 - self.first.1 + self.regained.total()
    }
}

impl<const RESETS: bool> Fold for Readings<RESETS> {
    type Summary = Summary;

    const SORTED: &'static str = if RESETS {
        "counter_agg(ts, value ORDER BY ts)"
    } else {
        "gauge_agg(ts, value ORDER BY ts)"
    };

    fn summarise(&self, times: &[i64], values: &[f64]) -> Option<Summary> {
        let (&start, &base) = (times.first()?, values.first()?);
        let last = (*times.last()?, *values.last()?);
        let mut summary = Summary {
            count: times.len() as u64,
            first: (start, base),
            second: last,
            penultimate: (start, base),
            last,
            changes: 0,
            resets: 0,
            regained: CompensatedSum::default(),
            line: Line::default(),
        };
        if let ([_, second, ..], [_, value, ..]) = (times, values) {
            summary.second = (*second, *value);
        }
        if let ([.., penultimate, _], [.., value, _]) = (times, values) {
            summary.penultimate = (*penultimate, *value);
        }
        let mut sums = Sums::default();
        let mut offset = -base;
        let mut has_nan = base.is_nan();
        for (time, (&previous, &value)) in times.iter().skip(1).zip(values.iter().zip(values.iter().skip(1)))
        {
            summary.changes += u64::from(differ(previous, value));
            has_nan |= value.is_nan();
            if RESETS && value < previous {
                summary.resets += 1;
                summary.regained.add(previous);
                offset += previous;
            }
            sums.add(micros(start, *time), value + offset);
        }
        if RESETS && has_nan {
            // Whether a counter was reset beside a reading that is no number, nobody can tell.
            summary.regained.add(f64::NAN);
        }
        summary.line = sums.line(times.len() as f64);
        Some(summary)
    }

    fn join(left: &mut Summary, right: &Summary) {
        let shared = left.last.0 == right.first.0;
        if shared && right.count == 1 {
            return;
        }
        let at = (
            micros(left.first.0, right.first.0),
            left.rise() + rise::<RESETS>(left.last.1, right.first.1),
        );
        let (left_count, right_count) = (left.count as f64, right.count as f64);
        if shared {
            let line = right.line.without_origin(right_count);
            left.line.join(left_count, &line, right_count - 1.0, at);
        } else {
            left.line.join(left_count, &right.line, right_count, at);
        }
        left.changes += right.changes + u64::from(differ(left.last.1, right.first.1));
        left.resets += right.resets;
        if RESETS && right.first.1 < left.last.1 {
            left.resets += 1;
            left.regained.add(left.last.1);
        }
        left.regained.merge(&right.regained);
        if left.count == 1 {
            left.second = if shared { right.second } else { right.first };
        }
        left.penultimate = if right.count > 1 {
            right.penultimate
        } else {
            left.last
        };
        left.count = left
            .count
            .saturating_add(right.count - u64::from(shared))
            .min(crate::moments::MAX_COUNT);
        left.last = right.last;
    }

    fn first(summary: &Summary) -> Point {
        summary.first
    }

    fn last(summary: &Summary) -> Point {
        summary.last
    }

    fn points(summary: &Summary, points: &mut Vec<Point>) -> bool {
        let known = [summary.first, summary.second, summary.penultimate, summary.last];
        match summary.count {
            1 => points.push(summary.first),
            2 => points.extend([summary.first, summary.last]),
            3 => points.extend([summary.first, summary.second, summary.last]),
            4 => points.extend(known),
            _ => return false,
        }
        true
    }

    fn write(summary: &Summary, writer: &mut Writer) {
        writer.varint(summary.count);
        writer.i64(summary.first.0);
        writer.f64(summary.first.1);
        let mut time = summary.first.0;
        for point in [summary.second, summary.penultimate, summary.last] {
            // From two points on these are in time order: the steps are small.
            writer.varint(elapsed(time, point.0));
            writer.f64(point.1);
            time = point.0;
        }
        writer.varint(summary.changes);
        if RESETS {
            writer.varint(summary.resets);
            writer.f64(summary.regained.hi);
            writer.f64(summary.regained.lo);
        }
        summary.line.write(writer);
    }

    fn read(&self, reader: &mut Reader) -> Result<Summary, Error> {
        let count = reader.count()?;
        if count == 0 {
            return Err(reader.corrupt("They hold a stretch without points.".into()));
        }
        let first = (reader.i64()?, reader.f64()?);
        let mut time = first.0;
        let mut next = || -> Result<Point, Error> {
            time = time.wrapping_add_unsigned(reader.varint()?);
            Ok((time, reader.f64()?))
        };
        let (second, penultimate, last) = (next()?, next()?, next()?);
        let mut summary = Summary {
            count,
            first,
            second,
            penultimate,
            last,
            changes: reader.count()?,
            resets: 0,
            regained: CompensatedSum::default(),
            line: Line::default(),
        };
        if RESETS {
            summary.resets = reader.count()?;
            summary.regained = CompensatedSum {
                hi: reader.f64()?,
                lo: reader.f64()?,
            };
        }
        summary.line = Line::read(reader)?;
        Ok(summary)
    }
}
