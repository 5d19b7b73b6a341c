//! What can be wrong with a request for a forecast.

use crate::Model;
use crate::components::MAX_SEASONS;
use crate::conformal::needed;
use crate::evaluation::Metric;
use crate::forecast::MAX_HORIZON;
use crate::holidays::MAX_WINDOW;
use crate::reconcile::HierarchyError;
use crate::regressors::MAX_REGRESSORS;
use crate::state::MAX_POINTS;

/// Why there is no forecast. `Display` is the message; [`detail`](Error::detail) holds the offending value and
/// [`hint`](Error::hint) says what to type instead.
///
/// ```
/// let error = kpi_forecast::Error::Horizon { horizon: 0 };
/// assert_eq!(error.to_string(), "horizon is out of range");
/// assert_eq!(error.detail().as_deref(), Some("horizon is 0"));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The horizon is below 1 or above [`MAX_HORIZON`].
    #[error("horizon is out of range")]
    Horizon {
        /// Steps asked for.
        horizon: i64,
    },
    /// The level of the prediction interval is not a probability strictly between 0 and 1.
    #[error("level must lie between 0 and 1, both excluded")]
    Level {
        /// Level asked for.
        level: f64,
    },
    /// The season is below 1 or does not fit twice into the series.
    #[error("season does not fit the series")]
    Season {
        /// Season asked for, in steps.
        season: i64,
        /// Steps from the first to the last value of the series.
        length: usize,
    },
    /// More seasons than [`MAX_SEASONS`].
    #[error("too many seasons")]
    Seasons {
        /// Seasons asked for.
        count: usize,
    },
    /// A window of local regression is below 3.
    #[error("{name} is out of range")]
    Window {
        /// The argument.
        name: &'static str,
        /// Its value.
        window: i64,
    },
    /// No model has this name.
    #[error("unknown forecast model \"{name}\"")]
    UnknownModel {
        /// The name as it was typed.
        name: String,
    },
    /// A regressor has no value where one is needed.
    #[error("regressor \"{name}\" has no value where one is needed")]
    RegressorMissing {
        /// The regressor.
        name: String,
        /// The step: 1 is the first of the horizon, 0 the last of the history.
        step: i64,
    },
    /// A kept model is asked for a step of which it knows no regressors.
    #[error("the model knows no regressors for a step as far ahead")]
    RegressorsEnd {
        /// Steps ahead of which it does.
        known: usize,
    },
    /// A regressor is constant, or a combination of others.
    #[error("regressor \"{name}\" says nothing of its own")]
    RegressorDependent {
        /// The regressor.
        name: String,
        /// Whether it is constant over the history.
        is_constant: bool,
    },
    /// There are more regressors than [`MAX_REGRESSORS`].
    #[error("too many regressors")]
    Regressors {
        /// Regressors given.
        count: usize,
    },
    /// The model has no place for regressors.
    #[error("model \"{model}\" takes no regressors")]
    ModelWithoutRegressors {
        /// The model asked for.
        model: String,
    },
    /// No holiday lies in the history.
    #[error("no holiday lies in the history")]
    NoHoliday {
        /// Dates given.
        dates: usize,
    },
    /// The days around a holiday are no window.
    #[error("holiday window is out of range")]
    HolidayWindow {
        /// The first day, counted from the holiday.
        first: i64,
        /// The last day.
        last: i64,
    },
    /// The series has fewer values than the model needs.
    #[error("series is too short to forecast")]
    TooShort {
        /// Values present.
        values: usize,
        /// Values that the model needs.
        needed: usize,
        /// The model asked for.
        model: &'static str,
    },
    /// The series holds no finite value at all.
    #[error("series holds no values to forecast from")]
    Empty {
        /// Points of the series, all of them gaps.
        points: usize,
    },
    /// The points follow no regular step.
    #[error("series has no regular step")]
    NoStep {
        /// Points of the series.
        points: usize,
    },
    /// A step of the forecast lies beyond the last time that a `timestamptz` can hold.
    #[error("forecast reaches beyond the last time there is")]
    NoTime {
        /// Steps after the last point.
        steps: usize,
    },
    /// The values are so large that arithmetic on them leaves the range of a double.
    #[error("values are too large to forecast")]
    Overflow {
        /// The largest magnitude in the series.
        largest: f64,
    },
    /// No measure of forecasts has this name.
    #[error("unknown metric \"{name}\"")]
    UnknownMetric {
        /// The name as it was typed.
        name: String,
    },
    /// The series has no room for so many forecasts of this length.
    #[error("folds do not fit the series")]
    Folds {
        /// Forecasts asked for.
        folds: i64,
        /// Steps of each.
        horizon: i64,
        /// Steps of the series.
        length: usize,
    },
    /// A hierarchy cannot be reconciled.
    #[error(transparent)]
    Hierarchy(#[from] HierarchyError),
    /// The series of one node of a hierarchy cannot be forecast.
    #[error("{error}")]
    Node {
        /// The node.
        node: String,
        /// Why not.
        error: Box<Error>,
    },
    /// There is no fold.
    #[error("folds is out of range")]
    NoFolds {
        /// Forecasts asked for.
        folds: i64,
    },
    /// The bounds leave nothing between them.
    #[error("lower bound must be below upper bound")]
    Bounds {
        /// The least value that there can be.
        lower: f64,
        /// The largest.
        upper: f64,
    },
    /// The exponent of a Box-Cox transformation is no number between -2 and 2.
    #[error("exponent of the Box-Cox transformation is out of range")]
    Lambda {
        /// Exponent asked for.
        lambda: f64,
    },
    /// A Box-Cox transformation of values that are not above 0.
    #[error("a Box-Cox transformation needs values above 0")]
    NotPositive {
        /// The first that is not.
        value: f64,
    },
    /// There is no end to what the inverse of a Box-Cox transformation makes of a band.
    #[error("band has no end after the Box-Cox transformation")]
    Endless {
        /// Exponent of the transformation.
        lambda: f64,
    },
    /// There are too few errors at past origins for a conformal band of this level.
    #[error("series is too short for a conformal band of level {level}")]
    FewErrors {
        /// Level asked for.
        level: f64,
        /// Errors there are at the step that has the fewest.
        errors: usize,
    },
    /// What grows to its capacity does not start there.
    #[error("capacity must be above the floor")]
    Capacity {
        /// What the values grow to.
        capacity: f64,
        /// What they grow from.
        floor: f64,
    },
    /// The course of a trend was asked for of a model that has no such trend.
    #[error("growth and seasonality_mode are for model \"prophet\"")]
    ShapeOfOther {
        /// The model asked for.
        model: String,
    },
    /// No path, or more points of all paths than can be drawn.
    #[error("number of paths is out of range")]
    Paths {
        /// Paths asked for.
        paths: i64,
        /// Steps of each.
        horizon: i64,
    },
    /// The model's form has no place for such a value.
    #[error("value does not suit the model")]
    Unsuited {
        /// The value.
        value: f64,
        /// The form of the model.
        form: String,
    },
    /// The model takes no values after its fit.
    #[error("model takes no new values")]
    NotObserved {
        /// The model.
        model: String,
    },
    /// The model has no form that can be stored.
    #[error("model \"{model}\" cannot be kept")]
    NotKept {
        /// The model asked for.
        model: String,
    },
    /// A value is not after those that the model has seen.
    #[error("time is not after the last one of the model")]
    NotAfter {
        /// The time of the value, as text.
        time: String,
        /// The last time of the model, as text.
        last: String,
    },
    /// A value's time is between two steps.
    #[error("time is between two steps of the model")]
    OffStep {
        /// The time of the value, as text.
        time: String,
        /// The nearest times of the model's steps, as text.
        nearest: [String; 2],
    },
    /// So many steps were left out that the model says nothing of now.
    #[error("time is too long after the last one of the model")]
    TooLate {
        /// The time of the value, as text.
        time: String,
        /// The last time of the model, as text.
        last: String,
    },
    /// Bytes or text that are no model.
    #[error("{0}")]
    Stored(kpi_stats::Error),
    /// The caller's poll asked to stop.
    #[error("forecast was canceled")]
    Canceled,
}

impl Error {
    /// The same of one node of a hierarchy.
    pub(crate) fn of_node(self, node: &str) -> Self {
        match self {
            Self::Canceled => Self::Canceled,
            error => Self::Node {
                node: node.to_owned(),
                error: Box::new(error),
            },
        }
    }

    /// The offending value, in words.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Horizon { horizon } => Some(format!("horizon is {horizon}")),
            Self::Level { level } => Some(format!("level is {level}")),
            Self::Season { season, length } => {
                Some(format!("season is {season}, and the series has {length} steps"))
            }
            Self::Seasons { count } => Some(format!("{count} seasons were asked for")),
            Self::Window { name, window } => Some(format!("{name} is {window}")),
            Self::UnknownModel { name } => Some(format!("model is \"{name}\"")),
            Self::RegressorMissing { name, step } if *step > 0 => Some(format!(
                "regressor \"{name}\" has no value for step {step} of the forecast"
            )),
            Self::RegressorMissing { name, step: 0 } => Some(format!(
                "regressor \"{name}\" has no value for the last step of the history"
            )),
            Self::RegressorMissing { name, step } => Some(format!(
                "regressor \"{name}\" has no value {} steps before the last one of the history",
                -step
            )),
            Self::RegressorsEnd { known } => Some(format!(
                "it was fitted with regressors that reach {known} steps beyond the last one that it has seen"
            )),
            Self::RegressorDependent {
                name,
                is_constant: true,
            } => Some(format!(
                "regressor \"{name}\" is the same at every step of the history"
            )),
            Self::RegressorDependent { name, .. } => Some(format!(
                "over the history regressor \"{name}\" is a linear combination of the regressors before it"
            )),
            Self::Regressors { count } => Some(format!(
                "{count} regressors were given, and at most {MAX_REGRESSORS} are taken"
            )),
            Self::ModelWithoutRegressors { model } => Some(format!("model is \"{model}\"")),
            Self::NoHoliday { dates } => Some(format!(
                "{dates} dates were given, and none of them, with its window, is in the history"
            )),
            Self::HolidayWindow { first, last } => Some(format!(
                "the window is from day {first} to day {last}, counted from the holiday"
            )),
            Self::TooShort {
                values,
                needed,
                model,
            } => Some(format!(
                "the series has {values} of the at least {needed} values that model \"{model}\" needs"
            )),
            Self::Empty { points } => Some(format!(
                "the series has {points} points, and none has a finite value"
            )),
            Self::NoStep { points } => Some(format!(
                "the {points} points follow each other at changing distances"
            )),
            Self::NoTime { steps } => Some(format!("step {steps} is after the year 294276")),
            Self::Overflow { largest } => Some(format!("the largest magnitude is {largest:e}")),
            Self::UnknownMetric { name } => Some(format!("metric is \"{name}\"")),
            Self::Folds {
                folds,
                horizon,
                length,
            } => Some(format!(
                "{folds} folds of {horizon} steps were asked for, and the series has {length} steps"
            )),
            Self::Hierarchy(error) => error.detail(),
            Self::Node { node, error } => Some(match error.detail() {
                Some(detail) => format!("node \"{node}\": {detail}"),
                None => format!("node is \"{node}\""),
            }),
            Self::NoFolds { folds } => Some(format!("folds is {folds}")),
            Self::Bounds { lower, upper } => Some(format!("lower is {lower}, upper is {upper}")),
            Self::Lambda { lambda } => Some(format!("box_cox is {lambda}")),
            Self::NotPositive { value } => Some(format!("the series has the value {value}")),
            Self::Endless { lambda } => Some(format!("the exponent is {lambda}")),
            Self::FewErrors { level, errors } => Some(format!(
                "past forecasts give {errors} of the at least {} errors at each step that this level needs",
                needed(*level)
            )),
            Self::Capacity { capacity, floor } => Some(format!("capacity is {capacity}, floor is {floor}")),
            Self::ShapeOfOther { model } => Some(format!("model is \"{model}\"")),
            Self::Paths { paths, horizon } => {
                Some(format!("{paths} paths of {horizon} steps were asked for"))
            }
            Self::Unsuited { value, form } => Some(format!("the value is {value}, and the model is {form}")),
            Self::NotObserved { model } | Self::NotKept { model } => Some(format!("the model is {model}")),
            Self::NotAfter { time, last } => Some(format!(
                "the time is {time}, and the model has seen all up to {last}"
            )),
            Self::OffStep { time, nearest } => Some(format!(
                "the time is {time}, and the nearest steps are at {} and {}",
                nearest[0], nearest[1]
            )),
            Self::TooLate { time, last } => Some(format!(
                "the time is {time}, more than {MAX_HORIZON} steps after {last}"
            )),
            Self::Stored(error) => error.detail(),
            Self::Canceled => None,
        }
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Horizon { .. } => Some(format!("ask for 1 to {MAX_HORIZON} steps, e.g. horizon => 14")),
            Self::Level { .. } => Some("level => 0.95 gives a band that holds 95% of the outcomes".into()),
            Self::Season { length, .. } if *length < 2 => {
                Some("leave season out, or set season => 1 for none".into())
            }
            Self::Season { length, .. } => Some(format!(
                "season => 1 means none; at most {} here, half the series",
                length / 2
            )),
            Self::Seasons { .. } => Some(format!("give at most {MAX_SEASONS}, e.g. season => '{{7,365}}'")),
            Self::Window { name, .. } => Some(format!(
                "at least 3, e.g. {name} => {}; leave it out for the usual one",
                if *name == "trend_window" { 31 } else { 11 }
            )),
            Self::UnknownModel { .. } => Some(format!(
                "use one of {}, or the mean of several, e.g. 'naive+theta'",
                Model::names().join(", ")
            )),
            Self::RegressorMissing { step, .. } if *step > 0 => Some(
                "give it values, planned or forecast, for every step of the horizon, or ask for a shorter horizon".into(),
            ),
            Self::RegressorMissing { .. } => Some(
                "give it a value for every step of the history, for example with kpi.regularize, or start the history later".into(),
            ),
            Self::RegressorsEnd { .. } => Some(
                "fit again with regressors that reach further: kpi.fit(s, ..., regressors => ...), or ask for a shorter horizon".into(),
            ),
            Self::RegressorDependent { .. } => {
                Some("leave it out: this history does not tell its effect from those of the others".into())
            }
            Self::Regressors { .. } => Some("leave out those that say little, or add up similar ones".into()),
            Self::ModelWithoutRegressors { .. } => Some("use model => 'auto', 'arima' or 'prophet'".into()),
            Self::NoHoliday { .. } => {
                Some("give the past dates of the holiday as well as those to come: its effect is learnt from them".into())
            }
            Self::HolidayWindow { .. } => Some(format!(
                "give the first and the last day around a holiday, -{MAX_WINDOW} to {MAX_WINDOW}, e.g. '{{-1,1}}'"
            )),
            Self::TooShort { model: "naive", .. } => Some("take a longer range or a finer period".into()),
            Self::TooShort { .. } => Some(
                "take a longer range or a finer period, or a model that needs less, such as 'naive'".into(),
            ),
            Self::Empty { .. } => {
                Some("check the rows that the series is made of: all values are NULL, NaN or infinite".into())
            }
            Self::NoStep { .. } => Some("make it regular first, e.g. kpi.regularize(s, '1 day')".into()),
            Self::NoTime { .. } => Some("ask for a shorter horizon".into()),
            Self::Overflow { .. } => Some("divide the values by a constant first, e.g. value / 1e6".into()),
            Self::UnknownMetric { .. } => Some(format!("use one of {}", Metric::names().join(", "))),
            Self::Folds { .. } => {
                Some("ask for fewer folds, or for a shorter horizon, so that at least 2 steps are left before the first".into())
            }
            Self::Hierarchy(error) => error.hint(),
            Self::Node { error, .. } => error.hint(),
            Self::NoFolds { .. } => Some("ask for one fold or more, e.g. folds => 3".into()),
            Self::Bounds { .. } => Some("for a share between 0 and 1, for example, options => '{\"lower\": 0, \"upper\": 1}'".into()),
            Self::Lambda { .. } => {
                Some("use a number between -2 and 2 (0 is the logarithm, 1 changes nothing), or \"auto\"".into())
            }
            Self::NotPositive { .. } => {
                Some("leave box_cox out, or add a constant to the values first, e.g. value + 1".into())
            }
            Self::Endless { .. } => Some("use an exponent of 0 or more, e.g. options => '{\"box_cox\": 0}'".into()),
            Self::FewErrors { .. } => Some(
                "take a longer range, a shorter horizon or a lower level, or leave interval out for normal bands".into(),
            ),
            Self::Capacity { .. } => Some(
                "for what grows from 0 to 1000, for example, options => '{\"growth\": \"logistic\", \"capacity\": 1000}'".into(),
            ),
            Self::ShapeOfOther { .. } => Some("use model => 'prophet', or leave these options out".into()),
            Self::Paths { .. } => Some(format!(
                "ask for 1 path or more, and for {MAX_POINTS} points of all paths at most, e.g. paths => 100"
            )),
            Self::Unsuited { .. } => Some("give NULL to leave a gap, or fit again: kpi.fit(s, ...)".into()),
            Self::NotObserved { .. } => Some(
                "fit it again with the new values: kpi.fit(s, ...); or take a model that is kept up, such as 'theta'"
                    .into(),
            ),
            Self::NotKept { .. } => Some(format!(
                "forecast with it directly: kpi.forecast(s, horizon, model); or fit one of {}",
                crate::Model::names().join(", ")
            )),
            Self::NotAfter { .. } => {
                Some("give values in the order of their times; after a correction fit again: kpi.fit(s, ...)".into())
            }
            Self::OffStep { .. } => Some(
                "give values at the steps of the series, e.g. with date_bin or date_trunc on the time".into(),
            ),
            Self::TooLate { .. } => Some("fit again: kpi.fit(s, ...)".into()),
            Self::Stored(kpi_stats::Error::Text { .. }) => {
                Some("give the text that this type prints; make new models with kpi.fit".into())
            }
            Self::Stored(_) => Some("store only what kpi.fit or kpi.observe returned, unchanged".into()),
            Self::Canceled => None,
        }
    }
}

impl From<kpi_stats::Error> for Error {
    fn from(error: kpi_stats::Error) -> Self {
        Self::Stored(error)
    }
}
