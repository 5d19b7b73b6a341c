//! The states of the models that keep each place in the season by itself.

use super::codec::{Stored, named, read_count, read_numbers, write_numbers};
use crate::model::Observe;
use crate::seasonal_median::{SEASONS, median_before};
use crate::{Error, Predict, seasonal_median, seasonal_smoothing};
use kpi_stats::frame::{Reader, Writer};

impl Observe for seasonal_smoothing::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let place = self.next % self.levels.len();
        if let Some(level) = self.levels.get_mut(place) {
            let error = value - *level;
            *level += self.alpha * error;
            self.squares += error * error;
            self.errors += 1.0;
        }
        self.next += 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.next += 1;
        Ok(())
    }
}

impl Stored for seasonal_smoothing::Fitted {
    fn write(&self, writer: &mut Writer) {
        write_numbers(writer, &self.levels);
        writer.varint(self.next as u64);
        [self.alpha, self.squares, self.errors]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            levels: read_numbers(reader, 1)?,
            next: read_count(reader)?,
            alpha: reader.f64()?,
            squares: reader.f64()?,
            errors: reader.f64()?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let season = self.levels.len();
        let mut levels = history.to_vec();
        levels.truncate(season);
        let mut fitted = vec![f64::NAN; levels.len()];
        for (t, value) in history.iter().enumerate().skip(season) {
            if let Some(level) = levels.get_mut(t % season) {
                fitted.push(*level);
                *level += self.alpha * (value - *level);
            }
        }
        fitted
    }

    fn family(&self) -> &'static str {
        "seasonal_smoothing"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        named([("alpha", self.alpha)])
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let levels = (1..=self.levels.len()).map(|step| self.value(step));
        vec![("season", levels.collect())]
    }
}

impl Observe for seasonal_median::Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.squares += (value - self.value(1)).powi(2);
        self.errors += 1.0;
        self.append(value);
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        let next = self.value(1);
        self.append(next);
        Ok(())
    }
}

impl seasonal_median::Fitted {
    fn append(&mut self, value: f64) {
        self.recent.push(value);
        if self.recent.len() > SEASONS * self.season {
            self.recent.remove(0);
        }
    }
}

impl Stored for seasonal_median::Fitted {
    fn write(&self, writer: &mut Writer) {
        writer.varint(self.season as u64);
        write_numbers(writer, &self.recent);
        [self.squares, self.errors]
            .iter()
            .for_each(|number| writer.f64(*number));
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let season = read_count(reader)?;
        if season == 0 {
            return Err(reader.corrupt("They have a season without steps.".into()));
        }
        Ok(Self {
            recent: read_numbers(reader, season)?,
            season,
            squares: reader.f64()?,
            errors: reader.f64()?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        (0..history.len())
            .map(|t| median_before(history, t, self.season))
            .collect()
    }

    fn family(&self) -> &'static str {
        "seasonal_median"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let levels = (1..=self.season).map(|step| self.value(step));
        vec![("season", levels.collect())]
    }
}
