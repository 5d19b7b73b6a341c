//! How wide a band is, in standard errors, as the backtest of the fit has it.

use super::codec::{read_count, read_numbers, write_numbers};
use crate::backtest::Outcome;
use crate::band::{normal_width, observed_width, of_slope, overconfidence, ratios, student_width};
use kpi_stats::Error;
use kpi_stats::frame::{Reader, Writer};

/// So many outcomes are kept one by one; of more, what holds each percent of them.
const KEPT: usize = 100;

/// The outcomes of the backtest, each in its standard errors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    factor: f64,
    /// Values that the standard errors are estimated from, 0 where they are taken as known.
    values: usize,
    count: usize,
    /// In ascending order: all, or those of rank 1%, 2%, ... 100%.
    ratios: Vec<f64>,
}

impl Band {
    /// `chosen_by` are the values by which the model was chosen, whose standard errors are then to be corrected; nothing of a
    /// model that was asked for.
    pub(super) fn of(outcomes: &[Outcome], chosen_by: Option<usize>) -> Self {
        let all = ratios(outcomes);
        let count = all.len();
        let ratios = if count <= KEPT {
            all
        } else {
            let ranks = (1..=KEPT).map(|percent| rank(count, percent as f64 / KEPT as f64));
            ranks.filter_map(|rank| all.get(rank - 1).copied()).collect()
        };
        Self {
            factor: chosen_by.map_or(1.0, |_| overconfidence(outcomes)),
            values: chosen_by.unwrap_or(0),
            count,
            ratios,
        }
    }

    /// Standard errors to each side. Between two percents that of the higher one.
    pub(super) fn width(&self, level: f64) -> f64 {
        let known = if self.count <= KEPT {
            observed_width(&self.ratios, level)
        } else {
            // 0.29 * 100 is a little more than 29.
            let percent = (level * KEPT as f64 - 1e-9).ceil() as usize;
            let place = percent.clamp(1, KEPT) - 1;
            self.ratios.get(place).copied().unwrap_or(0.0)
        };
        match self.values {
            0 => normal_width(level).max(known),
            values => student_width(level, values) * self.factor,
        }
    }

    /// By what factor it is wider so many steps on without a season, see [`of_slope`].
    pub(super) fn of_slope(&self, ahead: i32) -> f64 {
        of_slope(ahead, (self.values > 0).then_some(self.values))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.f64(self.factor);
        writer.varint(self.values as u64);
        writer.varint(self.count as u64);
        write_numbers(writer, &self.ratios);
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, Error> {
        Ok(Self {
            factor: reader.f64()?,
            values: read_count(reader)?,
            count: read_count(reader)?,
            ratios: read_numbers(reader, 0)?,
        })
    }
}

/// The rank, from 1, of the ratio that holds the share `level` of so many.
fn rank(count: usize, level: f64) -> usize {
    let rank = ((count + 1) as f64 * level).ceil() as usize;
    rank.clamp(1, count)
}
