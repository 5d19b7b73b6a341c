//! Forecasts of one regular series: models, seasonality found from the data, selection by backtest, prediction
//! intervals.
//!
//! Everything takes a slice of `f64`, one value per step, and knows nothing of clocks or of PostgreSQL. In the
//! entry points ([`forecast`], [`season::detect`], [`gaps::fill`]) a value that is not finite is a gap.
//!
//! ```
//! use kpi_forecast::{Model, Request, forecast};
//! let history: Vec<f64> = (0..40).map(|t| [10.0, 20.0, 15.0, 30.0][t % 4] + t as f64).collect();
//! let request = Request { horizon: 4, model: Model::Auto, level: 0.95, season: Some(4) };
//! let result = forecast(&history, &request, &[], &mut || false).unwrap();
//! assert_eq!(result.points.len(), 4);
//! assert!((result.points[3].value - 73.0).abs() < 5.0);
//! ```
#![forbid(unsafe_code)]

mod adjusted;
pub mod arima;
pub mod auto;
pub mod autocorrelation;
pub mod backtest;
mod band;
pub mod bounds;
pub mod box_cox;
pub mod ces;
pub mod cleaning;
pub mod components;
pub mod conformal;
pub mod decomposition;
mod drift;
pub mod ensemble;
mod error;
pub mod ets;
pub mod evaluation;
mod fan;
pub mod features;
mod forecast;
pub mod gaps;
pub mod grid;
pub mod holidays;
pub mod intermittent;
pub mod linear;
mod loess;
mod logarithm;
mod mean;
mod model;
pub mod mstl;
mod naive;
pub mod optimize;
pub mod options;
mod prepared;
pub mod prophet;
pub mod random;
pub mod reconcile;
mod regression;
pub mod regressors;
mod robustness;
pub mod season;
mod seasonal_median;
mod seasonal_naive;
mod seasonal_smoothing;
pub mod seasonality;
pub mod ses;
mod ses_drift;
pub mod state;
pub mod stl;
pub mod tbats;
pub mod theta;

pub use adjusted::Adjusted;
pub use drift::Drift;
pub use error::Error;
pub use fan::{Band, Fan, fan};
pub use forecast::{Forecast, MAX_HISTORY, MAX_HORIZON, Point, Request, forecast};
pub use logarithm::Logarithm;
pub use mean::Mean;
pub use model::{Fit, Members, Model, Observe, Predict, Step};
pub use naive::Naive;
pub use seasonal_median::SeasonalMedian;
pub use seasonal_naive::SeasonalNaive;
pub use seasonal_smoothing::SeasonalSmoothing;
pub use ses_drift::SesDrift;
