//! `counter_agg` and `gauge_agg`: how much a measured value rose, and how fast.

use kpi_stats::{CounterAgg, Extrapolation, GaugeAgg, MetricAgg, TimeRange};

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{argument, span, transition, value};
use crate::error::Error;

/// `counter_agg(ts, value [, bounds])` and the same of a gauge skip rows without a time or a value.
#[inline]
fn step<const RESETS: bool>(call: &Call) -> Returned {
    let (Some(time), Some(reading)) = (argument::int8(call, 1), call.float8(2)) else {
        return Ok(call.argument(0));
    };
    let bounds = span::bounds(call, 3)?;
    transition::step(
        call,
        || Ok(MetricAgg::<RESETS>::default()),
        |readings: &mut MetricAgg<RESETS>| {
            if let Some(bounds) = bounds {
                readings.add_bounds(bounds);
            }
            Ok(readings.add(time, reading)?)
        },
    )
}

/// The end of the aggregate: a summary, empty without rows.
fn finish<const RESETS: bool>(call: &Call) -> Returned {
    transition::finish_summarised(
        call,
        MetricAgg::<RESETS>::finished,
        Some(MetricAgg::<RESETS>::default()),
    )
}

/// The end of a rollup, NULL without states.
fn finish_rollup<const RESETS: bool>(call: &Call) -> Returned {
    transition::finish_summarised(call, MetricAgg::<RESETS>::rolled_up, None)
}

/// An accessor that counts.
fn count<const RESETS: bool>(
    call: &Call,
    read: impl Fn(&MetricAgg<RESETS>) -> Result<u64, kpi_stats::Error>,
) -> Returned {
    let Some(state) = value::state::<MetricAgg<RESETS>>(call, 0)? else {
        return Ok(None);
    };
    Ok(Some(int8(read(&state)?)))
}

/// `counter_zero_time(summary)` and `gauge_zero_time(summary)`.
fn zero_time<const RESETS: bool>(call: &Call) -> Returned {
    let Some(state) = value::state::<MetricAgg<RESETS>>(call, 0)? else {
        return Ok(None);
    };
    Ok(state.zero_time()?.map(span::timestamptz))
}

/// `with_bounds(summary, bounds)`.
fn with_bounds<const RESETS: bool>(call: &Call) -> Returned {
    let (Some(state), Some(bounds)) = (
        value::state::<MetricAgg<RESETS>>(call, 0)?,
        span::bounds(call, 1)?,
    ) else {
        return Ok(None);
    };
    value::returned(&state.with_bounds(bounds))
}

/// An accessor with the name of a method of extrapolation as its second argument.
fn extrapolated<const RESETS: bool>(
    call: &Call,
    read: impl Fn(&MetricAgg<RESETS>, Extrapolation) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let Some(word) = call.text(1) else { return Ok(None) };
    let method = Extrapolation::parse(&word)?;
    value::number(call, |state: &MetricAgg<RESETS>| read(state, method))
}

/// What is interpolated: a state, its bucket, and the states of the buckets before and after.
type Neighbours<'a, const RESETS: bool> = (
    &'a MetricAgg<RESETS>,
    TimeRange,
    Option<&'a MetricAgg<RESETS>>,
    Option<&'a MetricAgg<RESETS>>,
);

/// An accessor with the arguments (summary, start, duration, prev, next).
fn interpolated<const RESETS: bool>(
    call: &Call,
    read: impl Fn(Neighbours<'_, RESETS>) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let state = |i| -> Result<Option<MetricAgg<RESETS>>, Error> { value::state(call, i) };
    let (Some(of), Some(bucket)) = (state(0)?, span::range(call, 1, 2)?) else {
        return Ok(None);
    };
    let (previous, next) = (state(3)?, state(4)?);
    Ok(read((&of, bucket, previous.as_ref(), next.as_ref()))?.map(float8))
}

fn interpolated_delta<const RESETS: bool>(call: &Call) -> Returned {
    interpolated::<RESETS>(call, |(of, bucket, previous, next)| {
        of.interpolated_delta(bucket, previous, next)
    })
}

fn interpolated_rate<const RESETS: bool>(call: &Call) -> Returned {
    interpolated::<RESETS>(call, |(of, bucket, previous, next)| {
        of.interpolated_rate(bucket, previous, next)
    })
}

sql_functions! {
    kpi_counter_in, pg_finfo_kpi_counter_in: value::input::<CounterAgg>;
    kpi_counter_out, pg_finfo_kpi_counter_out: value::output::<CounterAgg>;
    kpi_counter_recv, pg_finfo_kpi_counter_recv: value::receive::<CounterAgg>;
    kpi_counter_send, pg_finfo_kpi_counter_send: value::send::<CounterAgg>;
    kpi_counter_trans, pg_finfo_kpi_counter_trans: step::<true>;
    kpi_counter_rollup_trans, pg_finfo_kpi_counter_rollup_trans: transition::rollup::<CounterAgg>;
    kpi_counter_combine, pg_finfo_kpi_counter_combine: transition::combine::<CounterAgg>;
    kpi_counter_serialize, pg_finfo_kpi_counter_serialize: transition::serialize::<CounterAgg>;
    kpi_counter_deserialize, pg_finfo_kpi_counter_deserialize: transition::deserialize::<CounterAgg>;
    kpi_counter_final, pg_finfo_kpi_counter_final: finish::<true>;
    kpi_counter_rollup_final, pg_finfo_kpi_counter_rollup_final: finish_rollup::<true>;

    kpi_counter_num_elements, pg_finfo_kpi_counter_num_elements: |call| count(call, CounterAgg::num_elements);
    kpi_counter_num_changes, pg_finfo_kpi_counter_num_changes: |call| count(call, CounterAgg::num_changes);
    kpi_counter_num_resets, pg_finfo_kpi_counter_num_resets: |call| count(call, CounterAgg::num_resets);
    kpi_counter_delta, pg_finfo_kpi_counter_delta: |call| value::number(call, CounterAgg::delta);
    kpi_counter_time_delta, pg_finfo_kpi_counter_time_delta:
        |call| value::number(call, CounterAgg::time_delta);
    kpi_counter_rate, pg_finfo_kpi_counter_rate: |call| value::number(call, CounterAgg::rate);
    kpi_counter_idelta_left, pg_finfo_kpi_counter_idelta_left:
        |call| value::number(call, CounterAgg::idelta_left);
    kpi_counter_idelta_right, pg_finfo_kpi_counter_idelta_right:
        |call| value::number(call, CounterAgg::idelta_right);
    kpi_counter_irate_left, pg_finfo_kpi_counter_irate_left:
        |call| value::number(call, CounterAgg::irate_left);
    kpi_counter_irate_right, pg_finfo_kpi_counter_irate_right:
        |call| value::number(call, CounterAgg::irate_right);
    kpi_counter_slope, pg_finfo_kpi_counter_slope: |call| value::number(call, CounterAgg::slope);
    kpi_counter_intercept, pg_finfo_kpi_counter_intercept: |call| value::number(call, CounterAgg::intercept);
    kpi_counter_corr, pg_finfo_kpi_counter_corr: |call| value::number(call, CounterAgg::corr);
    kpi_counter_first_val, pg_finfo_kpi_counter_first_val: |call| span::value_of(call, CounterAgg::first);
    kpi_counter_last_val, pg_finfo_kpi_counter_last_val: |call| span::value_of(call, CounterAgg::last);
    kpi_counter_first_time, pg_finfo_kpi_counter_first_time: |call| span::time_of(call, CounterAgg::first);
    kpi_counter_last_time, pg_finfo_kpi_counter_last_time: |call| span::time_of(call, CounterAgg::last);
    kpi_counter_zero_time, pg_finfo_kpi_counter_zero_time: zero_time::<true>;
    kpi_counter_with_bounds, pg_finfo_kpi_counter_with_bounds: with_bounds::<true>;
    kpi_counter_extrapolated_delta, pg_finfo_kpi_counter_extrapolated_delta:
        |call| extrapolated(call, CounterAgg::extrapolated_delta);
    kpi_counter_extrapolated_rate, pg_finfo_kpi_counter_extrapolated_rate:
        |call| extrapolated(call, CounterAgg::extrapolated_rate);
    kpi_counter_interpolated_delta, pg_finfo_kpi_counter_interpolated_delta: interpolated_delta::<true>;
    kpi_counter_interpolated_rate, pg_finfo_kpi_counter_interpolated_rate: interpolated_rate::<true>;

    kpi_gauge_in, pg_finfo_kpi_gauge_in: value::input::<GaugeAgg>;
    kpi_gauge_out, pg_finfo_kpi_gauge_out: value::output::<GaugeAgg>;
    kpi_gauge_recv, pg_finfo_kpi_gauge_recv: value::receive::<GaugeAgg>;
    kpi_gauge_send, pg_finfo_kpi_gauge_send: value::send::<GaugeAgg>;
    kpi_gauge_trans, pg_finfo_kpi_gauge_trans: step::<false>;
    kpi_gauge_rollup_trans, pg_finfo_kpi_gauge_rollup_trans: transition::rollup::<GaugeAgg>;
    kpi_gauge_combine, pg_finfo_kpi_gauge_combine: transition::combine::<GaugeAgg>;
    kpi_gauge_serialize, pg_finfo_kpi_gauge_serialize: transition::serialize::<GaugeAgg>;
    kpi_gauge_deserialize, pg_finfo_kpi_gauge_deserialize: transition::deserialize::<GaugeAgg>;
    kpi_gauge_final, pg_finfo_kpi_gauge_final: finish::<false>;
    kpi_gauge_rollup_final, pg_finfo_kpi_gauge_rollup_final: finish_rollup::<false>;

    kpi_gauge_num_elements, pg_finfo_kpi_gauge_num_elements: |call| count(call, GaugeAgg::num_elements);
    kpi_gauge_num_changes, pg_finfo_kpi_gauge_num_changes: |call| count(call, GaugeAgg::num_changes);
    kpi_gauge_delta, pg_finfo_kpi_gauge_delta: |call| value::number(call, GaugeAgg::delta);
    kpi_gauge_time_delta, pg_finfo_kpi_gauge_time_delta: |call| value::number(call, GaugeAgg::time_delta);
    kpi_gauge_rate, pg_finfo_kpi_gauge_rate: |call| value::number(call, GaugeAgg::rate);
    kpi_gauge_idelta_left, pg_finfo_kpi_gauge_idelta_left: |call| value::number(call, GaugeAgg::idelta_left);
    kpi_gauge_idelta_right, pg_finfo_kpi_gauge_idelta_right:
        |call| value::number(call, GaugeAgg::idelta_right);
    kpi_gauge_irate_left, pg_finfo_kpi_gauge_irate_left: |call| value::number(call, GaugeAgg::irate_left);
    kpi_gauge_irate_right, pg_finfo_kpi_gauge_irate_right: |call| value::number(call, GaugeAgg::irate_right);
    kpi_gauge_slope, pg_finfo_kpi_gauge_slope: |call| value::number(call, GaugeAgg::slope);
    kpi_gauge_intercept, pg_finfo_kpi_gauge_intercept: |call| value::number(call, GaugeAgg::intercept);
    kpi_gauge_corr, pg_finfo_kpi_gauge_corr: |call| value::number(call, GaugeAgg::corr);
    kpi_gauge_first_val, pg_finfo_kpi_gauge_first_val: |call| span::value_of(call, GaugeAgg::first);
    kpi_gauge_last_val, pg_finfo_kpi_gauge_last_val: |call| span::value_of(call, GaugeAgg::last);
    kpi_gauge_first_time, pg_finfo_kpi_gauge_first_time: |call| span::time_of(call, GaugeAgg::first);
    kpi_gauge_last_time, pg_finfo_kpi_gauge_last_time: |call| span::time_of(call, GaugeAgg::last);
    kpi_gauge_zero_time, pg_finfo_kpi_gauge_zero_time: zero_time::<false>;
    kpi_gauge_with_bounds, pg_finfo_kpi_gauge_with_bounds: with_bounds::<false>;
    kpi_gauge_extrapolated_delta, pg_finfo_kpi_gauge_extrapolated_delta:
        |call| extrapolated(call, GaugeAgg::extrapolated_delta);
    kpi_gauge_extrapolated_rate, pg_finfo_kpi_gauge_extrapolated_rate:
        |call| extrapolated(call, GaugeAgg::extrapolated_rate);
    kpi_gauge_interpolated_delta, pg_finfo_kpi_gauge_interpolated_delta: interpolated_delta::<false>;
    kpi_gauge_interpolated_rate, pg_finfo_kpi_gauge_interpolated_rate: interpolated_rate::<false>;
}
