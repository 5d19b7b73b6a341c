//! The states of a curve: only the place on it moves.

use super::codec::{
    Stored, read_choice, read_coefficients, read_count, read_numbers, write_choice, write_coefficients,
    write_numbers,
};
use super::planned::Planned;
use crate::Error;
use crate::decomposition::Kind;
use crate::model::{Observe, unless_canceled};
use crate::prophet::Fitted;
use crate::prophet::trend::{Segment, Trend};
use crate::random::Random;
use kpi_stats::frame::{Reader, Writer};

const KINDS: [Kind; 2] = [Kind::Additive, Kind::Multiplicative];

impl Fitted {
    /// Courses that the next steps could take. Its errors do not hang on those before them, but the trend of a course does.
    pub(super) fn courses(
        &self,
        horizon: usize,
        paths: usize,
        seed: u64,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let mut random = Random::new(seed);
        (0..paths)
            .map(|_| {
                unless_canceled(poll)?;
                Ok(self.course(horizon, &mut random))
            })
            .collect()
    }
}

impl Observe for Fitted {
    fn observe(&mut self, _value: f64) -> Result<(), Error> {
        self.planned.take()?;
        self.since += 1;
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        write_choice(writer, &KINDS, &self.kind);
        write_numbers(writer, self.trend.cap.as_slice());
        let last = self.trend.segments.last().copied();
        let segments = last.map_or([0.0; 3], |segment| [segment.from, segment.rate, segment.offset]);
        segments.iter().for_each(|number| writer.f64(*number));
        write_numbers(writer, &self.changes);
        write_numbers(writer, &self.frequencies);
        write_numbers(writer, &self.waves);
        self.planned.write(writer);
        write_coefficients(writer, &self.coefficients);
        writer.varint(self.history as u64);
        writer.varint(self.since as u64);
        for number in [self.noise, self.scale, self.floor] {
            writer.f64(number);
        }
    }

    /// Of the trend only the piece that goes on.
    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let kind = read_choice(reader, &KINDS)?;
        let cap = read_numbers(reader, 0)?.first().copied();
        let last = Segment {
            from: reader.f64()?,
            rate: reader.f64()?,
            offset: reader.f64()?,
        };
        let fitted = Self {
            trend: Trend {
                cap,
                segments: vec![last],
            },
            changes: read_numbers(reader, 0)?,
            frequencies: read_numbers(reader, 0)?,
            waves: read_numbers(reader, 0)?,
            past: Vec::new(),
            planned: Planned::read(reader)?,
            coefficients: read_coefficients(reader)?,
            kind,
            history: read_count(reader)?,
            since: read_count(reader)?,
            noise: reader.f64()?,
            scale: reader.f64()?,
            floor: reader.f64()?,
        };
        if fitted.history < 2 {
            return Err(reader.corrupt("They claim a curve through fewer than two values.".into()));
        }
        Ok(fitted)
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        // What was stored does not know the pieces before the last one.
        if self.trend.segments.len() != self.changes.len() + 1 {
            return vec![f64::NAN; history.len()];
        }
        let effect = |row: usize| match self.past.get(row) {
            Some(effect) => *effect,
            None => self.planned.at(row.saturating_sub(self.history)),
        };
        (0..history.len()).map(|row| self.at(row, effect(row))).collect()
    }

    fn family(&self) -> &'static str {
        "prophet"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let mut all = vec![("noise".to_owned(), self.scale * self.noise)];
        if let Some(cap) = self.trend.cap {
            all.push(("capacity".to_owned(), self.floor + self.scale * cap));
            all.push(("floor".to_owned(), self.floor));
        }
        all.extend(self.coefficients.iter().cloned());
        all
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let next = self.history + self.since;
        let trend = |row: usize| self.floor + self.scale * self.trend.at(self.time(row));
        let mut all = vec![
            ("trend", vec![trend(next)]),
            ("slope", vec![trend(next + 1) - trend(next)]),
        ];
        if self.planned != Planned::none() {
            all.push(("next_effect", vec![self.scale * self.planned.at(0)]));
        }
        all
    }
}
