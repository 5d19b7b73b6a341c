//! The states of the models of intermittent demand.

use super::codec::{Stored, read_choice, write_choice};
use crate::intermittent::{Fitted, Intermittent};
use crate::model::Observe;
use crate::{Error, Fit, Predict};
use kpi_stats::frame::{Reader, Writer};

/// Those that smooth from demand to demand.
const SMOOTHED: [Intermittent; 3] = [Intermittent::Croston, Intermittent::Sba, Intermittent::Tsb];

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.add(value);
        Ok(())
    }

    /// Nobody knows whether there was a demand.
    fn skip(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        write_choice(writer, &SMOOTHED, &self.model);
        [self.size, self.rhythm, self.since, self.sigma]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            model: read_choice(reader, &SMOOTHED)?,
            size: reader.f64()?,
            rhythm: reader.f64()?,
            since: reader.f64()?,
            sigma: reader.f64()?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let mut running: Option<Self> = None;
        history
            .iter()
            .enumerate()
            .map(|(t, value)| {
                let fitted = running.as_ref().map_or(f64::NAN, |states| states.value(1));
                match &mut running {
                    Some(states) => states.add(*value),
                    None => running = Self::of(self.model, history.get(..=t).unwrap_or_default()),
                }
                fitted
            })
            .collect()
    }

    fn family(&self) -> &'static str {
        self.model.name()
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let rhythm = if self.model == Intermittent::Tsb {
            "chance"
        } else {
            "interval"
        };
        vec![("size", vec![self.size]), (rhythm, vec![self.rhythm])]
    }
}
