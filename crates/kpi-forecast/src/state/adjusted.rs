//! The states of a model of seasonally adjusted values: the season stays, the rest goes on.

use super::State;
use super::codec::{Stored, read_choice, read_count, read_numbers, write_choice, write_numbers};
use crate::Error;
use crate::adjusted::Fitted;
use crate::decomposition::{Indices, Kind};
use crate::model::Observe;
use kpi_stats::frame::{Reader, Writer};

const KINDS: [Kind; 2] = [Kind::Additive, Kind::Multiplicative];

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let rest = self
            .indices
            .as_ref()
            .map_or(value, |indices| indices.remove(self.count, value));
        self.of.observe(rest)?;
        self.count += 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.of.skip()?;
        self.count += 1;
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        let indices = self.indices.as_ref();
        write_choice(
            writer,
            &KINDS,
            &indices.map_or(Kind::Additive, |indices| indices.kind),
        );
        write_numbers(writer, indices.map_or(&[], |indices| &indices.index));
        writer.varint(self.count as u64);
        self.of.write(writer);
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        let kind = read_choice(reader, &KINDS)?;
        let index = read_numbers(reader, 0)?;
        Ok(Self {
            indices: (!index.is_empty()).then_some(Indices { kind, index }),
            count: read_count(reader)?,
            of: State::read(reader, depth + 1)?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let Some(indices) = &self.indices else {
            return self.of.fitted(history);
        };
        let rest: Vec<f64> = history
            .iter()
            .enumerate()
            .map(|(t, y)| indices.remove(t, *y))
            .collect();
        let fitted = self.of.fitted(&rest).into_iter().enumerate();
        fitted.map(|(t, mean)| indices.apply(t, mean)).collect()
    }

    fn family(&self) -> &'static str {
        "adjusted"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let Some(indices) = &self.indices else {
            return Vec::new();
        };
        let mut season = indices.index.clone();
        let place = self.count % season.len().max(1);
        season.rotate_left(place);
        vec![("season", season)]
    }
}
