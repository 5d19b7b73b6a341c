//! A text with one column renamed, and every other character as it was typed.

use std::ops::Range;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident,
};

use crate::derived;
use crate::dimension;
use crate::error::Error;
use crate::formula::WHAT;
use crate::identifier;
use crate::parse;
use crate::write::{self, Rules};

/// Renames a column in a formula or in the expression of a dimension (with or without `name =>` before it).
///
/// `from` and `to` are names as they are in the catalog. Function names, strings, names of dimensions and everything
/// else stay as they are typed; the new name is quoted where it must be.
///
/// # Errors
/// Where the text cannot be parsed.
///
/// ```
/// use kpi_catalog::rename_column;
/// let renamed = rename_column("sum(Amount) / max(\"amount\") || 'amount'", "amount", "Net amount");
/// assert_eq!(renamed.unwrap(), "sum(\"Net amount\") / max(\"Net amount\") || 'amount'");
/// ```
pub fn rename_column(formula: &str, from: &str, to: &str) -> Result<String, Error> {
    if formula == from {
        return Ok(identifier::quote(to));
    }
    if let Some((name, expression)) = dimension::arrow(formula) {
        return Ok(format!("{name}=>{}", rename_column(expression, from, to)?));
    }
    // References name KPIs, never columns.
    if derived::is_derived(formula) {
        return Ok(formula.to_owned());
    }
    let expr = parse::expression(WHAT, formula)?;
    let mut search = Search {
        formula,
        from,
        found: Vec::new(),
    };
    write::expression(&mut search, &expr, 0)?;
    search.found.sort_by_key(|range| range.start);
    search.found.dedup();
    let mut renamed = String::new();
    let mut end = 0;
    for range in &search.found {
        renamed.push_str(formula.get(end..range.start).unwrap_or_default());
        renamed.push_str(&identifier::quote(to));
        end = range.end;
    }
    renamed.push_str(formula.get(end..).unwrap_or_default());
    Ok(renamed)
}

/// Collects where a column is named.
struct Search<'a> {
    formula: &'a str,
    from: &'a str,
    found: Vec<Range<usize>>,
}

impl Search<'_> {
    fn argument(&mut self, argument: &FunctionArg, depth: usize) -> Result<(), Error> {
        let (FunctionArg::Unnamed(argument)
        | FunctionArg::Named { arg: argument, .. }
        | FunctionArg::ExprNamed { arg: argument, .. }) = argument;
        match argument {
            FunctionArgExpr::Expr(expr) => self.expression(expr, depth),
            _ => Ok(()),
        }
    }

    fn expression(&mut self, expr: &Expr, depth: usize) -> Result<(), Error> {
        write::expression(self, expr, depth).map(drop)
    }
}

impl Rules for Search<'_> {
    fn what(&self) -> &'static str {
        WHAT
    }

    fn identifier(&mut self, ident: &Ident) -> Result<String, Error> {
        if identifier::fold(ident) == self.from {
            let byte = |location| {
                let character = parse::position(self.formula, location)? - 1;
                let ends = self
                    .formula
                    .char_indices()
                    .map(|(at, _)| at)
                    .chain([self.formula.len()]);
                ends.into_iter().nth(character)
            };
            if let (Some(start), Some(end)) = (byte(ident.span.start), byte(ident.span.end)) {
                self.found.push(start..end);
            }
        }
        Ok(String::new())
    }

    fn qualified(&mut self, parts: &[Ident]) -> Result<String, Error> {
        match parts.last() {
            Some(column) => self.identifier(column),
            None => Ok(String::new()),
        }
    }

    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error> {
        if let FunctionArguments::List(list) = &call.args {
            for argument in &list.args {
                self.argument(argument, depth)?;
            }
            for clause in &list.clauses {
                if let FunctionArgumentClause::OrderBy(orders) = clause {
                    for order in orders {
                        self.expression(&order.expr, depth)?;
                    }
                }
            }
        }
        for order in &call.within_group {
            self.expression(&order.expr, depth)?;
        }
        if let Some(filter) = &call.filter {
            self.expression(filter, depth)?;
        }
        Ok(String::new())
    }
}
