//! What can be asked of a forecast besides the model.

use crate::bounds::Bounds;
use crate::box_cox::BoxCox;
use crate::cleaning::Cleaning;
use crate::decomposition::Kind;
use crate::prophet::Growth;
use crate::regressors::Regressors;
use crate::{Error, Request};

/// Whence the band comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interval {
    /// The standard errors of the model's formula, as those of a normal distribution.
    #[default]
    Normal,
    /// The errors at past origins ([`conformal`](crate::conformal)).
    Conformal,
}

/// The exponent of a [Box-Cox transformation](BoxCox).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lambda {
    /// That of [`guerrero`](crate::box_cox::guerrero).
    Auto,
    /// This one.
    Given(f64),
}

/// How [`Prophet`](crate::prophet::Prophet) draws a series; by default with straight lines and seasons that are added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// The course of the trend.
    pub growth: Growth,
    /// Whether seasons and effects are added to the trend or are shares of it.
    pub kind: Kind,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            growth: Growth::Linear,
            kind: Kind::Additive,
        }
    }
}

/// What can be asked of a [`fan`](crate::fan()); by default nothing.
///
/// ```
/// use kpi_forecast::{Model, Request, fan, options::Options};
/// let request = Request { horizon: 2, model: Model::Naive, level: 0.95, season: Some(1) };
/// let options = Options { levels: vec![0.5, 0.9], ..Options::default() };
/// let made = fan(&[3.0, 4.0, 2.0, 5.0, 3.0, 4.0], &request, &options, &[], &mut || false).unwrap();
/// assert_eq!((made.values[1], made.bands[1].level), (4.0, 0.9));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Shares of outcomes that bands should hold, in place of [`Request::level`] where there are any.
    pub levels: Vec<f64>,
    /// Steps in each season, in place of [`Request::season`] where there are any.
    pub seasons: Vec<i64>,
    /// What outcomes, and so forecasts and bands, do not go beyond.
    pub bounds: Bounds,
    /// Whence the bands come.
    pub interval: Interval,
    /// What is taken out of the history first; what the model does by itself ([`Model::cleaning`](crate::Model::cleaning)) where it is
    /// not said.
    pub cleaning: Option<Cleaning>,
    /// The transformation of the history, none where `None`; needs values above 0.
    pub box_cox: Option<Lambda>,
    /// Whether the forecast is the mean rather than the median of what the transformation makes of the model's distribution.
    pub bias_adjust: bool,
    /// What is known besides, with rows for the history and the horizon; for the models `auto`, `arima` and `prophet`.
    pub regressors: Regressors,
    /// How the model `prophet` draws the series.
    pub shape: Shape,
}

impl Options {
    /// The levels of the bands.
    pub(crate) fn levels(&self, request: &Request) -> Vec<f64> {
        if self.levels.is_empty() {
            vec![request.level]
        } else {
            self.levels.clone()
        }
    }

    /// What can be said before there is a history.
    ///
    /// # Errors
    /// [`Error::Level`], [`Error::Bounds`], [`Error::Lambda`] and [`Error::Capacity`].
    pub fn check(&self) -> Result<(), Error> {
        if let Some(level) = self.levels.iter().find(|level| !(**level > 0.0 && **level < 1.0)) {
            return Err(Error::Level { level: *level });
        }
        let Bounds { lower, upper } = self.bounds;
        let (least, most) = (lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY));
        if least.is_nan() || most.is_nan() || least >= most {
            return Err(Error::Bounds {
                lower: least,
                upper: most,
            });
        }
        if let Some(Lambda::Given(lambda)) = self.box_cox {
            BoxCox::new(lambda)?;
        }
        if let Growth::Logistic { cap, floor } = self.shape.growth
            && !(cap > floor && cap.is_finite() && floor.is_finite())
        {
            return Err(Error::Capacity { capacity: cap, floor });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let bounds = |lower, upper| Options {
            bounds: Bounds { lower, upper },
            ..Options::default()
        };
        assert_eq!(
            bounds(Some(1.0), Some(1.0)).check(),
            Err(Error::Bounds {
                lower: 1.0,
                upper: 1.0
            })
        );
        assert!(bounds(Some(f64::NAN), None).check().is_err());
        assert!(bounds(Some(0.0), None).check().is_ok() && bounds(None, Some(-1.0)).check().is_ok());
        let levels = Options {
            levels: vec![0.5, 1.0],
            ..Options::default()
        };
        assert_eq!(levels.check(), Err(Error::Level { level: 1.0 }));
        let power = Options {
            box_cox: Some(Lambda::Given(3.0)),
            ..Options::default()
        };
        assert_eq!(power.check(), Err(Error::Lambda { lambda: 3.0 }));
        let growth = Growth::Logistic { cap: 5.0, floor: 5.0 };
        let full = Options {
            shape: Shape {
                growth,
                ..Shape::default()
            },
            ..Options::default()
        };
        assert_eq!(
            full.check(),
            Err(Error::Capacity {
                capacity: 5.0,
                floor: 5.0
            })
        );
    }

    /// Half way up to 100, a line goes on beyond it, and a logistic curve does not.
    #[test]
    fn growth_ends_at_its_capacity() {
        let history: Vec<f64> = (0..60)
            .map(|t| 100.0 / (1.0 + (-0.15 * (f64::from(t) - 50.0)).exp()))
            .collect();
        let request = |model| Request {
            horizon: 60,
            model,
            level: 0.9,
            season: Some(1),
        };
        let growth = Growth::Logistic {
            cap: 100.0,
            floor: 0.0,
        };
        let logistic = Options {
            shape: Shape {
                growth,
                ..Shape::default()
            },
            ..Options::default()
        };
        let end = |options: &Options| {
            let made = crate::fan(
                &history,
                &request(crate::Model::Prophet),
                options,
                &[],
                &mut || false,
            )
            .unwrap();
            made.values[59]
        };
        assert!(end(&Options::default()) > 120.0 && (end(&logistic) - 100.0).abs() < 3.0);
        let other = crate::fan(
            &history,
            &request(crate::Model::Theta),
            &logistic,
            &[],
            &mut || false,
        );
        assert_eq!(
            other,
            Err(Error::ShapeOfOther {
                model: "theta".into()
            })
        );
    }
}
