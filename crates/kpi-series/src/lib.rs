//! kpi-series.
#![forbid(unsafe_code)]
