//! `trend_agg`: the test of Mann and Kendall, and the slope of Theil and Sen.

use kpi_stats::Trend;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, row, transition, value};

/// `trend_agg(ts, x)` skips rows in which either is NULL.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(x)) = (argument::time(call, 1)?, call.float8(2)) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(Trend::default()),
        |trend| {
            trend.add(time, x);
            Ok(())
        },
    )
}

/// `mann_kendall(trend)`.
fn mann_kendall(call: &Call) -> Returned {
    let test = value::state::<Trend>(call, 0)?.and_then(|trend| trend.mann_kendall());
    match test {
        Some(test) => row::one(
            call,
            [test.s, test.variance, test.z, test.p_value, test.tau].map(|number| Some(float8(number))),
        ),
        None => Ok(None),
    }
}

/// `slope_interval(trend, level)`.
fn slope_interval(call: &Call) -> Returned {
    let (Some(trend), Some(level)) = (value::state::<Trend>(call, 0)?, call.float8(1)) else {
        return Ok(None);
    };
    match trend.slope_interval(level)? {
        Some((low, high)) => row::one(call, [Some(float8(low)), Some(float8(high))]),
        None => Ok(None),
    }
}

/// `value_at(trend, ts)`.
fn value_at(call: &Call) -> Returned {
    let (Some(trend), Some(time)) = (value::state::<Trend>(call, 0)?, argument::time(call, 1)?) else {
        return Ok(None);
    };
    Ok(trend.value_at(time).map(float8))
}

sql_functions! {
    kpi_trend_in, pg_finfo_kpi_trend_in: value::input::<Trend>;
    kpi_trend_out, pg_finfo_kpi_trend_out: value::output::<Trend>;
    kpi_trend_recv, pg_finfo_kpi_trend_recv: value::receive::<Trend>;
    kpi_trend_send, pg_finfo_kpi_trend_send: value::send::<Trend>;
    kpi_trend_trans, pg_finfo_kpi_trend_trans: step;
    kpi_trend_rollup_trans, pg_finfo_kpi_trend_rollup_trans: transition::rollup::<Trend>;
    kpi_trend_combine, pg_finfo_kpi_trend_combine: transition::combine::<Trend>;
    kpi_trend_serialize, pg_finfo_kpi_trend_serialize: transition::serialize::<Trend>;
    kpi_trend_deserialize, pg_finfo_kpi_trend_deserialize: transition::deserialize::<Trend>;
    kpi_trend_final, pg_finfo_kpi_trend_final: |call| transition::finish(call, Trend::default);

    kpi_trend_num_vals, pg_finfo_kpi_trend_num_vals: |call| value::count(call, Trend::num_vals);
    kpi_trend_num_skipped, pg_finfo_kpi_trend_num_skipped: |call| value::count(call, Trend::num_skipped);
    kpi_trend_sample_size, pg_finfo_kpi_trend_sample_size: |call| value::count(call, Trend::sample_size);
    kpi_trend_mann_kendall, pg_finfo_kpi_trend_mann_kendall: mann_kendall;
    kpi_trend_slope, pg_finfo_kpi_trend_slope: |call| value::number(call, |trend: &Trend| Ok(trend.slope()));
    kpi_trend_slope_interval, pg_finfo_kpi_trend_slope_interval: slope_interval;
    kpi_trend_value_at, pg_finfo_kpi_trend_value_at: value_at;
}
