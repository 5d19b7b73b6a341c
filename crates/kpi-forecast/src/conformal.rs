//! Bands from the errors themselves, whatever their distribution.

use crate::Error;

/// Past origins from which errors are gathered, more where a level asks for more.
const ORIGINS: usize = 40;

/// Errors that a band of `level` takes at least: with fewer even the largest error is no bound of this level.
///
/// ```
/// assert_eq!(kpi_forecast::conformal::needed(0.95), 19);
/// ```
pub fn needed(level: f64) -> usize {
    (1..).find(|k| rank(*k, level) <= *k).unwrap_or(usize::MAX)
}

/// Which of `count` errors in ascending order is the reach of a band: the `ceil((count + 1) level)`th.
fn rank(count: usize, level: f64) -> usize {
    // Levels are decimals, of which the nearest double can lie above: 0.9 of 10 is the ninth.
    const ROUNDING: f64 = 1e-9;
    ((count + 1) as f64 * level - ROUNDING).ceil().max(1.0) as usize
}

/// How far a band of `level` reaches to each side: if the `errors` and the one to come are exchangeable, the latter is within with a
/// probability of at least `level`, and with ties aside of at most `level + 1 / (errors + 1)` (split conformal prediction, Lei, G'Sell,
/// Rinaldo, Tibshirani & Wasserman 2018, *Journal of the American Statistical Association* 113:1094-1111). `errors` are absolute, in
/// ascending order.
///
/// # Errors
/// [`Error::FewErrors`] below [`needed`] errors.
///
/// ```
/// use kpi_forecast::conformal::reach;
/// let errors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
/// assert_eq!(reach(&errors, 0.8), Ok(8.0));
/// assert_eq!(reach(&errors, 0.9), Ok(9.0));
/// assert!(reach(&errors, 0.95).is_err());
/// ```
pub fn reach(errors: &[f64], level: f64) -> Result<f64, Error> {
    rank(errors.len(), level)
        .checked_sub(1)
        .and_then(|place| errors.get(place))
        .copied()
        .ok_or(Error::FewErrors {
            level,
            errors: errors.len(),
        })
}

/// Origins of which each sees `ahead` steps that came, and has at least `least` values behind it: the newest ones, so far apart that
/// their forecasts overlap no more than they must.
pub(crate) fn origins(n: usize, least: usize, ahead: usize, level: f64) -> Vec<usize> {
    let Some(last) = n.checked_sub(ahead).filter(|last| *last >= least) else {
        return Vec::new();
    };
    let room = last - least + 1;
    let count = ORIGINS.max(needed(level)).min(room);
    let stride = (room / count).clamp(1, ahead.max(1));
    (0..count).filter_map(|i| last.checked_sub(i * stride)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_errors_are_no_bound() {
        assert_eq!(
            (needed(0.5), needed(0.8), needed(0.9), needed(0.99)),
            (1, 4, 9, 99)
        );
        assert_eq!(
            reach(&[], 0.5),
            Err(Error::FewErrors {
                level: 0.5,
                errors: 0
            })
        );
    }

    #[test]
    fn origins_see_what_came_and_have_enough_behind_them() {
        assert_eq!(origins(10, 4, 3, 0.8), [7, 6, 5, 4]);
        assert!(origins(10, 8, 3, 0.8).is_empty() && origins(2, 1, 3, 0.8).is_empty());
        let far = origins(1000, 100, 5, 0.8);
        assert_eq!((far.len(), far[0], far[39]), (40, 995, 800));
        assert_eq!(origins(1000, 100, 1, 0.99).len(), 99);
    }
}
