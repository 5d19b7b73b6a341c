//! The states of a model of logarithms.

use super::State;
use super::codec::Stored;
use crate::Error;
use crate::logarithm::Fitted;
use crate::model::Observe;
use kpi_stats::frame::{Reader, Writer};

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        if value <= 0.0 {
            return Err(Error::Unsuited {
                value,
                form: format!("{} of logarithms", self.of.family()),
            });
        }
        self.of.observe(value.ln() - self.shift)
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.of.skip()
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        writer.f64(self.shift);
        self.of.write(writer);
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            shift: reader.f64()?,
            of: State::read(reader, depth + 1)?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let logarithms: Vec<f64> = history.iter().map(|y| y.ln() - self.shift).collect();
        let fitted = self.of.fitted(&logarithms);
        fitted.into_iter().map(|y| (y + self.shift).exp()).collect()
    }

    fn family(&self) -> &'static str {
        "logarithm"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        Vec::new()
    }
}
