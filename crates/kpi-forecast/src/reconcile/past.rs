//! How far the forecasts of one step would have been off.

use crate::model::unless_canceled;
use crate::{Error, Model, gaps};

/// Past forecasts at most, the newest ones: enough for a correlation, and few enough for a quick fit to each.
pub const PAST_ERRORS: usize = 60;

/// What came less what was forecast one step before, for the last [`PAST_ERRORS`] steps of `history`, each from a fit to what was
/// known then (rolling origin, Tashman 2000, *International Journal of Forecasting* 16:437-450); `NaN` where nothing came, and where
/// too little was known: two of the longest of the `seasons`, which are in ascending order, and a third of the series.
///
/// A model whose fit takes long is represented by `dynamic_optimized_theta`: of the errors only their size counts here, and how
/// those of different series go together.
///
/// ```
/// use kpi_forecast::{Model, reconcile::past_errors};
/// let errors = past_errors(&[1.0, 2.0, 4.0, 8.0, 9.0, f64::NAN], Model::Naive, &[1], &mut || false).unwrap();
/// assert_eq!(errors[4..5], [1.0]);
/// assert!(errors[0].is_nan() && errors[5].is_nan());
/// ```
pub fn past_errors(
    history: &[f64],
    model: Model,
    seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let n = history.len();
    let mut errors = vec![f64::NAN; n.min(PAST_ERRORS)];
    let begin = history.iter().position(|v| v.is_finite()).unwrap_or(n);
    let [shortest, longest] = [seasons.first(), seasons.last()].map(|season| season.copied().unwrap_or(1));
    let filled = gaps::fill(&history[begin..], shortest);
    let least = (2 * longest + 1).max(filled.len() / 3).max(3);
    let model = match model {
        Model::Auto => Model::DynamicOptimizedTheta,
        model if model.is_costly() => Model::DynamicOptimizedTheta,
        model => model,
    };
    let members = model.candidates_of(seasons);
    for (error, target) in errors.iter_mut().rev().zip((0..n).rev()) {
        unless_canceled(poll)?;
        let Some(origin) = target.checked_sub(begin).filter(|origin| *origin >= least) else {
            break;
        };
        if !history[target].is_finite() || members.iter().any(|member| member.needed() > origin) {
            continue;
        }
        let mut mean = 0.0;
        for member in &members {
            mean += member.fit(&filled[..origin], poll)?.value(1) / members.len() as f64;
        }
        *error = history[target] - mean;
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_end_with_the_history() {
        let history: Vec<f64> = (0..200).map(|t| f64::from(t * t % 13)).collect();
        let errors = past_errors(&history, Model::Naive, &[1], &mut || false).unwrap();
        assert_eq!(errors.len(), PAST_ERRORS);
        assert_eq!(errors[59], history[199] - history[198]);
        assert_eq!(errors[0], history[140] - history[139]);
    }

    #[test]
    fn what_is_too_short_has_none() {
        for history in [&[][..], &[1.0], &[f64::NAN; 8], &[1.0, 2.0, 3.0]] {
            let errors = past_errors(history, Model::Auto, &[1], &mut || false).unwrap();
            assert!(
                errors.len() == history.len() && errors.iter().all(|e| e.is_nan()),
                "{history:?}"
            );
        }
        let errors = past_errors(&[1.0; 40], Model::Ets, &[12], &mut || true);
        assert_eq!(errors, Err(Error::Canceled));
    }
}
