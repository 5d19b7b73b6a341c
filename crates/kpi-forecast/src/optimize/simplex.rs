//! Minimising without a gradient.

use super::Minimum;
use crate::Error;

/// Minimises `function` from `start` with first steps of the given sizes: the simplex of Nelder & Mead (1965, *The
/// Computer Journal* 7:308-313) with the coefficients 1, 2, 1/2 and 1/2. Stops when the values at the corners differ
/// by less than `tolerance` times `1 + |value|`, or after `evaluations`. Where the function has no value it may be
/// infinite; its error ends the search.
///
/// ```
/// use kpi_forecast::optimize::simplex::minimize;
/// let bowl = |x: &[f64]| Ok((x[0] - 1.0).powi(2) + 3.0 * x[1] * x[1]);
/// let found = minimize(&[3.0, -2.0], &[0.5, 0.5], 1e-12, 500, bowl).unwrap();
/// assert!((found.at[0] - 1.0).abs() < 1e-5 && found.at[1].abs() < 1e-5);
/// ```
pub fn minimize(
    start: &[f64],
    sizes: &[f64],
    tolerance: f64,
    evaluations: usize,
    mut function: impl FnMut(&[f64]) -> Result<f64, Error>,
) -> Result<Minimum, Error> {
    let n = start.len();
    let mut asked = 0;
    let mut ask = |x: &[f64]| -> Result<f64, Error> {
        asked += 1;
        let value = function(x)?;
        Ok(if value.is_nan() { f64::INFINITY } else { value })
    };
    let mut corners: Vec<(f64, Vec<f64>)> = vec![(ask(start)?, start.to_vec())];
    for (i, size) in sizes.iter().enumerate().take(n) {
        let mut corner = start.to_vec();
        corner[i] += size;
        corners.push((ask(&corner)?, corner));
    }
    let mut used = corners.len();
    let along = |centre: &[f64], worst: &[f64], t: f64| -> Vec<f64> {
        centre.iter().zip(worst).map(|(c, w)| c + t * (c - w)).collect()
    };
    loop {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (least, most) = (corners[0].0, corners[n].0);
        if n == 0
            || used >= evaluations
            || most - least <= tolerance * (1.0 + least.abs())
            || least.is_infinite()
        {
            break;
        }
        let mut centre = vec![0.0; n];
        for (_, corner) in &corners[..n] {
            for (c, x) in centre.iter_mut().zip(corner) {
                *c += x / n as f64;
            }
        }
        let worst = corners[n].1.clone();
        let reflected = along(&centre, &worst, 1.0);
        let there = ask(&reflected)?;
        used += 1;
        if there < corners[0].0 {
            let expanded = along(&centre, &worst, 2.0);
            let further = ask(&expanded)?;
            used += 1;
            corners[n] = if further < there {
                (further, expanded)
            } else {
                (there, reflected)
            };
        } else if there < corners[n - 1].0 {
            corners[n] = (there, reflected);
        } else {
            let t = if there < corners[n].0 { 0.5 } else { -0.5 };
            let contracted = along(&centre, &worst, t);
            let closer = ask(&contracted)?;
            used += 1;
            if closer < there.min(corners[n].0) {
                corners[n] = (closer, contracted);
            } else {
                let best = corners[0].1.clone();
                for (value, corner) in &mut corners[1..] {
                    for (x, b) in corner.iter_mut().zip(&best) {
                        *x = b + 0.5 * (*x - b);
                    }
                    *value = ask(corner)?;
                }
                used += n;
            }
        }
    }
    let (value, at) = corners.swap_remove(0);
    Ok(Minimum {
        at,
        value,
        evaluations: asked,
    })
}
