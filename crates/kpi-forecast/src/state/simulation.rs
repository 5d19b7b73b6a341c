//! Paths that what comes could take.

use super::{Family, State};
use crate::model::{Observe, Predict, unless_canceled};
use crate::random::Random;
use crate::{Error, MAX_HORIZON};

/// Points of all paths at most.
pub const MAX_POINTS: i64 = 1_000_000;
/// Draws of a step before a form is said to have no place for any.
const DRAWS: usize = 100;

/// Checks how much is asked for.
///
/// # Errors
/// [`Error::Horizon`] and [`Error::Paths`].
pub(super) fn check(horizon: i64, paths: i64) -> Result<(usize, usize), Error> {
    if !(1..=MAX_HORIZON).contains(&horizon) {
        return Err(Error::Horizon { horizon });
    }
    match paths.checked_mul(horizon) {
        Some(1..=MAX_POINTS) => Ok((horizon as usize, paths as usize)),
        _ => Err(Error::Paths { paths, horizon }),
    }
}

impl State {
    /// Draws `paths` courses of `horizon` steps, one after the other, from the seed's random numbers: each step is the forecast of the
    /// next value and a normal error of its standard error, and is then observed as if it had come, so that errors go on as they do in
    /// the model. What a form has no place for (a value below 0 in a multiplicative one) is drawn again.
    ///
    /// # Errors
    /// [`Error::NotObserved`] of a model that takes no values, and [`Error::Canceled`].
    ///
    /// ```
    /// use kpi_forecast::{Fit, Naive};
    /// let state = Naive.fit(&[3.0, 5.0, 4.0], &mut || false).unwrap().state().unwrap();
    /// let paths = state.simulate(2, 500, 1, &mut || false).unwrap();
    /// let second: f64 = paths.iter().map(|path| path[1]).sum::<f64>() / 500.0;
    /// assert!((second - 4.0).abs() < 0.4); // the mean of a random walk stays where it began
    /// ```
    pub fn simulate(
        &self,
        horizon: usize,
        paths: usize,
        seed: u64,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Vec<f64>>, Error> {
        if let Family::Prophet(curve) = &self.0 {
            return curve.courses(horizon, paths, seed, poll);
        }
        let mut random = Random::new(seed);
        (0..paths)
            .map(|_| {
                let mut state = self.clone();
                (0..horizon)
                    .map(|_| {
                        unless_canceled(poll)?;
                        state.draw(&mut random)
                    })
                    .collect()
            })
            .collect()
    }

    /// A value that could come next, observed.
    fn draw(&mut self, random: &mut Random) -> Result<f64, Error> {
        let (mean, error) = (self.value(1), self.standard_error(1).abs());
        let mut value = mean;
        for _ in 0..DRAWS {
            value = mean + error * random.normal();
            let before = self.clone();
            match self.observe(value) {
                Ok(()) => return Ok(value),
                Err(Error::Unsuited { .. }) => *self = before,
                Err(other) => return Err(other),
            }
        }
        Err(Error::Unsuited {
            value,
            form: self.form(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    fn state(model: &str) -> State {
        let history: Vec<f64> = (0..60)
            .map(|t| 50.0 + 0.3 * t as f64 + [0.0, 12.0, 5.0, -9.0][t % 4] + ((t * 7919) % 13) as f64)
            .collect();
        let model = model.parse::<Model>().unwrap().candidates(4).swap_remove(0);
        model.fit(&history, &mut || false).unwrap().state().unwrap()
    }

    /// The moments of many paths are those that the formulas of the linear models state.
    #[test]
    fn moments_are_those_of_the_formula() {
        for name in ["naive", "holt_winters", "arima", "theta", "ses", "tbats"] {
            let state = state(name);
            let paths = state.simulate(6, 2000, 5, &mut || false).unwrap();
            for (h, step) in state.path(6).iter().enumerate() {
                let mean = paths.iter().map(|path| path[h]).sum::<f64>() / 2000.0;
                let variance = paths.iter().map(|path| (path[h] - mean).powi(2)).sum::<f64>() / 1999.0;
                let error = step.standard_error;
                assert!(
                    (mean - step.value).abs() < 0.12 * error,
                    "{name} {h}: {mean} {step:?}"
                );
                assert!(
                    (variance.sqrt() / error - 1.0).abs() < 0.15,
                    "{name} {h}: {variance} {step:?}"
                );
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let state = state("ets");
        let draw = |seed| state.simulate(5, 3, seed, &mut || false).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!((draw(1).len(), draw(1)[2].len()), (3, 5));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert_eq!(check(0, 1), Err(Error::Horizon { horizon: 0 }));
        for paths in [0, -1, i64::MAX, 1_000_001] {
            assert_eq!(check(1, paths), Err(Error::Paths { paths, horizon: 1 }));
        }
        assert_eq!(check(10, 100_000), Ok((10, 100_000)));
        assert_eq!(
            state("naive").simulate(9, 9, 1, &mut || true),
            Err(Error::Canceled)
        );
    }
}
