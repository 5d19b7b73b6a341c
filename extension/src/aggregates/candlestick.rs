//! `candlestick_agg` and `candlestick`: open, high, low and close of a price, with their times and the volume.

use kpi_stats::Candlestick;

use super::call::{Call, Returned, sql_functions};
use super::{argument, span, transition, value};

/// `candlestick_agg(ts, price, volume)` skips rows without a time or a price; a volume may be missing.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(price)) = (argument::int8(call, 1), call.float8(2)) else {
        return Ok(call.argument(0));
    };
    let volume = call.float8(3);
    transition::step(
        call,
        || Ok(Candlestick::default()),
        |candlestick: &mut Candlestick| Ok(candlestick.add(time, price, volume)?),
    )
}

/// `candlestick(ts, open, high, low, close, volume)`: NULL where any of it but the volume is.
fn ready(call: &Call) -> Returned {
    let prices = (call.float8(1), call.float8(2), call.float8(3), call.float8(4));
    let (Some(time), (Some(open), Some(high), Some(low), Some(close))) = (argument::int8(call, 0), prices)
    else {
        return Ok(None);
    };
    value::returned(&Candlestick::of(time, open, high, low, close, call.float8(5))?)
}

sql_functions! {
    kpi_candlestick_in, pg_finfo_kpi_candlestick_in: value::input::<Candlestick>;
    kpi_candlestick_out, pg_finfo_kpi_candlestick_out: value::output::<Candlestick>;
    kpi_candlestick_recv, pg_finfo_kpi_candlestick_recv: value::receive::<Candlestick>;
    kpi_candlestick_send, pg_finfo_kpi_candlestick_send: value::send::<Candlestick>;
    kpi_candlestick_trans, pg_finfo_kpi_candlestick_trans: step;
    kpi_candlestick_rollup_trans, pg_finfo_kpi_candlestick_rollup_trans: transition::rollup::<Candlestick>;
    kpi_candlestick_combine, pg_finfo_kpi_candlestick_combine: transition::combine::<Candlestick>;
    kpi_candlestick_serialize, pg_finfo_kpi_candlestick_serialize: transition::serialize::<Candlestick>;
    kpi_candlestick_deserialize, pg_finfo_kpi_candlestick_deserialize: transition::deserialize::<Candlestick>;
    kpi_candlestick_final, pg_finfo_kpi_candlestick_final: |call| transition::finish(call, Candlestick::default);
    kpi_candlestick_ready, pg_finfo_kpi_candlestick_ready: ready;

    kpi_candlestick_open, pg_finfo_kpi_candlestick_open:
        |call| span::value_of(call, |c: &Candlestick| Ok(c.open()));
    kpi_candlestick_high, pg_finfo_kpi_candlestick_high:
        |call| span::value_of(call, |c: &Candlestick| Ok(c.high()));
    kpi_candlestick_low, pg_finfo_kpi_candlestick_low:
        |call| span::value_of(call, |c: &Candlestick| Ok(c.low()));
    kpi_candlestick_close, pg_finfo_kpi_candlestick_close:
        |call| span::value_of(call, |c: &Candlestick| Ok(c.close()));
    kpi_candlestick_open_time, pg_finfo_kpi_candlestick_open_time:
        |call| span::time_of(call, |c: &Candlestick| Ok(c.open()));
    kpi_candlestick_high_time, pg_finfo_kpi_candlestick_high_time:
        |call| span::time_of(call, |c: &Candlestick| Ok(c.high()));
    kpi_candlestick_low_time, pg_finfo_kpi_candlestick_low_time:
        |call| span::time_of(call, |c: &Candlestick| Ok(c.low()));
    kpi_candlestick_close_time, pg_finfo_kpi_candlestick_close_time:
        |call| span::time_of(call, |c: &Candlestick| Ok(c.close()));
    kpi_candlestick_volume, pg_finfo_kpi_candlestick_volume:
        |call| value::number(call, |c: &Candlestick| Ok(c.volume()));
    kpi_candlestick_vwap, pg_finfo_kpi_candlestick_vwap:
        |call| value::number(call, |c: &Candlestick| Ok(c.vwap()));
}
