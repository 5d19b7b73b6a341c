//! Effects of what is known of the steps to come.

use super::codec::{read_numbers, write_numbers};
use crate::Error;
use kpi_stats::frame::{Reader, Writer};

/// One effect for each step to come, as far as regressors are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    values: Vec<f64>,
    /// Of them, those of steps that are over.
    taken: usize,
    /// Of all steps after them; not a number where nothing is known of these.
    after: f64,
}

impl Planned {
    /// No effect at any step.
    pub(crate) fn none() -> Self {
        Self::new([], 0.0)
    }

    /// The effects up to the first that is not finite, and those of the steps after the last one.
    pub(crate) fn new(values: impl IntoIterator<Item = f64>, after: f64) -> Self {
        let mut values: Vec<f64> = values.into_iter().take_while(|x| x.is_finite()).collect();
        while values.last() == Some(&after) {
            values.pop();
        }
        Self {
            values,
            taken: 0,
            after,
        }
    }

    /// The effect so many steps after the next one; not a number where it is not known.
    pub(crate) fn at(&self, ahead: usize) -> f64 {
        let place = self.taken.saturating_add(ahead);
        self.values.get(place).copied().unwrap_or(self.after)
    }

    /// Steps whose effect is known; `None` when all are.
    pub(crate) fn known(&self) -> Option<usize> {
        let left = self.values.len().saturating_sub(self.taken);
        (!self.after.is_finite()).then_some(left)
    }

    /// The effect of the next step, which is over then.
    ///
    /// # Errors
    /// [`Error::RegressorsEnd`] when it is not known.
    pub(crate) fn take(&mut self) -> Result<f64, Error> {
        let effect = self.at(0);
        if !effect.is_finite() {
            return Err(Error::RegressorsEnd { known: 0 });
        }
        if self.taken < self.values.len() {
            self.taken += 1;
        }
        Ok(effect)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        write_numbers(writer, self.values.get(self.taken..).unwrap_or_default());
        writer.f64(self.after);
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            values: read_numbers(reader, 0)?,
            taken: 0,
            after: reader.f64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_ends_where_a_value_is_missing() {
        let mut planned = Planned::new([1.0, 2.0, f64::NAN, 4.0], f64::NAN);
        assert_eq!((planned.known(), planned.at(1)), (Some(2), 2.0));
        assert_eq!(planned.take(), Ok(1.0));
        assert_eq!((planned.known(), planned.at(0)), (Some(1), 2.0));
        assert!(planned.at(1).is_nan());
        assert_eq!(planned.take(), Ok(2.0));
        assert_eq!(planned.take(), Err(Error::RegressorsEnd { known: 0 }));
    }

    #[test]
    fn days_that_are_like_others_have_no_end() {
        let mut planned = Planned::new([0.0, 5.0, 0.0, 0.0], 0.0);
        assert_eq!((planned.known(), planned.values.len()), (None, 2));
        assert_eq!([(); 4].map(|()| planned.take().unwrap()), [0.0, 5.0, 0.0, 0.0]);
    }
}
