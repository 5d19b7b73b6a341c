//! What is wrong with a text, in words that say what to type instead.

/// The class of an error, from which the caller picks the SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 42601, `syntax_error`.
    Syntax,
    /// 42703, `undefined_column`.
    UndefinedColumn,
    /// 0A000, `feature_not_supported`.
    FeatureNotSupported,
    /// 22023, `invalid_parameter_value`.
    InvalidParameter,
    /// 42803, `grouping_error`.
    Grouping,
    /// 42P17, `invalid_object_definition`.
    InvalidObjectDefinition,
}

/// Why a formula, dimension, filter or period cannot be used.
///
/// `Display` is the message (lower case, no full stop), [`Error::detail`] the offending value and [`Error::hint`]
/// what to type instead.
///
/// ```
/// let error = kpi_catalog::period("fortnight").unwrap_err();
/// assert_eq!(error.to_string(), "unknown period");
/// assert_eq!(error.detail().as_deref(), Some("the period is \"fortnight\""));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text holds nothing but white space.
    #[error("the {what} is empty")]
    Empty {
        /// What was parsed: `formula`, `dimension` or `filter`.
        what: &'static str,
    },
    /// The parser does not understand the text.
    #[error("syntax error in the {what}")]
    Syntax {
        /// What was parsed.
        what: &'static str,
        /// The whole text.
        text: String,
        /// The parser's words.
        message: String,
        /// Where, counted in characters from 1.
        position: Option<usize>,
    },
    /// One expression was read, and more text follows.
    #[error("the {what} goes on after its expression")]
    Trailing {
        /// What was parsed.
        what: &'static str,
        /// What follows.
        rest: String,
        /// Where it starts, counted in characters from 1.
        position: Option<usize>,
    },
    /// A comment, which would hide text from the reader.
    #[error("a {what} cannot contain a comment")]
    Comment {
        /// What was parsed.
        what: &'static str,
        /// Where the comment starts, counted in characters from 1.
        position: usize,
    },
    /// Too long or too deeply nested to be handled safely.
    #[error("the {what} is too complex")]
    TooComplex {
        /// What was parsed.
        what: &'static str,
        /// Which limit was passed.
        limit: String,
    },
    /// A formula that aggregates nothing.
    #[error("the formula contains no aggregate")]
    NoAggregate {
        /// The formula.
        formula: String,
        /// A column in it that could be aggregated.
        column: Option<String>,
    },
    /// A column that is not inside an aggregate.
    #[error("column \"{column}\" must be inside an aggregate")]
    ColumnOutside {
        /// The column.
        column: String,
        /// The formula.
        formula: String,
    },
    /// No such column.
    #[error("column \"{column}\" does not exist")]
    UndefinedColumn {
        /// The name as PostgreSQL reads it (folded to lower case if it was not quoted).
        column: String,
        /// The existing column that is most like it.
        nearest: Option<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// A filter names something that is not a dimension.
    #[error("\"{name}\" is not a dimension")]
    UndefinedDimension {
        /// The name.
        name: String,
        /// The dimension that is most like it.
        nearest: Option<String>,
        /// All dimensions.
        dimensions: Vec<String>,
    },
    /// `SELECT` in any form.
    #[error("a {what} cannot contain a subquery")]
    Subquery {
        /// What was parsed.
        what: &'static str,
        /// Where it is.
        place: &'static str,
        /// The whole text.
        text: String,
    },
    /// `OVER (...)`.
    #[error("a {what} cannot contain a window function")]
    Window {
        /// What was parsed.
        what: &'static str,
        /// The function.
        function: String,
    },
    /// An aggregate inside an aggregate.
    #[error("an aggregate cannot contain another aggregate")]
    NestedAggregate {
        /// The inner one.
        inner: String,
        /// The outer one.
        outer: String,
    },
    /// An aggregate without a mergeable state.
    #[error("aggregate {aggregate} cannot be merged from parts")]
    NotMergeable {
        /// The aggregate, with the modifier that is the reason if it is one, as in `sum(DISTINCT ...)`.
        aggregate: String,
    },
    /// An aggregate that only has a mergeable state when an approximation will do.
    #[error("aggregate {aggregate} can only be merged approximately")]
    NeedsApproximate {
        /// The aggregate.
        aggregate: String,
    },
    /// An aggregate or function is given the wrong arguments.
    #[error("wrong arguments for {function}")]
    Arguments {
        /// The function.
        function: String,
        /// What it takes.
        expected: String,
    },
    /// An aggregate where none can be.
    #[error("a {what} cannot contain an aggregate")]
    Aggregate {
        /// What was parsed.
        what: &'static str,
        /// The aggregate.
        aggregate: String,
    },
    /// A function whose result differs from call to call, session to session, or that acts on the database.
    #[error("a {what} cannot call {function}")]
    Volatile {
        /// What was parsed.
        what: &'static str,
        /// The function or the literal.
        function: String,
    },
    /// A function that returns several rows.
    #[error("a {what} cannot call the set-returning function {function}")]
    SetReturning {
        /// What was parsed.
        what: &'static str,
        /// The function.
        function: String,
    },
    /// A function that is not on the short list for filters.
    #[error("a filter cannot call {function}")]
    FilterFunction {
        /// The function.
        function: String,
    },
    /// A function of ours around a state that does not read one value from it.
    #[error("a {what} cannot call {function}")]
    NotAccessor {
        /// What was parsed.
        what: &'static str,
        /// The function.
        function: String,
        /// The function that reads one value and has the name most like it.
        nearest: Option<String>,
    },
    /// `$1` and its like.
    #[error("a {what} cannot contain a parameter")]
    Parameter {
        /// What was parsed.
        what: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// `o.amount`: the source is one relation, so there is nothing to tell apart.
    #[error("column \"{column}\" cannot be qualified here")]
    Qualified {
        /// The name as written.
        written: String,
        /// Its last part.
        column: String,
    },
    /// `{code}` and aggregates in one formula.
    #[error("a formula cannot mix references to KPIs with {other}")]
    Mixed {
        /// The aggregate or column beside the references.
        other: String,
    },
    /// A formula over other KPIs that names none.
    #[error("the formula refers to no KPI")]
    NoReference {
        /// The formula.
        formula: String,
    },
    /// `{}`.
    #[error("empty reference to a KPI")]
    EmptyReference {
        /// Where, counted in characters from 1.
        position: usize,
    },
    /// `{` without `}` or the other way round.
    #[error("unbalanced brace in the formula")]
    Brace {
        /// Where, counted in characters from 1.
        position: usize,
    },
    /// Any other piece of SQL that is not on the list of what is allowed.
    #[error("a {what} cannot contain {construct}")]
    Unsupported {
        /// What was parsed.
        what: &'static str,
        /// The piece of SQL.
        construct: String,
        /// The whole text.
        text: String,
    },
    /// A dimension whose name is empty, too long or missing.
    #[error("{reason}")]
    DimensionName {
        /// What is wrong with it.
        reason: &'static str,
        /// The text of the dimension.
        text: String,
    },
    /// Not one of the periods.
    #[error("unknown period")]
    Period {
        /// What was given.
        text: String,
    },
}

impl Error {
    /// The error with the text in which it was found, where it tells that.
    pub(crate) fn within(mut self, whole: &str) -> Self {
        if let Error::Unsupported { text, .. } | Error::Subquery { text, .. } = &mut self {
            whole.clone_into(text);
        }
        self
    }

    /// The class of the error.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Empty { .. }
            | Error::Syntax { .. }
            | Error::Trailing { .. }
            | Error::Comment { .. }
            | Error::EmptyReference { .. }
            | Error::Brace { .. } => Kind::Syntax,
            Error::UndefinedColumn { .. } | Error::UndefinedDimension { .. } => Kind::UndefinedColumn,
            Error::Subquery { .. }
            | Error::Window { .. }
            | Error::NotMergeable { .. }
            | Error::NeedsApproximate { .. }
            | Error::SetReturning { .. }
            | Error::FilterFunction { .. }
            | Error::NotAccessor { .. }
            | Error::Parameter { .. }
            | Error::Qualified { .. }
            | Error::Unsupported { .. }
            | Error::TooComplex { .. } => Kind::FeatureNotSupported,
            Error::Arguments { .. } | Error::DimensionName { .. } | Error::Period { .. } => {
                Kind::InvalidParameter
            }
            Error::NoAggregate { .. }
            | Error::ColumnOutside { .. }
            | Error::NestedAggregate { .. }
            | Error::Aggregate { .. } => Kind::Grouping,
            Error::Volatile { .. } | Error::Mixed { .. } | Error::NoReference { .. } => {
                Kind::InvalidObjectDefinition
            }
        }
    }
}
