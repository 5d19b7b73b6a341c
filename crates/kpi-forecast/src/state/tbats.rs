//! The states of waves with a model of what they leave: the waves stay, the rest goes on.

use super::State;
use super::codec::{Stored, read_count, read_numbers, write_numbers};
use crate::Error;
use crate::model::Observe;
use crate::tbats::{Fitted, Waves};
use kpi_stats::frame::{Reader, Writer};

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.rest.observe(value - self.waves.at(self.count))?;
        self.count += 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.rest.skip()?;
        self.count += 1;
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        write_numbers(writer, &self.waves.frequencies);
        write_numbers(writer, &self.waves.effects);
        writer.varint(self.count as u64);
        self.rest.write(writer);
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            waves: Waves {
                frequencies: read_numbers(reader, 0)?,
                effects: read_numbers(reader, 0)?,
            },
            count: read_count(reader)?,
            rest: State::read(reader, depth + 1)?,
        })
    }

    /// None before the values that the errors were learnt from.
    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let learnt = self.waves.rest_of(history);
        let before = history.len() - learnt.len();
        let mut fitted = vec![f64::NAN; before];
        fitted.extend(
            self.rest
                .fitted(&learnt)
                .into_iter()
                .zip(before..)
                .map(|(rest, t)| rest + self.waves.at(t)),
        );
        fitted
    }

    fn family(&self) -> &'static str {
        "tbats"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let frequencies = self.waves.frequencies.iter().enumerate();
        frequencies
            .map(|(i, frequency)| (format!("period {}", i + 1), 1.0 / frequency))
            .collect()
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("waves", self.waves.effects.clone())]
    }
}
