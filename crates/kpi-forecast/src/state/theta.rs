//! The states of the theta models.

use super::codec::{Stored, named, read_choice, read_numbers, write_choice, write_numbers};
use crate::Error;
use crate::decomposition::{Indices, Kind};
use crate::model::Observe;
use crate::theta::recursion::Fitted;
use crate::theta::{Line, Seasoned};
use kpi_stats::frame::{Reader, Writer};

const KINDS: [Kind; 2] = [Kind::Additive, Kind::Multiplicative];

impl Observe for Seasoned {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let states = &mut self.fitted;
        let position = states.line.count as usize;
        let adjusted = self
            .indices
            .as_ref()
            .map_or(value, |indices| indices.remove(position, value));
        states.level += states.alpha * (adjusted - states.level);
        if self.dynamic {
            states.line.add(adjusted);
        } else {
            states.line.count += 1.0;
        }
        Ok(())
    }
}

impl Stored for Seasoned {
    fn write(&self, writer: &mut Writer) {
        let indices = self.indices.as_ref();
        write_choice(
            writer,
            &KINDS,
            &indices.map_or(Kind::Additive, |indices| indices.kind),
        );
        write_numbers(writer, indices.map_or(&[], |indices| &indices.index));
        writer.u8(u8::from(self.dynamic));
        let Fitted {
            alpha,
            line_weight,
            level,
            line,
            squares,
            ..
        } = self.fitted;
        let Line {
            count,
            mean,
            intercept,
            slope,
        } = line;
        for number in [
            alpha,
            line_weight,
            level,
            count,
            mean,
            intercept,
            slope,
            squares,
            self.sigma,
        ] {
            writer.f64(number);
        }
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let kind = read_choice(reader, &KINDS)?;
        let index = read_numbers(reader, 0)?;
        let dynamic = read_choice(reader, &[false, true])?;
        let (alpha, line_weight, level) = (reader.f64()?, reader.f64()?, reader.f64()?);
        let line = Line {
            count: reader.f64()?,
            mean: reader.f64()?,
            intercept: reader.f64()?,
            slope: reader.f64()?,
        };
        if !(0.0..1e15).contains(&line.count) {
            return Err(reader.corrupt("They have no count of values.".into()));
        }
        Ok(Self {
            indices: (!index.is_empty()).then_some(Indices { kind, index }),
            dynamic,
            fitted: Fitted {
                alpha,
                line_weight,
                first: f64::NAN,
                level,
                line,
                squares: reader.f64()?,
            },
            sigma: reader.f64()?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let whole = self.fitted.line;
        let mut running = self.clone();
        running.fitted.level = self.fitted.first;
        running.fitted.line = Line::default();
        let (mut decay, keep) = (1.0, 1.0 - self.fitted.alpha);
        history
            .iter()
            .enumerate()
            .map(|(t, value)| {
                let states = &running.fitted;
                let line = if self.dynamic { states.line } else { whole };
                let mean = states.level
                    + states.line_weight
                        * (line.intercept * decay + line.slope * (1.0 - decay * keep) / states.alpha);
                decay *= keep;
                // Taking a value in cannot fail.
                let _ = running.observe(*value);
                self.indices
                    .as_ref()
                    .map_or(mean, |indices| indices.apply(t, mean))
            })
            .collect()
    }

    fn family(&self) -> &'static str {
        "theta"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let theta = 1.0 / (1.0 - self.fitted.line_weight).max(1e-9);
        let mut parameters = named([("alpha", self.fitted.alpha), ("theta", theta)]);
        if !self.dynamic {
            let line = self.fitted.line;
            parameters.extend(named([("intercept", line.intercept), ("slope", line.slope)]));
        }
        parameters
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let mut parts = vec![("level", vec![self.fitted.level])];
        if self.dynamic {
            parts.push(("slope", vec![self.fitted.line.slope]));
        }
        if let Some(indices) = &self.indices {
            let mut season = indices.index.clone();
            let place = self.fitted.line.count as usize % season.len().max(1);
            season.rotate_left(place);
            parts.push(("season", season));
        }
        parts
    }
}
