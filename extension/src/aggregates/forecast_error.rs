//! `forecast_error_agg`: how far forecasts were off.

use kpi_stats::ForecastError;

use super::call::{Call, Returned, float8, sql_functions};
use super::{transition, value};

/// `forecast_error_agg(actual, forecast)` skips pairs in which either is NULL: what has not happened yet has no error.
fn step(call: &Call) -> Returned {
    let (Some(actual), Some(forecast)) = (call.float8(1), call.float8(2)) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(ForecastError::default()),
        |error| {
            error.add(actual, forecast);
            Ok(())
        },
    )
}

/// `mase(error, scale)`.
fn mase(call: &Call) -> Returned {
    let (Some(error), Some(scale)) = (value::state::<ForecastError>(call, 0)?, call.float8(1)) else {
        return Ok(None);
    };
    Ok(error.mase(scale)?.map(float8))
}

sql_functions! {
    kpi_forecasterror_in, pg_finfo_kpi_forecasterror_in: value::input::<ForecastError>;
    kpi_forecasterror_out, pg_finfo_kpi_forecasterror_out: value::output::<ForecastError>;
    kpi_forecasterror_recv, pg_finfo_kpi_forecasterror_recv: value::receive::<ForecastError>;
    kpi_forecasterror_send, pg_finfo_kpi_forecasterror_send: value::send::<ForecastError>;
    kpi_forecasterror_trans, pg_finfo_kpi_forecasterror_trans: step;
    kpi_forecasterror_rollup_trans, pg_finfo_kpi_forecasterror_rollup_trans: transition::rollup::<ForecastError>;
    kpi_forecasterror_combine, pg_finfo_kpi_forecasterror_combine: transition::combine::<ForecastError>;
    kpi_forecasterror_serialize, pg_finfo_kpi_forecasterror_serialize: transition::serialize::<ForecastError>;
    kpi_forecasterror_deserialize, pg_finfo_kpi_forecasterror_deserialize: transition::deserialize::<ForecastError>;
    kpi_forecasterror_final, pg_finfo_kpi_forecasterror_final: |call| transition::finish(call, ForecastError::default);

    kpi_forecasterror_num_vals, pg_finfo_kpi_forecasterror_num_vals:
        |call| value::count(call, ForecastError::num_vals);
    kpi_forecasterror_num_zeros, pg_finfo_kpi_forecasterror_num_zeros:
        |call| value::count(call, ForecastError::num_zeros);
    kpi_forecasterror_bias, pg_finfo_kpi_forecasterror_bias: |call| value::number(call, ForecastError::bias);
    kpi_forecasterror_mae, pg_finfo_kpi_forecasterror_mae: |call| value::number(call, ForecastError::mae);
    kpi_forecasterror_rmse, pg_finfo_kpi_forecasterror_rmse: |call| value::number(call, ForecastError::rmse);
    kpi_forecasterror_mape, pg_finfo_kpi_forecasterror_mape: |call| value::number(call, ForecastError::mape);
    kpi_forecasterror_smape, pg_finfo_kpi_forecasterror_smape:
        |call| value::number(call, ForecastError::smape);
    kpi_forecasterror_wape, pg_finfo_kpi_forecasterror_wape: |call| value::number(call, ForecastError::wape);
    kpi_forecasterror_tracking_signal, pg_finfo_kpi_forecasterror_tracking_signal:
        |call| value::number(call, ForecastError::tracking_signal);
    kpi_forecasterror_mase, pg_finfo_kpi_forecasterror_mase: mase;
}
