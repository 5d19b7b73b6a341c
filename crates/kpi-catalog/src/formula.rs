//! Formulas over aggregates: `sum(late)::float8 / count(*)`.

use sqlparser::ast::{Function, Ident};

use crate::aggregate::{self, Aggregate};
use crate::derived;
use crate::error::Error;
use crate::function::{self, Name};
use crate::identifier;
use crate::parse;
use crate::template::{Template, mark};
use crate::write::{self, Rules, unsupported};

pub(crate) const WHAT: &str = "formula";

/// What a formula is compiled against.
pub struct Context<'a> {
    /// The columns of the relation as they are in the catalog, in exactly that case.
    pub columns: &'a [String],
    /// Is this unqualified lower-case function name, or `schema.name`, an aggregate in the database?
    pub is_aggregate: &'a dyn Fn(&str) -> bool,
    /// May sketches stand in for `count(DISTINCT x)` and percentiles?
    pub approximate: bool,
}

/// A compiled formula: states over raw rows, and the value over the merged states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    /// The states, each once, in the order in which they are needed.
    pub states: Vec<State>,
    /// The value; place `i` is the merged state `i`.
    pub value: Template,
    /// The columns that the formula reads, each once.
    pub columns: Vec<String>,
    /// The formula as canonical SQL: equal text means equal formula.
    pub text: String,
}

/// A state over the raw rows of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// SQL over raw rows, such as `sum(amount) FILTER (WHERE status = 'late')`. Canonical: equal text, shared state.
    pub partial: String,
    /// How the states of several buckets become one.
    pub merge: Merge,
}

/// How states are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Merge {
    /// The sum of sums.
    Sum,
    /// The sum of counts.
    Count,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// True if all are.
    BoolAnd,
    /// True if any is.
    BoolOr,
    /// `kpi.rollup(state)`.
    Rollup,
}

/// Compiles a formula over aggregates into mergeable states and the value over them.
///
/// Outside of aggregates a division by zero gives NULL: `a / b` becomes `a / nullif(b, 0)`.
///
/// # Errors
/// Any [`Error`] except those of filters, periods and dimension names: whatever is not known to be safe and
/// mergeable is refused.
///
/// ```
/// use kpi_catalog::{Context, Merge, compile};
/// let columns = ["late".to_owned(), "region".to_owned()];
/// let context = Context { columns: &columns, is_aggregate: &|_| false, approximate: false };
/// let formula = compile("100 * sum(late) / COUNT(*)", &context).unwrap();
/// assert_eq!(formula.states[0].partial, "sum(late)");
/// assert_eq!(formula.states[1].partial, "count(*)");
/// assert_eq!(formula.states[1].merge, Merge::Count);
/// assert_eq!(formula.value.render(&|i| format!("s{i}")), "100 * (s0) / nullif((s1), 0)");
/// assert_eq!(formula.text, "100 * sum(late) / count(*)");
/// assert_eq!(formula.columns, ["late"]);
///
/// let error = compile("sum(lat)", &context).unwrap_err();
/// assert_eq!(error.hint().as_deref(), Some("perhaps you meant late"));
/// ```
pub fn compile(formula: &str, context: &Context) -> Result<Formula, Error> {
    if derived::is_derived(formula) {
        derived::compile_derived(formula)?;
        return Err(Error::Mixed {
            other: "columns".into(),
        });
    }
    let expr = parse::expression(WHAT, formula)?;
    let mut compiler = Compiler {
        context,
        states: Vec::new(),
        columns: Vec::new(),
        around: None,
        found: false,
        outside: None,
        text: true,
    };
    let text = write::expression(&mut compiler, &expr, 0).map_err(|error| error.within(formula))?;
    if !compiler.found {
        return Err(Error::NoAggregate {
            formula: formula.to_owned(),
            column: compiler.outside,
        });
    }
    if let Some(column) = compiler.outside {
        return Err(Error::ColumnOutside {
            column,
            formula: formula.to_owned(),
        });
    }
    compiler.text = false;
    let value = write::expression(&mut compiler, &expr, 0).map_err(|error| error.within(formula))?;
    let value = Template::from_marked(&value);
    Ok(Formula {
        states: compiler.states,
        value,
        columns: compiler.columns,
        text,
    })
}

/// The rules for formulas, and what has been found so far.
pub(crate) struct Compiler<'a> {
    context: &'a Context<'a>,
    states: Vec<State>,
    columns: Vec<String>,
    /// The aggregate whose arguments are being written.
    around: Option<String>,
    /// Has there been an aggregate?
    found: bool,
    /// The first column outside of aggregates.
    outside: Option<String>,
    /// Write the formula as it stands, not the value over its states.
    text: bool,
}

impl Compiler<'_> {
    /// Is the formula to be written as it stands?
    pub(crate) fn keeps_text(&self) -> bool {
        self.text
    }

    pub(crate) fn approximate(&self) -> bool {
        self.context.approximate
    }

    /// The mark for a state, which is added unless it is there already.
    pub(crate) fn state(&mut self, partial: String, merge: Merge) -> Result<String, Error> {
        let state = State { partial, merge };
        let index = self
            .states
            .iter()
            .position(|known| *known == state)
            .unwrap_or_else(|| {
                self.states.push(state);
                self.states.len() - 1
            });
        mark(index).map(String::from).ok_or_else(|| Error::TooComplex {
            what: WHAT,
            limit: "it has too many aggregates".into(),
        })
    }
}

impl Rules for Compiler<'_> {
    fn what(&self) -> &'static str {
        WHAT
    }

    fn guards_division(&self) -> bool {
        !self.text && self.around.is_none()
    }

    fn identifier(&mut self, ident: &Ident) -> Result<String, Error> {
        let column = column(WHAT, ident, self.context.columns)?;
        if self.around.is_none() && self.outside.is_none() {
            self.outside = Some(column.clone());
        }
        if !self.columns.contains(&column) {
            self.columns.push(column.clone());
        }
        Ok(identifier::quote(&column))
    }

    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error> {
        let name = Name::of(WHAT, call)?;
        if let Some(written) = aggregate::accessor(WHAT, &name, call) {
            return function::scalar(self, &name, Some(&written), call, depth);
        }
        let mergeable = Aggregate::of(&name);
        if mergeable.is_none()
            && !aggregate::is_known_unmergeable(&name)
            && !(self.context.is_aggregate)(&name.key())
        {
            return function::scalar(self, &name, None, call, depth);
        }
        function::refuse_over(WHAT, &name, call)?;
        if let Some(outer) = &self.around {
            return Err(Error::NestedAggregate {
                inner: name.key(),
                outer: outer.clone(),
            });
        }
        let Some(mergeable) = mergeable else {
            return Err(Error::NotMergeable {
                aggregate: name.key(),
            });
        };
        self.found = true;
        self.around = Some(name.key());
        let written = aggregate::call(self, mergeable, &name, call, depth);
        self.around = None;
        written
    }
}

/// The column that a name means, as PostgreSQL would find it.
pub(crate) fn column(what: &'static str, ident: &Ident, columns: &[String]) -> Result<String, Error> {
    let name = identifier::fold(ident);
    if ident.quote_style.is_none() && identifier::is_reserved(&name) {
        return Err(function::reserved(what, &name));
    }
    if ident.quote_style.is_some_and(|quote| quote != '"') {
        return Err(unsupported(what, "a name in these quotes"));
    }
    if columns.contains(&name) {
        return Ok(name);
    }
    let nearest = identifier::nearest(&name, columns);
    Err(Error::UndefinedColumn {
        column: name,
        nearest,
        columns: columns.to_vec(),
    })
}
