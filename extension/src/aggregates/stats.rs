//! `stats_agg`: moments of one variable, and of two.

use kpi_stats::{MovingStats1d, MovingStats2d, Stats1d, Stats2d};

use super::call::{Call, Returned, int8, sql_functions};
use super::{transition, value};

/// `stats_agg(x)` skips NULL.
fn step_1d(call: &Call) -> Returned {
    let Some(x) = call.float8(1) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(Stats1d::default()),
        |stats| {
            stats.add(x);
            Ok(())
        },
    )
}

/// `stats_agg(y, x)` skips pairs in which either is NULL, as `regr_*` do.
fn step_2d(call: &Call) -> Returned {
    let (Some(y), Some(x)) = (call.float8(1), call.float8(2)) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(Stats2d::default()),
        |stats| {
            stats.add(y, x);
            Ok(())
        },
    )
}

/// The state of a window that moves: there is one from the first row on, since PostgreSQL takes NULL for a state that has to be
/// made anew.
fn moving_1d(call: &Call) -> Returned {
    let x = call.float8(1);
    transition::step(
        call,
        || Ok(MovingStats1d::default()),
        |window| {
            if let Some(x) = x {
                window.add(x);
            }
            Ok(())
        },
    )
}

/// Takes a row away; NULL asks for a new state of the rows that are left.
fn inverse_1d(call: &Call) -> Returned {
    let (Some(state), Some(x)) = (call.argument(0), call.float8(1)) else {
        return Ok(call.argument(0));
    };
    let sound = transition::state_mut::<MovingStats1d>(state).remove(x);
    Ok(sound.then_some(state))
}

fn moving_2d(call: &Call) -> Returned {
    let pair = call.float8(1).zip(call.float8(2));
    transition::step(
        call,
        || Ok(MovingStats2d::default()),
        |window| {
            if let Some((y, x)) = pair {
                window.add(y, x);
            }
            Ok(())
        },
    )
}

fn inverse_2d(call: &Call) -> Returned {
    let pair = call.float8(1).zip(call.float8(2));
    let (Some(state), Some((y, x))) = (call.argument(0), pair) else {
        return Ok(call.argument(0));
    };
    let sound = transition::state_mut::<MovingStats2d>(state).remove(y, x);
    Ok(sound.then_some(state))
}

fn finish_moving_1d(call: &Call) -> Returned {
    match call.argument(0) {
        Some(state) => value::returned(&transition::state_mut::<MovingStats1d>(state).stats()),
        None => value::returned(&Stats1d::default()),
    }
}

fn finish_moving_2d(call: &Call) -> Returned {
    match call.argument(0) {
        Some(state) => value::returned(&transition::state_mut::<MovingStats2d>(state).stats()),
        None => value::returned(&Stats2d::default()),
    }
}

sql_functions! {
    kpi_stats1d_moving, pg_finfo_kpi_stats1d_moving: moving_1d;
    kpi_stats1d_inverse, pg_finfo_kpi_stats1d_inverse: inverse_1d;
    kpi_stats1d_moving_final, pg_finfo_kpi_stats1d_moving_final: finish_moving_1d;
    kpi_stats2d_moving, pg_finfo_kpi_stats2d_moving: moving_2d;
    kpi_stats2d_inverse, pg_finfo_kpi_stats2d_inverse: inverse_2d;
    kpi_stats2d_moving_final, pg_finfo_kpi_stats2d_moving_final: finish_moving_2d;
}

sql_functions! {
    kpi_stats1d_in, pg_finfo_kpi_stats1d_in: value::input::<Stats1d>;
    kpi_stats1d_out, pg_finfo_kpi_stats1d_out: value::output::<Stats1d>;
    kpi_stats1d_recv, pg_finfo_kpi_stats1d_recv: value::receive::<Stats1d>;
    kpi_stats1d_send, pg_finfo_kpi_stats1d_send: value::send::<Stats1d>;
    kpi_stats1d_trans, pg_finfo_kpi_stats1d_trans: step_1d;
    kpi_stats1d_rollup_trans, pg_finfo_kpi_stats1d_rollup_trans: transition::rollup::<Stats1d>;
    kpi_stats1d_combine, pg_finfo_kpi_stats1d_combine: transition::combine::<Stats1d>;
    kpi_stats1d_serialize, pg_finfo_kpi_stats1d_serialize: transition::serialize::<Stats1d>;
    kpi_stats1d_deserialize, pg_finfo_kpi_stats1d_deserialize: transition::deserialize::<Stats1d>;
    kpi_stats1d_final, pg_finfo_kpi_stats1d_final: |call| transition::finish(call, Stats1d::default);

    kpi_stats1d_num_vals, pg_finfo_kpi_stats1d_num_vals:
        |call| Ok(value::state::<Stats1d>(call, 0)?.map(|s| int8(s.num_vals())));
    kpi_stats1d_sum, pg_finfo_kpi_stats1d_sum: |call| value::number(call, Stats1d::sum);
    kpi_stats1d_average, pg_finfo_kpi_stats1d_average: |call| value::number(call, Stats1d::average);
    kpi_stats1d_variance, pg_finfo_kpi_stats1d_variance: |call| value::by_method(call, Stats1d::variance);
    kpi_stats1d_stddev, pg_finfo_kpi_stats1d_stddev: |call| value::by_method(call, Stats1d::stddev);
    kpi_stats1d_skewness, pg_finfo_kpi_stats1d_skewness: |call| value::by_method(call, Stats1d::skewness);
    kpi_stats1d_kurtosis, pg_finfo_kpi_stats1d_kurtosis: |call| value::by_method(call, Stats1d::kurtosis);
}

sql_functions! {
    kpi_stats2d_in, pg_finfo_kpi_stats2d_in: value::input::<Stats2d>;
    kpi_stats2d_out, pg_finfo_kpi_stats2d_out: value::output::<Stats2d>;
    kpi_stats2d_recv, pg_finfo_kpi_stats2d_recv: value::receive::<Stats2d>;
    kpi_stats2d_send, pg_finfo_kpi_stats2d_send: value::send::<Stats2d>;
    kpi_stats2d_trans, pg_finfo_kpi_stats2d_trans: step_2d;
    kpi_stats2d_rollup_trans, pg_finfo_kpi_stats2d_rollup_trans: transition::rollup::<Stats2d>;
    kpi_stats2d_combine, pg_finfo_kpi_stats2d_combine: transition::combine::<Stats2d>;
    kpi_stats2d_serialize, pg_finfo_kpi_stats2d_serialize: transition::serialize::<Stats2d>;
    kpi_stats2d_deserialize, pg_finfo_kpi_stats2d_deserialize: transition::deserialize::<Stats2d>;
    kpi_stats2d_final, pg_finfo_kpi_stats2d_final: |call| transition::finish(call, Stats2d::default);

    kpi_stats2d_num_vals, pg_finfo_kpi_stats2d_num_vals:
        |call| Ok(value::state::<Stats2d>(call, 0)?.map(|s| int8(s.num_vals())));
    kpi_stats2d_sum_x, pg_finfo_kpi_stats2d_sum_x: |call| value::number(call, |s: &Stats2d| s.x().sum());
    kpi_stats2d_sum_y, pg_finfo_kpi_stats2d_sum_y: |call| value::number(call, |s: &Stats2d| s.y().sum());
    kpi_stats2d_average_x, pg_finfo_kpi_stats2d_average_x:
        |call| value::number(call, |s: &Stats2d| s.x().average());
    kpi_stats2d_average_y, pg_finfo_kpi_stats2d_average_y:
        |call| value::number(call, |s: &Stats2d| s.y().average());
    kpi_stats2d_variance_x, pg_finfo_kpi_stats2d_variance_x:
        |call| value::by_method(call, |s: &Stats2d, method| s.x().variance(method));
    kpi_stats2d_variance_y, pg_finfo_kpi_stats2d_variance_y:
        |call| value::by_method(call, |s: &Stats2d, method| s.y().variance(method));
    kpi_stats2d_stddev_x, pg_finfo_kpi_stats2d_stddev_x:
        |call| value::by_method(call, |s: &Stats2d, method| s.x().stddev(method));
    kpi_stats2d_stddev_y, pg_finfo_kpi_stats2d_stddev_y:
        |call| value::by_method(call, |s: &Stats2d, method| s.y().stddev(method));
    kpi_stats2d_skewness_x, pg_finfo_kpi_stats2d_skewness_x:
        |call| value::by_method(call, |s: &Stats2d, method| s.x().skewness(method));
    kpi_stats2d_skewness_y, pg_finfo_kpi_stats2d_skewness_y:
        |call| value::by_method(call, |s: &Stats2d, method| s.y().skewness(method));
    kpi_stats2d_kurtosis_x, pg_finfo_kpi_stats2d_kurtosis_x:
        |call| value::by_method(call, |s: &Stats2d, method| s.x().kurtosis(method));
    kpi_stats2d_kurtosis_y, pg_finfo_kpi_stats2d_kurtosis_y:
        |call| value::by_method(call, |s: &Stats2d, method| s.y().kurtosis(method));
    kpi_stats2d_slope, pg_finfo_kpi_stats2d_slope: |call| value::number(call, Stats2d::slope);
    kpi_stats2d_intercept, pg_finfo_kpi_stats2d_intercept: |call| value::number(call, Stats2d::intercept);
    kpi_stats2d_x_intercept, pg_finfo_kpi_stats2d_x_intercept: |call| value::number(call, Stats2d::x_intercept);
    kpi_stats2d_corr, pg_finfo_kpi_stats2d_corr: |call| value::number(call, Stats2d::corr);
    kpi_stats2d_covariance, pg_finfo_kpi_stats2d_covariance: |call| value::by_method(call, Stats2d::covariance);
    kpi_stats2d_determination_coeff, pg_finfo_kpi_stats2d_determination_coeff:
        |call| value::number(call, Stats2d::determination_coeff);
}
