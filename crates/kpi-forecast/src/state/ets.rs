//! The states of exponential smoothing.

use super::Likelihood;
use super::codec::{Stored, read_choice, read_count, read_numbers, write_choice, write_numbers};
use crate::ets::{Estimate, Fitted, Form, Part, State, Weights, recursion};
use crate::model::Observe;
use crate::{Error, Predict};
use kpi_stats::frame::{Reader, Writer};
use std::f64::consts::TAU;

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let unsuited = |form: Form| Error::Unsuited {
            value,
            form: form.to_string(),
        };
        let scaled = value / self.scale;
        let mut tape = Vec::new();
        for (_, estimate) in &mut self.weighted {
            let Estimate {
                form,
                weights,
                last,
                values,
                ..
            } = estimate;
            if form.needs_positive() && scaled <= 0.0 {
                return Err(unsuited(*form));
            }
            recursion::run(*form, *weights, &[scaled], *values, last, &mut tape)
                .ok_or_else(|| unsuited(*form))?;
            *values += 1;
        }
        Ok(())
    }

    /// Each form by its own forecast.
    fn skip(&mut self) -> Result<(), Error> {
        let scale = self.scale;
        for one in &mut self.weighted {
            let mut alone = Self {
                weighted: vec![(1.0, one.1.clone())],
                scale,
            };
            let next = alone.value(1);
            alone.observe(next)?;
            one.1 = alone.weighted.swap_remove(0).1;
        }
        Ok(())
    }
}

impl Fitted {
    /// Of the best form: that of normal errors with the variance at its likeliest.
    pub(super) fn likelihood(&self) -> Option<Likelihood> {
        let (_, best) = self.weighted.first()?;
        let n = best.values as f64;
        let deviance = best.deviance + n * (1.0 + TAU.ln() - n.ln()) + 2.0 * n * self.scale.ln();
        Some(Likelihood {
            logarithm: -deviance / 2.0,
            parameters: best.form.parameters(best.last.season.len()),
            values: best.values,
        })
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        writer.f64(self.scale);
        writer.varint(self.weighted.len() as u64);
        for (weight, estimate) in &self.weighted {
            writer.f64(*weight);
            write_choice(writer, &Form::all(), &estimate.form);
            let Weights {
                alpha,
                rho,
                gamma,
                phi,
            } = estimate.weights;
            let State { level, trend, season } = &estimate.last;
            for number in [alpha, rho, gamma, phi, *level, *trend] {
                writer.f64(number);
            }
            write_numbers(writer, season);
            writer.varint(estimate.values as u64);
            for number in [estimate.variance, estimate.deviance, estimate.aicc] {
                writer.f64(number);
            }
        }
    }

    fn read(reader: &mut Reader, _depth: usize) -> Result<Self, kpi_stats::Error> {
        let scale = reader.f64()?;
        let count = reader.items(60, 30)?;
        if count == 0 {
            return Err(reader.corrupt("They have no form.".into()));
        }
        let mut weighted = Vec::with_capacity(count);
        for _ in 0..count {
            let weight = reader.f64()?;
            let form = read_choice(reader, &Form::all())?;
            let weights = Weights {
                alpha: reader.f64()?,
                rho: reader.f64()?,
                gamma: reader.f64()?,
                phi: reader.f64()?,
            };
            let last = State {
                level: reader.f64()?,
                trend: reader.f64()?,
                season: read_numbers(reader, usize::from(form.season != Part::None))?,
            };
            weighted.push((
                weight,
                Estimate {
                    form,
                    weights,
                    first: State {
                        level: f64::NAN,
                        trend: f64::NAN,
                        season: Vec::new(),
                    },
                    last,
                    values: read_count(reader)?,
                    variance: reader.f64()?,
                    deviance: reader.f64()?,
                    aicc: reader.f64()?,
                },
            ));
        }
        Ok(Self { weighted, scale })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let values: Vec<f64> = history.iter().map(|y| y / self.scale).collect();
        let mut fitted = vec![0.0; history.len()];
        let mut tape = Vec::new();
        for (weight, estimate) in &self.weighted {
            let mut state = estimate.first.clone();
            if state.season.len() != estimate.last.season.len() || state.level.is_nan() {
                return vec![f64::NAN; history.len()];
            }
            recursion::run(estimate.form, estimate.weights, &values, 0, &mut state, &mut tape);
            for (sum, step) in fitted.iter_mut().zip(&tape) {
                *sum += weight * step.mean() * self.scale;
            }
        }
        fitted
    }

    fn family(&self) -> &'static str {
        "ets"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let mut named = Vec::new();
        for (_, estimate) in &self.weighted {
            let Weights {
                alpha,
                rho,
                gamma,
                phi,
            } = estimate.weights;
            let mut put = |name: &str, number: f64, is_there: bool| {
                let name = match self.weighted.len() {
                    1 => name.to_owned(),
                    _ => format!("{} {name}", estimate.form),
                };
                named.extend(is_there.then_some((name, number)));
            };
            put("alpha", alpha, true);
            put("beta", alpha * rho, estimate.form.trend != Part::None);
            put("gamma", gamma, estimate.form.season != Part::None);
            put("phi", phi, estimate.form.damped);
        }
        if self.weighted.len() > 1 {
            let weights = self.weighted.iter();
            named.extend(weights.map(|(weight, one)| (format!("{} weight", one.form), *weight)));
        }
        named
    }

    /// Of the best form.
    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let Some((_, best)) = self.weighted.first() else {
            return Vec::new();
        };
        let mut parts = vec![("level", vec![best.last.level * self.scale])];
        match best.form.trend {
            Part::None => {}
            Part::Additive => parts.push(("trend", vec![best.last.trend * self.scale])),
            Part::Multiplicative => parts.push(("trend", vec![best.last.trend])),
        }
        let m = best.last.season.len();
        if m > 0 {
            // The place of the next value first.
            let size = if best.form.season == Part::Additive {
                self.scale
            } else {
                1.0
            };
            let mut season: Vec<f64> = best.last.season.iter().map(|s| s * size).collect();
            season.rotate_left(best.values % m);
            parts.push(("season", season));
        }
        parts
    }
}
