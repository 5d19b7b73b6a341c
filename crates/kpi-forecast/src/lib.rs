//! kpi-forecast.
#![forbid(unsafe_code)]
