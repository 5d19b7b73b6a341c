//! The one place where an error becomes a PostgreSQL error: SQLSTATE, message, DETAIL and HINT.
//!
//! Every crate below has one error enum with a `Display` message (lower case, no full stop), a `detail()` that
//! holds the offending value and a `hint()` that says what to type instead. Here each variant gets its SQLSTATE.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// An error on its way to the client.
#[derive(Debug)]
pub struct Error {
    code: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// An error with a SQLSTATE and a message (lower case, no full stop).
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Adds the value that was wrong.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what to type instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint where there is one.
    pub fn hint_opt(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Adds a detail where there is one.
    pub fn detail_opt(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let mut report = ErrorReport::new(error.code, error.message, "");
        if let Some(detail) = error.detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = error.hint {
            report = report.set_hint(hint);
        }
        report
    }
}

/// A clause as PostgreSQL writes DETAIL and HINT: a capital in front, a full stop behind.
fn sentence(clause: String) -> String {
    let mut characters = clause.chars();
    let Some(first) = characters.next() else {
        return clause;
    };
    let stop = if clause.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.to_uppercase(), characters.as_str())
}

impl From<kpi_catalog::Error> for Error {
    fn from(error: kpi_catalog::Error) -> Self {
        let code = match error.kind() {
            kpi_catalog::Kind::Syntax => PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
            kpi_catalog::Kind::UndefinedColumn => PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            kpi_catalog::Kind::FeatureNotSupported => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            kpi_catalog::Kind::InvalidParameter => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            kpi_catalog::Kind::Grouping => PgSqlErrorCode::ERRCODE_GROUPING_ERROR,
            kpi_catalog::Kind::InvalidObjectDefinition => PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail().map(sentence))
            .hint_opt(error.hint().map(sentence))
    }
}

impl From<kpi_series::Error> for Error {
    fn from(error: kpi_series::Error) -> Self {
        use kpi_series::Error as E;
        let code = match error {
            E::TooManyPoints | E::GridTooFine => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            E::InfiniteTime { .. } | E::TimeOutOfRange { .. } | E::StepOutOfRange { .. } => {
                PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW
            }
            E::BucketOutOfRange | E::OriginInfinite => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            E::IntegerBucketOutOfRange { .. } => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            E::WidthMixed { .. } | E::WidthNotDays { .. } => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            E::WidthNotPositive { .. } | E::IntegerWidthNotPositive { .. } => {
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE
            }
            E::StepNotPositive { .. }
            | E::UnknownFill { .. }
            | E::NumberOutOfRange { .. }
            | E::GapNegative { .. }
            | E::SettingsDiffer { .. }
            | E::UnknownArithmetic { .. }
            | E::UnknownFillMethod { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            E::BadLambda { .. } => PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
            E::BadText { .. } => PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            E::BadBytes { .. } => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail())
            .hint_opt(error.hint())
    }
}

impl From<kpi_forecast::Error> for Error {
    fn from(error: kpi_forecast::Error) -> Self {
        use kpi_forecast::Error as E;
        use kpi_forecast::reconcile::HierarchyError;
        // DETAIL and HINT of bytes and texts are sentences, as those of other stored states.
        if let E::Stored(stored) = &error {
            let hint = error.hint().map(sentence);
            return Self::from(stored.clone()).hint_opt(hint);
        }
        let mut innermost = &error;
        while let E::Node { error, .. } = innermost {
            innermost = error;
        }
        let code = match innermost {
            E::Hierarchy(HierarchyError::TooLarge { .. }) => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            E::NotObserved { .. } | E::NotKept { .. } => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            E::Stored(_) => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            E::Unsuited { .. }
            | E::NotAfter { .. }
            | E::OffStep { .. }
            | E::TooLate { .. }
            | E::Horizon { .. }
            | E::Level { .. }
            | E::Season { .. }
            | E::Seasons { .. }
            | E::Window { .. }
            | E::UnknownModel { .. }
            | E::RegressorMissing { .. }
            | E::RegressorsEnd { .. }
            | E::RegressorDependent { .. }
            | E::Regressors { .. }
            | E::ModelWithoutRegressors { .. }
            | E::NoHoliday { .. }
            | E::HolidayWindow { .. }
            | E::UnknownMetric { .. }
            | E::Folds { .. }
            | E::NoFolds { .. }
            | E::Bounds { .. }
            | E::Lambda { .. }
            | E::NotPositive { .. }
            | E::FewErrors { .. }
            | E::Paths { .. }
            | E::Capacity { .. }
            | E::ShapeOfOther { .. }
            | E::TooShort { .. }
            | E::Empty { .. }
            | E::NoStep { .. }
            | E::Hierarchy(_)
            | E::Node { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            E::NoTime { .. } => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            E::Overflow { .. } | E::Endless { .. } => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            E::Canceled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail())
            .hint_opt(error.hint())
    }
}

impl From<kpi_forecast::reconcile::HierarchyError> for Error {
    fn from(error: kpi_forecast::reconcile::HierarchyError) -> Self {
        kpi_forecast::Error::from(error).into()
    }
}

impl From<kpi_anomaly::Error> for Error {
    fn from(error: kpi_anomaly::Error) -> Self {
        use kpi_anomaly::Error as E;
        match error {
            // DETAIL and HINT of bytes and texts are sentences, as those of other stored states.
            E::Stored(stored) => return stored.into(),
            E::Features(error) => return error.into(),
            _ => {}
        }
        let code = match error {
            E::Stored(_) => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            E::Features(_)
            | E::Threshold { .. }
            | E::DetectorSeason { .. }
            | E::UnknownMethod { .. }
            | E::UnknownDirection { .. }
            | E::Unknown { .. }
            | E::Season { .. }
            | E::Window { .. }
            | E::OptionRange { .. }
            | E::Forecast { .. }
            | E::Penalty { .. }
            | E::SegmentSize { .. }
            | E::TooShort { .. }
            | E::Empty { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            E::SearchWithoutTrend => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            E::TooLong { .. } => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            E::Overflow { .. } => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            E::Canceled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail())
            .hint_opt(error.hint())
    }
}

impl From<kpi_anomaly::FeatureError> for Error {
    fn from(error: kpi_anomaly::FeatureError) -> Self {
        use kpi_anomaly::FeatureError as E;
        let code = match error {
            E::Stored(stored) => return stored.into(),
            E::Width { .. }
            | E::Features { .. }
            | E::Trees { .. }
            | E::Sample { .. }
            | E::TooFew { .. }
            | E::Dependent { .. }
            | E::UnknownMethod { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            E::SampleTooLarge { .. } | E::ForestTooLarge { .. } => {
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED
            }
            E::Overflow { .. } => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            E::Canceled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail().map(sentence))
            .hint_opt(error.hint().map(sentence))
    }
}

impl From<kpi_archive::Error> for Error {
    fn from(error: kpi_archive::Error) -> Self {
        use kpi_archive::ErrorKind as K;
        if error.kind() == K::Canceled {
            crate::archive::raise_cancel();
        }
        let code = match error.kind() {
            K::Canceled => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
            K::Unavailable => PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
            K::Denied => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            K::NotFound => PgSqlErrorCode::ERRCODE_UNDEFINED_FILE,
            K::Corrupt => PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            K::Configuration => PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
            K::Unsupported => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            K::NotRepresentable => PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            K::Limit => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        };
        Self::new(code, error.to_string())
            .detail_opt(error.detail())
            .hint_opt(error.hint())
    }
}

impl From<kpi_stats::Error> for Error {
    fn from(error: kpi_stats::Error) -> Self {
        use kpi_stats::Error as Stats;
        let code = match &error {
            Stats::Overflow(_) | Stats::Percentile(_) => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            Stats::UnknownMethod(_)
            | Stats::RegisterCount(_)
            | Stats::Argument { .. }
            | Stats::Different { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Stats::HistogramBounds { .. } | Stats::BucketCount(_) | Stats::NotANumber => {
                PgSqlErrorCode::ERRCODE_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION
            }
            Stats::InfiniteTime { .. } => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            Stats::Overlap { .. } => PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            Stats::TooManyStates(_) => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            Stats::Neighbour { .. }
            | Stats::EmptyRange { .. }
            | Stats::NoBounds
            | Stats::OutsideBounds { .. }
            | Stats::UnknownExtrapolation(_)
            | Stats::UnknownWeighting(_)
            | Stats::MixedWeighting
            | Stats::UnknownUnit(_)
            | Stats::Liveness(_) => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Stats::Corrupt { .. } => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            Stats::Text { .. } => PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
        };
        Error::new(code, error.to_string())
            .detail_opt(error.detail())
            .hint_opt(error.hint())
    }
}

/// An argument that has no default and may not be NULL.
pub fn required<T>(argument: Option<T>, name: &str) -> Result<T, Error> {
    argument.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{name} must not be null"),
        )
        .detail(format!("The argument {name} has no default."))
        .hint(format!("Give it a value: {name} => ..."))
    })
}
