//! The states of complex exponential smoothing.

use super::codec::{Stored, named, read_choice, write_choice};
use crate::Error;
use crate::ces::recursion::observe;
use crate::ces::{Estimate, Fitted, Row, Season, Weights};
use crate::model::Observe;
use kpi_stats::frame::{Reader, Writer};

const SEASONS: [Season; 4] = [Season::None, Season::Simple, Season::Partial, Season::Full];

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let Estimate {
            season,
            weights,
            last,
            ..
        } = &mut self.estimate;
        observe(*season, weights, last, value / self.scale);
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        let Estimate {
            season,
            weights,
            last,
            sigma,
            deviance,
            aicc,
            ..
        } = &self.estimate;
        write_choice(writer, &SEASONS, season);
        weights.iter().for_each(|weight| writer.f64(*weight));
        writer.varint(last.len() as u64);
        for row in last {
            let used = row.iter().take(season.components());
            used.for_each(|number| writer.f64(*number));
        }
        for number in [*sigma, *deviance, *aicc, self.scale] {
            writer.f64(number);
        }
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let season = read_choice(reader, &SEASONS)?;
        let mut weights = Weights::default();
        for weight in &mut weights {
            *weight = reader.f64()?;
        }
        let count = reader.items(8 * season.components(), usize::MAX)?;
        if count == 0 {
            return Err(reader.corrupt("They have no states.".into()));
        }
        let mut last = vec![Row::default(); count];
        for row in &mut last {
            for number in row.iter_mut().take(season.components()) {
                *number = reader.f64()?;
            }
        }
        let estimate = Estimate {
            season,
            weights,
            first: Vec::new(),
            last,
            sigma: reader.f64()?,
            deviance: reader.f64()?,
            aicc: reader.f64()?,
        };
        Ok(Self {
            estimate,
            scale: reader.f64()?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let Estimate {
            season,
            weights,
            first,
            ..
        } = &self.estimate;
        let mut rows = first.clone();
        let values = history.iter().map(|y| y / self.scale);
        values
            .map(|y| self.scale * observe(*season, weights, &mut rows, y))
            .collect()
    }

    fn family(&self) -> &'static str {
        "ces"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let [a0, a1, b0, b1] = self.estimate.weights;
        let all = named([("a0", a0), ("a1", a1), ("b0", b0), ("b1", b1)]);
        all.into_iter().take(self.estimate.season.weights()).collect()
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let Estimate { season, last, .. } = &self.estimate;
        let column = |i: usize| -> Vec<f64> {
            last.iter()
                .filter_map(|row| Some(row.get(i)? * self.scale))
                .collect()
        };
        let newest = |i: usize| column(i).last().copied().into_iter().collect();
        match season {
            Season::None => vec![("level", newest(0)), ("potential", newest(1))],
            Season::Simple => vec![("level", column(0)), ("potential", column(1))],
            Season::Partial | Season::Full => vec![
                ("level", newest(0)),
                ("potential", newest(1)),
                ("season", column(2)),
            ],
        }
    }
}
