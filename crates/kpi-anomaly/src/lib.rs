//! kpi-anomaly.
#![forbid(unsafe_code)]
