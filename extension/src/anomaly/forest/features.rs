//! Rows of features as they come: `float8[]`, in which NULL is a missing feature.

use pgrx::prelude::*;

use crate::aggregates::call::Call;

/// The elements of argument `i`, declared `float8[]`; NaN for those that are NULL. `None` where the array is NULL.
pub(super) fn features(call: &Call, i: usize) -> Option<Vec<f64>> {
    let datum = call.argument(i)?;
    // SAFETY: the argument is declared float8[] and is not NULL.
    let array = unsafe { Array::<f64>::from_datum(datum, false) }?;
    Some(match array.as_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => array.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
    })
}
