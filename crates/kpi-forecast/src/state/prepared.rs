//! A history as models want it.

use crate::forecast::MAX_HISTORY;
use crate::{Error, gaps, season};

/// The values from the first to the last one.
pub(super) struct Prepared {
    /// Gaps filled.
    pub(super) filled: Vec<f64>,
    /// Values that are there. A gap that was filled is no value: a model's needs are counted in values.
    pub(super) values: usize,
    /// Steps in the season, 1 for none.
    pub(super) season: usize,
    /// Steps after the last value.
    pub(super) overdue: usize,
}

/// Cuts the gaps off at both ends, finds the season unless it was `asked` for, and fills the other gaps, as
/// [`fan`](crate::fan()) does.
pub(super) fn prepare(
    history: &[f64],
    asked: Option<i64>,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Prepared, Error> {
    let points = history.len();
    let finite = |v: &f64| v.is_finite();
    let first = history.iter().position(finite).ok_or(Error::Empty { points })?;
    let last = history.iter().rposition(finite).ok_or(Error::Empty { points })?;
    let known = &history[first.max((last + 1).saturating_sub(MAX_HISTORY))..=last];
    let season = match asked {
        Some(season) => usize::try_from(season)
            .ok()
            .filter(|m| *m == 1 || (*m >= 1 && *m <= known.len() / 2))
            .ok_or(Error::Season {
                season,
                length: known.len(),
            })?,
        None => season::detect(known, expected_seasons, poll),
    };
    Ok(Prepared {
        filled: gaps::fill(known, season),
        values: known.iter().filter(|v| v.is_finite()).count(),
        season,
        overdue: points - 1 - last,
    })
}
