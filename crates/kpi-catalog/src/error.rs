//! What is wrong with a text, in words that say what to type instead.

use crate::aggregate::MERGEABLE;

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
        /// Which form of it.
        construct: &'static str,
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

    /// The value that was wrong.
    pub fn detail(&self) -> Option<String> {
        match self {
            Error::Empty { .. } => None,
            Error::Syntax {
                text,
                message,
                position,
                ..
            } => Some(match position {
                Some(position) => {
                    format!("{message}, at character {position} of: {}", shorten(text))
                }
                None => format!("{message}, in: {}", shorten(text)),
            }),
            Error::Trailing { rest, position, .. } => Some(match position {
                Some(position) => format!("at character {position} follows: {}", shorten(rest)),
                None => format!("what follows is: {}", shorten(rest)),
            }),
            Error::Comment { position, .. } => Some(format!("the comment starts at character {position}")),
            Error::TooComplex { limit, .. } => Some(limit.clone()),
            Error::NoAggregate { formula, .. } => Some(format!("the formula is: {}", shorten(formula))),
            Error::ColumnOutside { formula, .. } => Some(format!("the formula is: {}", shorten(formula))),
            Error::UndefinedColumn { columns, .. } => Some(match columns.len() {
                0 => "the relation has no columns".into(),
                _ => format!("the columns are: {}", list(columns)),
            }),
            Error::UndefinedDimension { dimensions, .. } => Some(match dimensions.len() {
                0 => "the source has no dimensions".into(),
                _ => format!("the dimensions are: {}", list(dimensions)),
            }),
            Error::Subquery { construct, .. } => Some(format!("the subquery is in {construct}")),
            Error::Window { function, .. } => Some(format!("{function} has an OVER clause")),
            Error::NestedAggregate { inner, outer } => Some(format!("{inner} is called inside {outer}")),
            Error::NotMergeable { aggregate } => Some(format!(
                "the value of {aggregate} over a day cannot be computed from its values over the hours"
            )),
            Error::NeedsApproximate { aggregate } => {
                Some(format!("an exact {aggregate} needs all raw rows at every read"))
            }
            Error::Arguments { expected, .. } => Some(format!("it takes {expected}")),
            Error::Aggregate { aggregate, .. } => Some(format!("the aggregate is {aggregate}")),
            Error::Volatile { .. } => Some(
                "its result depends on when or by whom it is called, so stored values would disagree".into(),
            ),
            Error::SetReturning { function, .. } => Some(format!("{function} can return several rows")),
            Error::FilterFunction { function } => {
                Some(format!("{function} is not on the list of functions for filters"))
            }
            Error::Parameter { parameter, .. } => Some(format!("the parameter is {}", shorten(parameter))),
            Error::Qualified { written, .. } => Some(format!("it is written as {}", shorten(written))),
            Error::Mixed { .. } => {
                Some("references are combined after the KPIs behind them are computed".into())
            }
            Error::NoReference { formula } => Some(format!("the formula is: {}", shorten(formula))),
            Error::EmptyReference { position } => Some(format!(
                "there is nothing between the braces at character {position}"
            )),
            Error::Brace { position } => Some(format!("the brace at character {position} has no partner")),
            Error::Unsupported { .. } => None,
            Error::DimensionName { text, .. } => Some(format!("the dimension is: {}", shorten(text))),
            Error::Period { text } => Some(format!("the period is \"{}\"", shorten(text))),
        }
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Empty { what: "formula" } => {
                "type an aggregate expression, for example sum(amount) or count(*)".into()
            }
            Error::Empty { what: "filter" } => {
                "leave the filter out, or type a condition on dimensions, for example region = 'EU'".into()
            }
            Error::Empty { .. } => "type the name of a column, or name => expression".into(),
            Error::Syntax { what, .. } => {
                format!("a {what} is one SQL expression, without SELECT and without a semicolon")
            }
            Error::Trailing { what, .. } => {
                format!("a {what} is one expression: remove what follows it, or join the parts with an operator")
            }
            Error::Comment { .. } => "remove the comment; description => '...' is the place for words".into(),
            Error::TooComplex { .. } => {
                "split it into several KPIs and combine them: {a} + {b}, or compute a column in a view".into()
            }
            Error::NoAggregate { column, .. } => {
                format!("wrap it in an aggregate, for example sum({})", column.as_deref().unwrap_or("x"))
            }
            Error::ColumnOutside { column, .. } => {
                format!("wrap it in an aggregate, for example sum({column}) or max({column}), or make it a dimension of the source")
            }
            Error::UndefinedColumn { nearest: Some(nearest), .. }
            | Error::UndefinedDimension { nearest: Some(nearest), .. } => {
                format!("perhaps you meant {}", crate::identifier::quote(nearest))
            }
            Error::UndefinedColumn { .. } => "use one of the columns of the source's relation".into(),
            Error::UndefinedDimension { .. } => "use one of the dimensions of the source".into(),
            Error::Subquery { what, .. } => {
                format!("join the tables in a view, make the view the source, and use its columns in the {what}")
            }
            Error::Window { .. } => {
                "compute the KPI first: window functions work over the rows of kpi.value(...)".into()
            }
            Error::NestedAggregate { .. } => {
                "compute the inner aggregate in a view, or define two KPIs and combine them: {a} / {b}".into()
            }
            Error::NotMergeable { .. } => format!("aggregates that can be merged are {MERGEABLE}"),
            Error::NeedsApproximate { .. } => {
                "say approximate => true to keep a sketch, which merges with a small known error".into()
            }
            Error::Arguments { function, .. } => format!("correct the call of {function}"),
            Error::Aggregate { what: "filter", .. } => {
                "a filter is a condition on dimensions; aggregate in the formula: sum(x) FILTER (WHERE ...)".into()
            }
            Error::Aggregate { .. } => "use an expression of a single row, for example lower(region)".into(),
            Error::Volatile { .. } => {
                "use columns and constants only; the time range is given when the KPI is read".into()
            }
            Error::SetReturning { .. } => "expand the rows in a view and make the view the source".into(),
            Error::FilterFunction { .. } => format!(
                "functions for filters are {}; anything else can be made a dimension: name => expression",
                crate::filter::FUNCTIONS.join(", ")
            ),
            Error::Parameter { .. } => "write the value itself".into(),
            Error::Qualified { column, .. } => {
                format!("a source has one relation, so leave the qualifier out: {}", crate::identifier::quote(column))
            }
            Error::Mixed { .. } => {
                "make the aggregate a KPI of its own and refer to it in braces: {a} / {b}".into()
            }
            Error::NoReference { .. } => "write the code of a KPI in braces, for example {revenue}".into(),
            Error::EmptyReference { .. } => "write the code of a KPI between the braces, for example {revenue}".into(),
            Error::Brace { .. } => "write a reference to a KPI as {code}".into(),
            Error::Unsupported { what: "filter", .. } => {
                "a filter compares dimensions with constants: =, <>, <, >, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT".into()
            }
            Error::Unsupported { .. } => {
                "compute it as a column of a view and make the view the source".into()
            }
            Error::DimensionName { .. } => {
                "name it in at most 63 bytes: name => expression, for example area => lower(region)".into()
            }
            Error::Period { .. } => "use minute, hour, day, week, month, quarter or year".into(),
        })
    }
}

/// A text as it can stand in a message: at most 200 characters.
fn shorten(text: &str) -> String {
    const MOST: usize = 200;
    let text = text.trim();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Names in a message: the first twenty.
fn list(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut text = names
        .iter()
        .take(MOST)
        .map(|name| crate::identifier::quote(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
