//! The states of seasonal autoregressive integrated moving averages.

use super::Likelihood;
use super::codec::{Stored, read_choice, read_count, read_numbers, write_numbers};
use crate::arima::likelihood::Filtered;
use crate::arima::polynomial::terms;
use crate::arima::{Estimate, Fitted, Gain, Order, process};
use crate::model::Observe;
use crate::{Error, Predict};
use kpi_stats::frame::{Reader, Writer};

/// Differences, and coefficients of one part, at most.
const MOST: usize = 20;

impl Fitted {
    fn constant(&self) -> f64 {
        let coefficients = &self.estimate.filtered.coefficients;
        let constant = coefficients.first().filter(|_| self.estimate.order.constant);
        constant.copied().unwrap_or(0.0)
    }

    /// What is expected of the next value, in units of the scale. `undoing` are the lags of the differences.
    fn next(&self, undoing: &[(usize, f64)]) -> f64 {
        let undone: f64 = undoing
            .iter()
            .filter_map(|(lag, c)| Some(c * self.tail.get(self.tail.len().checked_sub(*lag)?)?))
            .sum();
        let expected = self.estimate.filtered.state.first().copied();
        undone + self.constant() + expected.unwrap_or(0.0)
    }

    /// Takes a value in, in units of the scale; nothing where there is no gain.
    fn take(&mut self, scaled: f64, expected: f64) -> Option<()> {
        let Estimate {
            process, filtered, ..
        } = &mut self.estimate;
        let gain = self.gain.as_mut()?;
        gain.update(process, &mut filtered.state, scaled - expected);
        self.tail.rotate_left(1);
        if let Some(last) = self.tail.last_mut() {
            *last = scaled;
        }
        self.count += 1;
        Some(())
    }

    pub(super) fn likelihood(&self) -> Option<Likelihood> {
        let order = self.estimate.order;
        let scale = 2.0 * self.count as f64 * self.scale.ln();
        Some(Likelihood {
            logarithm: -(self.estimate.deviance + scale) / 2.0,
            parameters: order.coefficients() + usize::from(order.constant) + 1,
            values: self.count,
        })
    }
}

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let expected = self.next(&terms(&self.differencing()));
        let model = self.form();
        self.take(value / self.scale, expected)
            .ok_or(Error::NotObserved { model })
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        let Estimate {
            order,
            filtered,
            parts,
            variance,
            deviance,
            aicc,
            ..
        } = &self.estimate;
        for number in [order.d, order.seasonal_d, order.season] {
            writer.varint(number as u64);
        }
        writer.u8(u8::from(order.constant));
        parts.iter().for_each(|part| write_numbers(writer, part));
        write_numbers(writer, &filtered.coefficients);
        write_numbers(writer, &filtered.state);
        for number in [
            filtered.squares,
            filtered.logs,
            *variance,
            *deviance,
            *aicc,
            self.scale,
        ] {
            writer.f64(number);
        }
        write_numbers(writer, &self.tail);
        writer.varint(self.count as u64);
        let none = Gain {
            gain: Vec::new(),
            factor: 1.0,
            change: Vec::new(),
            sign: 0.0,
        };
        let gain = self.gain.as_ref().unwrap_or(&none);
        write_numbers(writer, &gain.gain);
        write_numbers(writer, &gain.change);
        writer.f64(gain.factor);
        writer.f64(gain.sign);
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let (d, seasonal_d, season) = (read_count(reader)?, read_count(reader)?, read_count(reader)?);
        let constant = read_choice(reader, &[false, true])?;
        let mut parts = [const { Vec::new() }; 4];
        for part in &mut parts {
            *part = read_numbers(reader, 0)?;
        }
        let [p, q, seasonal_p, seasonal_q] = [0, 1, 2, 3].map(|i: usize| parts[i].len());
        let order = Order {
            p,
            d,
            q,
            seasonal_p,
            seasonal_d,
            seasonal_q,
            season,
            constant,
        };
        let coefficients = read_numbers(reader, usize::from(constant))?;
        let state = read_numbers(reader, 1)?;
        let least = |part: usize, seasonal: usize| part.saturating_add(seasonal.saturating_mul(season));
        // The state is as long as the process, and the tail as the differences: what is not there is not made.
        if [p, q, seasonal_p, seasonal_q, d, seasonal_d]
            .iter()
            .any(|count| *count > MOST)
            || season == 0
            || state.len() != least(p, seasonal_p).max(least(q, seasonal_q).saturating_add(1))
        {
            return Err(reader.corrupt("Their states are not those of their order.".into()));
        }
        let filtered = Filtered {
            squares: reader.f64()?,
            logs: reader.f64()?,
            coefficients,
            state,
        };
        let estimate = Estimate {
            order,
            process: process(order, &parts),
            filtered,
            parts,
            free: Vec::new(),
            variance: reader.f64()?,
            deviance: reader.f64()?,
            aicc: reader.f64()?,
        };
        let scale = reader.f64()?;
        let tail = read_numbers(reader, 1)?;
        if tail.len() != least(d, seasonal_d).max(1) {
            return Err(reader.corrupt("Their last values are not those of their differences.".into()));
        }
        let count = read_count(reader)?;
        let gain = Gain {
            gain: read_numbers(reader, 0)?,
            change: read_numbers(reader, 0)?,
            factor: reader.f64()?,
            sign: reader.f64()?,
        };
        let size = estimate.filtered.state.len();
        if gain.gain.len().max(gain.change.len()) > size {
            return Err(reader.corrupt("Their gain is longer than their states.".into()));
        }
        Ok(Self {
            estimate,
            tail,
            scale,
            count,
            gain: (gain.gain.len() == size).then_some(gain),
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let order = self.estimate.order;
        let kept = order.d + order.season * order.seasonal_d;
        // It may have been fitted to the newest values only.
        let Some(start) = history
            .len()
            .checked_sub(self.count)
            .filter(|start| *start >= kept)
        else {
            return vec![f64::NAN; history.len()];
        };
        let mut running = self.clone();
        running.gain = Gain::new(&self.estimate.process);
        running.estimate.filtered.state.fill(0.0);
        running.tail = match history.get(start - kept..start) {
            Some(before) if kept > 0 => before.iter().map(|y| y / self.scale).collect(),
            _ => vec![0.0],
        };
        let undoing = terms(&self.differencing());
        let mut fitted = vec![f64::NAN; start];
        for value in history.iter().skip(start) {
            let expected = running.next(&undoing);
            fitted.push(self.scale * expected);
            if running.take(value / self.scale, expected).is_none() {
                return vec![f64::NAN; history.len()];
            }
        }
        fitted
    }

    fn family(&self) -> &'static str {
        "arima"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let names = ["ar", "ma", "sar", "sma"];
        let parts = names.iter().zip(&self.estimate.parts);
        let mut all: Vec<(String, f64)> = parts
            .flat_map(|(name, part)| (1..).zip(part).map(move |(i, c)| (format!("{name}{i}"), *c)))
            .collect();
        if self.estimate.order.constant {
            let differenced = self.estimate.order.d + self.estimate.order.seasonal_d > 0;
            let name = if differenced { "drift" } else { "mean" };
            all.push((name.to_owned(), self.constant() * self.scale));
        }
        all
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let scaled = |numbers: &[f64]| numbers.iter().map(|number| number * self.scale).collect();
        let mut parts = vec![("state", scaled(&self.estimate.filtered.state))];
        if !self.differencing().is_empty() {
            parts.push(("last", scaled(&self.tail)));
        }
        parts
    }
}
