//! kpi-stats.
#![forbid(unsafe_code)]
