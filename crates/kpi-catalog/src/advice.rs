//! What an error says beyond its message: the value that was wrong, and what to type instead.

use crate::aggregate::MERGEABLE;
use crate::error::Error;
use crate::filter::FUNCTIONS;
use crate::identifier::quote;

impl Error {
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
            Error::Subquery { what, place, text } => Some(format!(
                "there is a SELECT {place}; the {what} is: {}",
                shorten(text)
            )),
            Error::Window { function, .. } => Some(format!("the call of {function} has an OVER clause")),
            Error::NestedAggregate { inner, outer } => Some(format!("the call of {inner} is inside {outer}")),
            Error::NotMergeable { aggregate } => Some(format!(
                "the value of {aggregate} over a day cannot be computed from its values over the hours"
            )),
            Error::NeedsApproximate { aggregate } => {
                Some(format!("an exact {aggregate} needs all raw rows at every read"))
            }
            Error::Arguments { expected, .. } => Some(format!("it takes {expected}")),
            Error::Aggregate { aggregate, .. } => Some(format!("the aggregate is {aggregate}")),
            Error::Volatile { what: "filter", .. } => {
                Some("its result depends on when or by whom it is called".into())
            }
            Error::Volatile { .. } => Some(
                "its result depends on when or by whom it is called, so stored values would disagree".into(),
            ),
            Error::SetReturning { function, .. } => {
                Some(format!("the function {function} can return several rows"))
            }
            Error::FilterFunction { function } => Some(format!(
                "the function {function} is not on the list of functions for filters"
            )),
            Error::NotAccessor { function, .. } => Some(format!(
                "the function {function} does not read one value from a state"
            )),
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
            Error::Unsupported { what, text, .. } => Some(format!("the {what} is: {}", shorten(text))),
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
            Error::Trailing { what: "formula", rest, .. } if starts_with_word(rest, "where") => {
                "put the condition after the aggregate: sum(x) FILTER (WHERE ...)".into()
            }
            Error::Trailing { what: "formula", rest, .. } if starts_with_word(rest, "group") => {
                "leave GROUP BY out: kpi.value(..., by => '{dimension}') groups when the KPI is read".into()
            }
            Error::Trailing { what, .. } => {
                format!("a {what} is one expression: remove what follows it, or join the parts with an operator")
            }
            Error::Comment { .. } => "remove the comment; description => '...' is the place for words".into(),
            Error::TooComplex { .. } => {
                "split it into several KPIs and combine them: {a} + {b}, or compute a column in a view".into()
            }
            Error::NoAggregate { column, .. } => {
                let column = column.as_deref().map_or_else(|| "x".into(), quote);
                format!("wrap it in an aggregate, for example sum({column})")
            }
            Error::ColumnOutside { column, .. } => {
                let column = quote(column);
                format!("wrap it in an aggregate, for example sum({column}) or max({column})")
            }
            Error::UndefinedColumn { nearest: Some(nearest), .. }
            | Error::UndefinedDimension { nearest: Some(nearest), .. } => {
                format!("perhaps you meant {}", quote(nearest))
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
                FUNCTIONS.join(", ")
            ),
            Error::NotAccessor { nearest: Some(nearest), .. } => format!("perhaps you meant kpi.{nearest}"),
            Error::NotAccessor { .. } => {
                "use one that does, such as kpi.average or kpi.score; those that return rows or several columns are for queries".into()
            }
            Error::Parameter { .. } => "write the value itself".into(),
            Error::Qualified { column, .. } => {
                format!("a source has one relation, so leave the qualifier out: {}", quote(column))
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

/// Does the text begin with this word, in any case?
fn starts_with_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case(word))
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
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
