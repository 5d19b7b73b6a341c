//! Sums and counts, and ratios of these: formulas whose change can be split by dimension.

use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, UnaryOperator, Value,
};

use crate::derived;
use crate::error::Error;
use crate::formula::WHAT;
use crate::function::Name;
use crate::parse;
use crate::template::{is_mark, mark};
use crate::write::MAX_DEPTH;

/// The two sides of a formula, each a formula of its own whose groups add up to the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The sum, or what is above the line.
    pub numerator: String,
    /// What is below the line; none of a sum.
    pub denominator: Option<String>,
}

/// Splits a formula that is a sum, or a ratio of sums, into its sides; `None` where it is neither.
///
/// A sum is made of `sum`, `count` and references to other KPIs (which the caller knows to be sums or not) by plus, minus, constant factors,
/// casts, `coalesce(..., 0)` and `nullif(..., 0)`. A ratio of sums may have a constant factor and a constant added: `1 - a / b` is
/// `(b - a) / b`. `avg(x)` is `sum(x) / count(x)`.
///
/// # Errors
/// Any error of syntax.
///
/// ```
/// use kpi_catalog::sides;
/// let rate = sides("100.0 * sum(late) / count(*)").unwrap().unwrap();
/// assert_eq!(rate.numerator, "100.0 * sum(late)");
/// assert_eq!(rate.denominator.as_deref(), Some("count(*)"));
/// let mean = sides("avg(price) FILTER (WHERE paid)").unwrap().unwrap();
/// assert_eq!(mean.numerator, "sum(price) FILTER (WHERE paid)");
/// assert_eq!(mean.denominator.as_deref(), Some("count(price) FILTER (WHERE paid)"));
/// assert_eq!(sides("{revenue} - {cost}").unwrap().unwrap().denominator, None);
/// assert_eq!(sides("max(price)").unwrap(), None);
/// ```
pub fn sides(formula: &str) -> Result<Option<Sides>, Error> {
    if !derived::is_derived(formula) {
        return Ok(split(&parse::expression(WHAT, formula)?, 0));
    }
    let (codes, expr) = derived::parsed(formula)?;
    let named = |text: String| {
        let mut text = text;
        for (index, code) in codes.iter().enumerate() {
            let reference = mark(index).map(|mark| format!("\"{mark}\"")).unwrap_or_default();
            text = text.replace(&reference, &format!("{{{code}}}"));
        }
        text
    };
    Ok(split(&expr, 0).map(|sides| Sides {
        numerator: named(sides.numerator),
        denominator: sides.denominator.map(named),
    }))
}

fn split(expr: &Expr, depth: usize) -> Option<Sides> {
    if depth > MAX_DEPTH {
        return None;
    }
    if is_sum(expr, depth) {
        return Some(Sides {
            numerator: expr.to_string(),
            denominator: None,
        });
    }
    let ratio = |numerator: String, denominator: String| {
        Some(Sides {
            numerator,
            denominator: Some(denominator),
        })
    };
    match expr {
        Expr::Nested(inner) => split(inner, depth + 1),
        Expr::Cast {
            expr, format: None, ..
        } => split(expr, depth + 1),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => {
            let (numerator, denominator) = as_ratio(expr, depth)?;
            ratio(format!("-({numerator})"), denominator)
        }
        Expr::Function(call) => {
            plain(call, "avg").then_some(())?;
            ratio(
                renamed(call, "sum").to_string(),
                renamed(call, "count").to_string(),
            )
        }
        Expr::BinaryOp { left, op, right } => {
            let (left_constant, right_constant) = (is_constant(left, depth), is_constant(right, depth));
            match op {
                BinaryOperator::Divide if is_sum(left, depth) && is_sum(right, depth) => {
                    ratio(left.to_string(), right.to_string())
                }
                BinaryOperator::Divide if right_constant => {
                    let (numerator, denominator) = as_ratio(left, depth)?;
                    ratio(numerator, format!("({denominator}) * ({right})"))
                }
                BinaryOperator::Multiply if left_constant => {
                    let (numerator, denominator) = as_ratio(right, depth)?;
                    ratio(format!("({left}) * ({numerator})"), denominator)
                }
                BinaryOperator::Multiply if right_constant => {
                    let (numerator, denominator) = as_ratio(left, depth)?;
                    ratio(format!("({numerator}) * ({right})"), denominator)
                }
                BinaryOperator::Plus | BinaryOperator::Minus if left_constant => {
                    let (numerator, denominator) = as_ratio(right, depth)?;
                    ratio(
                        format!("({left}) * ({denominator}) {op} ({numerator})"),
                        denominator,
                    )
                }
                BinaryOperator::Plus | BinaryOperator::Minus if right_constant => {
                    let (numerator, denominator) = as_ratio(left, depth)?;
                    ratio(
                        format!("({numerator}) {op} ({right}) * ({denominator})"),
                        denominator,
                    )
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn as_ratio(expr: &Expr, depth: usize) -> Option<(String, String)> {
    let sides = split(expr, depth + 1)?;
    Some((sides.numerator, sides.denominator?))
}

/// Whether the value of all rows is the sum of those of any groups of them.
fn is_sum(expr: &Expr, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let sum = |expr: &Expr| is_sum(expr, depth + 1);
    let constant = |expr: &Expr| is_constant(expr, depth + 1);
    match expr {
        Expr::Nested(inner) => sum(inner),
        Expr::Cast {
            expr, format: None, ..
        } => sum(expr),
        Expr::UnaryOp { op, expr } => matches!(op, UnaryOperator::Minus | UnaryOperator::Plus) && sum(expr),
        Expr::Identifier(name) => is_reference(name),
        Expr::Function(call) if plain(call, "sum") || plain(call, "count") => true,
        Expr::Function(call) if plain(call, "coalesce") || plain(call, "nullif") => match arguments(call) {
            Some([first, second]) => sum(first) && is_zero(second),
            _ => false,
        },
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Plus | BinaryOperator::Minus => sum(left) && sum(right),
            BinaryOperator::Multiply => sum(left) && constant(right) || constant(left) && sum(right),
            BinaryOperator::Divide => sum(left) && constant(right),
            _ => false,
        },
        _ => false,
    }
}

/// A reference to another KPI is a name of marks only.
fn is_reference(name: &Ident) -> bool {
    name.quote_style == Some('"') && !name.value.is_empty() && name.value.chars().all(is_mark)
}

fn is_constant(expr: &Expr, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let constant = |expr: &Expr| is_constant(expr, depth + 1);
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Cast {
            expr, format: None, ..
        } => constant(expr),
        Expr::UnaryOp { op, expr } => {
            matches!(op, UnaryOperator::Minus | UnaryOperator::Plus) && constant(expr)
        }
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::BinaryOp { left, op, right } => {
            let known = matches!(
                op,
                BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::Divide
            );
            known && constant(left) && constant(right)
        }
        _ => false,
    }
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_zero(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.to_string().parse() == Ok(0.0),
            _ => false,
        },
        _ => false,
    }
}

/// Whether it is an ordinary call of this function, of all rows or those of a filter.
fn plain(call: &Function, wanted: &str) -> bool {
    let named = Name::of(WHAT, call).is_ok_and(|name| name.built_in() == Some(wanted));
    let FunctionArguments::List(list) = &call.args else {
        return false;
    };
    named
        && call.over.is_none()
        && call.within_group.is_empty()
        && list.clauses.is_empty()
        && list.duplicate_treatment != Some(DuplicateTreatment::Distinct)
}

/// Two arguments that are expressions.
fn arguments(call: &Function) -> Option<[&Expr; 2]> {
    let FunctionArguments::List(list) = &call.args else {
        return None;
    };
    match list.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(first)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(second)),
        ] => Some([first, second]),
        _ => None,
    }
}

/// The same call of another function.
fn renamed(call: &Function, name: &str) -> Function {
    let mut call = call.clone();
    call.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
    call
}
