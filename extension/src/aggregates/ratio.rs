//! `ratio_agg`: the ratio of two sums.

use kpi_stats::Ratio;

use super::call::{Call, Returned, float8, sql_functions};
use super::{row, transition, value};

/// `ratio_agg(numerator, denominator)` skips pairs in which either is NULL.
fn step(call: &Call) -> Returned {
    let (Some(numerator), Some(denominator)) = (call.float8(1), call.float8(2)) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(Ratio::default()),
        |ratio| {
            ratio.add(numerator, denominator);
            Ok(())
        },
    )
}

/// `wilson_interval(ratio, level)`.
fn wilson_interval(call: &Call) -> Returned {
    let (Some(ratio), Some(level)) = (value::state::<Ratio>(call, 0)?, call.float8(1)) else {
        return Ok(None);
    };
    match ratio.interval(level)? {
        Some((low, high)) => row::one(call, [Some(float8(low)), Some(float8(high))]),
        None => Ok(None),
    }
}

/// `target_test(ratio, target, level)`.
fn target_test(call: &Call) -> Returned {
    let (Some(ratio), Some(target), Some(level)) =
        (value::state::<Ratio>(call, 0)?, call.float8(1), call.float8(2))
    else {
        return Ok(None);
    };
    match ratio.test(target, level)? {
        Some(test) => row::one(
            call,
            [
                Some(float8(test.difference)),
                Some(float8(test.z)),
                Some(float8(test.p_value)),
                row::text(test.verdict.name()),
            ],
        ),
        None => Ok(None),
    }
}

sql_functions! {
    kpi_ratio_in, pg_finfo_kpi_ratio_in: value::input::<Ratio>;
    kpi_ratio_out, pg_finfo_kpi_ratio_out: value::output::<Ratio>;
    kpi_ratio_recv, pg_finfo_kpi_ratio_recv: value::receive::<Ratio>;
    kpi_ratio_send, pg_finfo_kpi_ratio_send: value::send::<Ratio>;
    kpi_ratio_trans, pg_finfo_kpi_ratio_trans: step;
    kpi_ratio_rollup_trans, pg_finfo_kpi_ratio_rollup_trans: transition::rollup::<Ratio>;
    kpi_ratio_combine, pg_finfo_kpi_ratio_combine: transition::combine::<Ratio>;
    kpi_ratio_serialize, pg_finfo_kpi_ratio_serialize: transition::serialize::<Ratio>;
    kpi_ratio_deserialize, pg_finfo_kpi_ratio_deserialize: transition::deserialize::<Ratio>;
    kpi_ratio_final, pg_finfo_kpi_ratio_final: |call| transition::finish(call, Ratio::default);

    kpi_ratio_num_vals, pg_finfo_kpi_ratio_num_vals: |call| value::count(call, Ratio::num_vals);
    kpi_ratio_numerator, pg_finfo_kpi_ratio_numerator: |call| value::number(call, Ratio::numerator);
    kpi_ratio_denominator, pg_finfo_kpi_ratio_denominator: |call| value::number(call, Ratio::denominator);
    kpi_ratio_value, pg_finfo_kpi_ratio_value: |call| value::number(call, Ratio::value);
    kpi_ratio_wilson_interval, pg_finfo_kpi_ratio_wilson_interval: wilson_interval;
    kpi_ratio_target_test, pg_finfo_kpi_ratio_target_test: target_test;
}
