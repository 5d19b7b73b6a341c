//! Percentiles of a histogram that something else has counted: `histogram_percentile` and `histogram_sketch`.

use kpi_stats::ExplicitHistogram;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, value};
use crate::error::Error;

/// The histogram that bounds and counts, least and largest value from argument `i` on describe; `None` where bounds or
/// counts are NULL.
fn histogram(call: &Call, i: usize) -> Result<Option<ExplicitHistogram>, Error> {
    let (Some(bounds), Some(counts)) = (
        argument::array::<f64>(call, i, "the bounds of a histogram")?,
        argument::array::<i64>(call, i + 1, "the counts of a histogram")?,
    ) else {
        return Ok(None);
    };
    let (min, max) = (call.float8(i + 2), call.float8(i + 3));
    Ok(Some(ExplicitHistogram::new(&bounds, &counts, min, max)?))
}

/// `histogram_percentile(p, bounds, counts, min, max)`.
fn percentile(call: &Call) -> Returned {
    let (Some(p), Some(histogram)) = (call.float8(0), histogram(call, 1)?) else {
        return Ok(None);
    };
    Ok(histogram.percentile(p)?.map(float8))
}

/// `histogram_sketch(bounds, counts, min, max)`.
fn sketch(call: &Call) -> Returned {
    match histogram(call, 0)? {
        Some(histogram) => value::returned(&histogram.to_sketch()),
        None => Ok(None),
    }
}

sql_functions! {
    kpi_histogram_percentile, pg_finfo_kpi_histogram_percentile: percentile;
    kpi_histogram_sketch, pg_finfo_kpi_histogram_sketch: sketch;
}
