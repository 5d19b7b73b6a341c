//! The gain of the Kalman filter, which depends on the process and on how many values there were, not on these.

use super::likelihood::Process;
use super::polynomial::weights;

/// By how much an innovation moves the state, by the recursions of Morf, Sidhu & Kailath (1974, *IEEE Transactions on Automatic
/// Control* 19:315-323), as in [`Process::filter`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gain {
    /// Times the variance factor.
    pub(crate) gain: Vec<f64>,
    /// The variance of an innovation over that of an error.
    pub(crate) factor: f64,
    /// What the next gain differs by, and its factor; nothing once the gain has settled.
    pub(crate) change: Vec<f64>,
    pub(crate) sign: f64,
}

impl Gain {
    /// For the first value. `None` when the process is not stationary.
    pub(crate) fn new(process: &Process) -> Option<Self> {
        let size = process.ar.len().max(process.ma.len() + 1);
        let gamma = process.autocovariances()?;
        let psi = weights(&process.ar, &process.ma, process.ma.len() + 1);
        let gain: Vec<f64> = (0..size)
            .map(|i| {
                let past: f64 = process.ar.iter().skip(i).zip(&gamma).map(|(a, g)| a * g).sum();
                let errors: f64 = process.ma.iter().skip(i).zip(&psi).map(|(m, p)| m * p).sum();
                past + errors
            })
            .collect();
        let factor = gamma.first().copied()?;
        Some(Self {
            change: gain.clone(),
            sign: -1.0 / factor,
            gain,
            factor,
        })
    }

    /// For the value after `count` others.
    pub(crate) fn after(process: &Process, count: usize) -> Option<Self> {
        let mut gain = Self::new(process)?;
        for _ in 0..count {
            if gain.change.is_empty() {
                break;
            }
            gain.step(process);
        }
        Some(gain)
    }

    /// Carries the state on by an innovation, and itself to the next value.
    pub(crate) fn update(&mut self, process: &Process, state: &mut [f64], innovation: f64) {
        let first = state.first().copied().unwrap_or(0.0);
        let share = innovation / self.factor;
        state.rotate_left(1);
        if let Some(last) = state.last_mut() {
            *last = 0.0;
        }
        for (i, (s, gain)) in state.iter_mut().zip(&self.gain).enumerate() {
            *s += process.ar.get(i).copied().unwrap_or(0.0) * first + gain * share;
        }
        self.step(process);
    }

    fn step(&mut self, process: &Process) {
        let Some(z) = self.change.first().copied() else {
            return;
        };
        let next_factor = self.factor + z * z * self.sign;
        let ratio = z / self.factor;
        let mut largest = 0.0_f64;
        for (i, gain) in self.gain.iter_mut().enumerate() {
            let ar = process.ar.get(i).copied().unwrap_or(0.0);
            let moved = ar * z + self.change.get(i + 1).copied().unwrap_or(0.0);
            let by = moved * self.sign * z;
            if let Some(change) = self.change.get_mut(i) {
                *change = moved - *gain * ratio;
                largest = largest.max(change.abs());
            }
            *gain += by;
        }
        self.sign *= self.factor / next_factor;
        self.factor = next_factor;
        if largest * largest * self.sign.abs() < 1e-14 {
            self.change.clear();
        }
    }
}
