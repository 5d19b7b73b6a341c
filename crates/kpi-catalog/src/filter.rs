//! Filters: conditions over dimensions, typed by whoever reads a KPI.
//!
//! A filter runs with the rights of the KPI's owner, so it may contain comparisons, logic, arithmetic, casts between
//! built-in types and a handful of functions, and nothing else.

use sqlparser::ast::{Function, Ident};

use crate::aggregate::{self, Aggregate};
use crate::error::Error;
use crate::function::{self, Name};
use crate::identifier;
use crate::parse;
use crate::write::{self, Rules};

const WHAT: &str = "filter";

/// The functions that a filter may call.
pub(crate) const FUNCTIONS: [&str; 9] = [
    "lower",
    "upper",
    "coalesce",
    "nullif",
    "abs",
    "length",
    "trim",
    "substr",
    "substring",
];

/// A checked filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The condition as canonical SQL, every dimension in double quotes.
    pub sql: String,
    /// The dimensions that it names, each once.
    pub dimensions: Vec<String>,
}

/// Checks a condition over dimensions.
///
/// A name without quotes is looked up in lower case first and as it was typed second.
///
/// # Errors
/// [`Error::UndefinedDimension`] for a name that is no dimension, [`Error::FilterFunction`] and
/// [`Error::Unsupported`] for what a filter may not contain, and any error of syntax.
///
/// ```
/// let dimensions = ["region".to_owned(), "Channel".to_owned()];
/// let filter = kpi_catalog::filter("region IN ('EU','US') AND channel IS NOT NULL", &dimensions).unwrap_err();
/// assert_eq!(filter.hint().as_deref(), Some("perhaps you meant \"Channel\""));
/// let filter = kpi_catalog::filter("Region IN ('EU','US') AND Channel IS NOT NULL", &dimensions).unwrap();
/// assert_eq!(filter.sql, "\"region\" IN ('EU', 'US') AND \"Channel\" IS NOT NULL");
/// assert_eq!(filter.dimensions, ["region", "Channel"]);
/// ```
pub fn filter(text: &str, dimensions: &[String]) -> Result<Filter, Error> {
    let expr = parse::expression(WHAT, text)?;
    let mut condition = Condition {
        dimensions,
        used: Vec::new(),
    };
    let sql = write::expression(&mut condition, &expr, 0).map_err(|error| error.within(text))?;
    Ok(Filter {
        sql,
        dimensions: condition.used,
    })
}

struct Condition<'a> {
    dimensions: &'a [String],
    used: Vec<String>,
}

impl Rules for Condition<'_> {
    fn what(&self) -> &'static str {
        WHAT
    }

    fn strict(&self) -> bool {
        true
    }

    fn identifier(&mut self, ident: &Ident) -> Result<String, Error> {
        let folded = identifier::fold(ident);
        let name = [&folded, &ident.value]
            .into_iter()
            .find(|name| self.dimensions.contains(name));
        let Some(name) = name else {
            return Err(Error::UndefinedDimension {
                nearest: identifier::nearest(&folded, self.dimensions),
                name: ident.value.clone(),
                dimensions: self.dimensions.to_vec(),
            });
        };
        if !self.used.contains(name) {
            self.used.push(name.clone());
        }
        Ok(format!("\"{}\"", name.replace('"', "\"\"")))
    }

    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error> {
        let name = Name::of(WHAT, call)?;
        function::refuse_over(WHAT, &name, call)?;
        if Aggregate::of(&name).is_some() || aggregate::is_known_unmergeable(&name) {
            return Err(Error::Aggregate {
                what: WHAT,
                aggregate: name.key(),
            });
        }
        if name.schema.is_some() || !FUNCTIONS.contains(&name.name.as_str()) {
            return Err(Error::FilterFunction { function: name.key() });
        }
        function::scalar(self, &name, None, call, depth)
    }
}
