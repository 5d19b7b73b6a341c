//! Dimensions: a column, or `name => expression` over the columns of one row.

use sqlparser::ast::{Function, Ident};

use crate::aggregate::{self, Aggregate};
use crate::error::Error;
use crate::formula::column;
use crate::function::{self, Name};
use crate::identifier;
use crate::parse;
use crate::write::{self, Rules};

const WHAT: &str = "dimension";
/// Longest name, in bytes: PostgreSQL cuts names after 63.
const MAX_NAME: usize = 63;

/// A dimension of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// The name under which people ask for it.
    pub name: String,
    /// The expression as canonical SQL.
    pub expression: String,
    /// The columns that it reads, each once.
    pub columns: Vec<String>,
}

/// Reads a dimension: the name of a column, or `name => expression`.
///
/// A text that is exactly the name of a column is that column, whatever characters it has.
///
/// # Errors
/// [`Error::DimensionName`] for a name that is missing, empty or longer than 63 bytes, and any error of the
/// expression.
///
/// ```
/// let columns = ["Region".to_owned(), "ordered at".to_owned()];
/// let plain = kpi_catalog::dimension("ordered at", &columns).unwrap();
/// assert_eq!((plain.name.as_str(), plain.expression.as_str()), ("ordered at", "\"ordered at\""));
/// let computed = kpi_catalog::dimension("area => lower(\"Region\")", &columns).unwrap();
/// assert_eq!((computed.name.as_str(), computed.expression.as_str()), ("area", "lower(\"Region\")"));
/// assert_eq!(computed.columns, ["Region"]);
/// ```
pub fn dimension(text: &str, columns: &[String]) -> Result<Dimension, Error> {
    if text.trim().is_empty() {
        return Err(Error::Empty { what: WHAT });
    }
    if let Some(exact) = columns.iter().find(|column| column.as_str() == text) {
        return Ok(Dimension {
            name: exact.clone(),
            expression: identifier::quote(exact),
            columns: vec![exact.clone()],
        });
    }
    let (name, expression) = match arrow(text) {
        Some((name, expression)) => (Some(check_name(name, text)?), expression),
        None => (None, text),
    };
    let expr = parse::expression(WHAT, expression)?;
    let mut row = Row {
        columns,
        used: Vec::new(),
    };
    let expression = write::expression(&mut row, &expr, 0).map_err(|error| error.within(text))?;
    let name = match (name, row.used.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) if expression == identifier::quote(only) => check_name(only, text)?,
        (None, _) => {
            return Err(Error::DimensionName {
                reason: "an expression needs a name",
                text: text.to_owned(),
            });
        }
    };
    Ok(Dimension {
        name,
        expression,
        columns: row.used,
    })
}

/// The name before the first `=>` outside of quotes, and what follows it.
pub(crate) fn arrow(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            // Inside a call the arrow names an argument.
            None if c == '(' => return None,
            None => {
                if let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix("=>")) {
                    return Some((text.get(..at)?, rest));
                }
            }
        }
    }
    None
}

/// The name as typed, without white space around it and without quotes.
fn check_name(name: &str, text: &str) -> Result<String, Error> {
    let wrong = |reason| {
        Err(Error::DimensionName {
            reason,
            text: text.to_owned(),
        })
    };
    let name = name.trim();
    let name = match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_owned(),
    };
    if name.trim().is_empty() {
        return wrong("the name of the dimension is empty");
    }
    if name.len() > MAX_NAME {
        return wrong("the name of the dimension is longer than 63 bytes");
    }
    if name.chars().any(char::is_control) {
        return wrong("the name of the dimension contains a control character");
    }
    Ok(name)
}

/// The rules for expressions over one row.
struct Row<'a> {
    columns: &'a [String],
    used: Vec<String>,
}

impl Rules for Row<'_> {
    fn what(&self) -> &'static str {
        WHAT
    }

    fn identifier(&mut self, ident: &Ident) -> Result<String, Error> {
        let column = column(WHAT, ident, self.columns)?;
        if !self.used.contains(&column) {
            self.used.push(column.clone());
        }
        Ok(identifier::quote(&column))
    }

    /// One relation is all there is, so a qualifier says nothing and is left out.
    fn qualified(&mut self, parts: &[Ident]) -> Result<String, Error> {
        match parts {
            [_, column] => self.identifier(column),
            _ => Err(Error::Qualified {
                written: parts
                    .iter()
                    .map(|part| part.value.as_str())
                    .collect::<Vec<_>>()
                    .join("."),
                column: parts.last().map(identifier::fold).unwrap_or_default(),
            }),
        }
    }

    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error> {
        let name = Name::of(WHAT, call)?;
        if Aggregate::of(&name).is_some() || aggregate::is_known_unmergeable(&name) {
            function::refuse_over(WHAT, &name, call)?;
            return Err(Error::Aggregate {
                what: WHAT,
                aggregate: name.key(),
            });
        }
        function::scalar(self, &name, None, call, depth)
    }
}
