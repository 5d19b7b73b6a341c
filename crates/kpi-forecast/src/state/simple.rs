//! The states of the mean, the naive models and the drift: what observing leaves is what a new fit would find.

use super::codec::{Stored, named, read_numbers, write_numbers};
use crate::model::Observe;
use crate::{Error, drift, mean, naive, seasonal_naive};
use kpi_stats::frame::{Reader, Writer};

/// Three or four numbers that are all of a state.
fn read_all<const N: usize>(reader: &mut Reader) -> Result<[f64; N], kpi_stats::Error> {
    let mut numbers = [0.0; N];
    for number in &mut numbers {
        *number = reader.f64()?;
    }
    Ok(numbers)
}

impl Observe for mean::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Stored for mean::Fitted {
    fn write(&self, writer: &mut Writer) {
        [self.mean, self.squares, self.count]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let [mean, squares, count] = read_all(reader)?;
        Ok(Self { mean, squares, count })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        vec![self.mean; history.len()]
    }

    fn family(&self) -> &'static str {
        "mean"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("level", vec![self.mean])]
    }
}

impl Observe for mean::Flat {
    fn observe(&mut self, _value: f64) -> Result<(), Error> {
        Err(Error::NotObserved {
            model: self.family().into(),
        })
    }
}

impl Stored for mean::Flat {
    fn write(&self, writer: &mut Writer) {
        [self.mean, self.sigma]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let [mean, sigma] = read_all(reader)?;
        Ok(Self { mean, sigma })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        vec![self.mean; history.len()]
    }

    fn family(&self) -> &'static str {
        "level"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("level", vec![self.mean])]
    }
}

impl Observe for naive::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.squares += (value - self.last).powi(2);
        self.changes += 1.0;
        self.last = value;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Stored for naive::Fitted {
    fn write(&self, writer: &mut Writer) {
        [self.last, self.squares, self.changes]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let [last, squares, changes] = read_all(reader)?;
        Ok(Self {
            last,
            squares,
            changes,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        before(history, 1)
    }

    fn family(&self) -> &'static str {
        "naive"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("level", vec![self.last])]
    }
}

/// The values `lag` steps before.
fn before(history: &[f64], lag: usize) -> Vec<f64> {
    let shown = history.len().saturating_sub(lag);
    let missing = history.len() - shown;
    let mut fitted = vec![f64::NAN; missing];
    fitted.extend(history.iter().take(shown));
    fitted
}

impl Observe for seasonal_naive::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.last_season.rotate_left(1);
        if let Some(last) = self.last_season.last_mut() {
            self.squares += (value - *last).powi(2);
            self.changes += 1.0;
            *last = value;
        }
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.last_season.rotate_left(1);
        Ok(())
    }
}

impl Stored for seasonal_naive::Fitted {
    fn write(&self, writer: &mut Writer) {
        write_numbers(writer, &self.last_season);
        [self.squares, self.changes]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let last_season = read_numbers(reader, 1)?;
        let [squares, changes] = read_all(reader)?;
        Ok(Self {
            last_season,
            squares,
            changes,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        before(history, self.last_season.len())
    }

    fn family(&self) -> &'static str {
        "seasonal_naive"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("season", self.last_season.clone())]
    }
}

impl Observe for drift::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let change = value - self.last;
        self.changes += 1.0;
        let before = change - self.slope;
        self.slope += before / self.changes;
        self.squares += before * (change - self.slope);
        self.last = value;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.last += self.slope;
        Ok(())
    }
}

impl Stored for drift::Fitted {
    fn write(&self, writer: &mut Writer) {
        [self.last, self.slope, self.squares, self.changes]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let [last, slope, squares, changes] = read_all(reader)?;
        Ok(Self {
            last,
            slope,
            squares,
            changes,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let mut fitted = before(history, 1);
        fitted.iter_mut().for_each(|value| *value += self.slope);
        fitted
    }

    fn family(&self) -> &'static str {
        "drift"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        named([("slope", self.slope)])
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("level", vec![self.last])]
    }
}
