//! Making forecasts add up that are there already.

use super::{Covariance, Hierarchy, HierarchyError, Method, Projection, top_down};
use crate::Error;

/// Reconciles one forecast for each node that was given, `None` for a sum without; returns one for each node of the hierarchy.
///
/// `standard_errors` are those of the base forecasts, up to a factor, for [`Method::WlsVar`].
///
/// # Errors
/// A [`HierarchyError`]; [`Error::Canceled`] when `poll` says to stop.
///
/// ```
/// use kpi_forecast::reconcile::{Hierarchy, Method, reconcile_values};
/// let tree = Hierarchy::from_paths(&["all".into(), "all/a".into(), "all/b".into()]).unwrap();
/// let base = [Some(14.0), Some(4.0), Some(6.0)];
/// let values = reconcile_values(&tree, &base, None, Method::WlsStruct, &mut || false).unwrap();
/// assert_eq!(values, [12.0, 5.0, 7.0]); // the total has two leaves, and gives way by two of four parts
/// ```
pub fn reconcile_values(
    hierarchy: &Hierarchy,
    base: &[Option<f64>],
    standard_errors: Option<&[f64]>,
    method: Method,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let names = hierarchy.names();
    let mut base = base.to_vec();
    base.resize(names.len(), None);
    for leaf in hierarchy.leaves() {
        if base[*leaf].is_none() {
            return Err(HierarchyError::NoSeries {
                name: names[*leaf].clone(),
                what: "forecast",
            }
            .into());
        }
    }
    let has_base: Vec<bool> = base.iter().map(Option::is_some).collect();
    let mut values = Vec::with_capacity(base.len());
    for (name, value) in names.iter().zip(&base) {
        let value = value.unwrap_or(0.0);
        values.push(in_range(name, "forecast", value, value.is_finite())?);
    }
    let leaves: Vec<f64> = hierarchy.leaves().iter().map(|leaf| values[*leaf]).collect();
    let variances = match method {
        Method::BottomUp => return finite(hierarchy.sums(&leaves), &values),
        Method::TopDown => {
            let root = hierarchy.root().ok_or(HierarchyError::Crossed)?;
            if !has_base[root] {
                let name = names[root].clone();
                return Err(HierarchyError::NoRoot { name }.into());
            }
            // A sum without a forecast takes the share that its leaves have.
            let sums = hierarchy.sums(&leaves);
            for (node, value) in values.iter_mut().enumerate() {
                if !has_base[node] {
                    *value = sums[node];
                }
            }
            return finite(top_down(hierarchy, &values).unwrap_or_default(), &values);
        }
        Method::Ols => vec![1.0; names.len()],
        Method::WlsStruct => (0..names.len())
            .map(|node| hierarchy.parts(node).len() as f64)
            .collect(),
        Method::WlsVar => squared(hierarchy, standard_errors)?,
        Method::MintShrink => {
            return Err(HierarchyError::Needs {
                method,
                needs: "the history of each node",
                hint: "reconcile series, e.g. kpi.reconcile(array_agg(node), array_agg(s), 12), or use 'wls_struct'",
            }
            .into());
        }
    };
    let weight = Covariance::diagonal(&variances);
    let projection = Projection::new(hierarchy, &weight, &has_base, poll)?;
    finite(hierarchy.sums(&projection.leaves(&values)), &values)
}

fn squared(hierarchy: &Hierarchy, standard_errors: Option<&[f64]>) -> Result<Vec<f64>, Error> {
    let Some(given) = standard_errors else {
        return Err(HierarchyError::Needs {
            method: Method::WlsVar,
            needs: "standard errors",
            hint: "give them, e.g. standard_errors => array_agg(upper - lower): only the ratios count",
        }
        .into());
    };
    let mut variances = vec![1.0; hierarchy.names().len()];
    for ((name, error), variance) in hierarchy.names().iter().zip(given).zip(&mut variances) {
        *variance = in_range(
            name,
            "standard error",
            error * error,
            *error > 0.0 && (error * error).is_normal(),
        )?;
    }
    Ok(variances)
}

fn in_range(name: &str, what: &'static str, value: f64, is_good: bool) -> Result<f64, HierarchyError> {
    if is_good {
        return Ok(value);
    }
    Err(HierarchyError::OutOfRange {
        name: name.to_owned(),
        what,
        value,
    })
}

/// Refuses what has left the range of a double.
fn finite(values: Vec<f64>, base: &[f64]) -> Result<Vec<f64>, Error> {
    if values.iter().all(|v| v.is_finite()) {
        return Ok(values);
    }
    Err(Error::Overflow {
        largest: base.iter().fold(0.0, |largest, v| v.abs().max(largest)),
    })
}
