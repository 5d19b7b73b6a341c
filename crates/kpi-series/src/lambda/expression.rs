//! What a lambda is after parsing, and its value for a point.

use std::cmp::Ordering;

/// A value on the way. The kinds fit wherever the parser let them pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Number(f64),
    /// Microseconds since 2000-01-01 UTC.
    Time(i64),
    /// Microseconds.
    Span(i64),
    Bool(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Time,
    Span,
    Bool,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Time => "a time",
            Self::Span => "a span",
            Self::Bool => "a condition",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
    Power,
}

#[derive(Debug)]
pub(super) enum Expression {
    Constant(Value),
    /// A place in the values: 0 is `$value`, 1 is `$time`, then the names that `let` has made.
    Variable(usize),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<(Expression, Expression)>),
    Unary(fn(f64) -> f64, Box<Expression>),
    OfTwo(fn(f64, f64) -> f64, Box<(Expression, Expression)>),
}

impl Expression {
    /// The value; `None` is NULL, what is computed of the value of a gap.
    pub(super) fn value(&self, variables: &[Option<Value>]) -> Option<Value> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Variable(place) => variables.get(*place).copied().flatten(),
            Self::Negative(inner) => match inner.value(variables)? {
                Value::Span(micros) => Some(Value::Span(micros.saturating_neg())),
                other => Some(Value::Number(-number(other))),
            },
            Self::Not(inner) => Some(Value::Bool(!truth(inner.value(variables)?))),
            Self::Binary(operator @ (Operator::And | Operator::Or), sides) => {
                // Either side alone may decide, even if the other one is unknown.
                let deciding = *operator == Operator::Or;
                let (left, right) = (
                    sides.0.value(variables).map(truth),
                    sides.1.value(variables).map(truth),
                );
                if left == Some(deciding) || right == Some(deciding) {
                    return Some(Value::Bool(deciding));
                }
                (left.is_some() && right.is_some()).then_some(Value::Bool(!deciding))
            }
            Self::Binary(operator, sides) => Some(binary(
                *operator,
                sides.0.value(variables)?,
                sides.1.value(variables)?,
            )),
            Self::Unary(function, inner) => Some(Value::Number(function(number(inner.value(variables)?)))),
            Self::OfTwo(function, sides) => Some(Value::Number(function(
                number(sides.0.value(variables)?),
                number(sides.1.value(variables)?),
            ))),
        }
    }
}

fn number(value: Value) -> f64 {
    match value {
        Value::Number(number) => number,
        _ => f64::NAN,
    }
}

fn truth(value: Value) -> bool {
    value == Value::Bool(true)
}

fn binary(operator: Operator, left: Value, right: Value) -> Value {
    use Operator as O;
    use Value::{Bool, Number, Span, Time};
    // Times that leave the range are refused when they are put into a series; the largest integer would be infinity.
    let moved = |time: i64, by: i64| Time(time.saturating_add(by).clamp(-i64::MAX, i64::MAX - 1));
    match (operator, left, right) {
        (O::Plus, Number(a), Number(b)) => Number(a + b),
        (O::Minus, Number(a), Number(b)) => Number(a - b),
        (O::Times, Number(a), Number(b)) => Number(a * b),
        (O::Over, Number(a), Number(b)) => Number(a / b),
        (O::Modulo, Number(a), Number(b)) => Number(a % b),
        (O::Power, Number(a), Number(b)) => Number(a.powf(b)),
        (O::Plus, Time(time), Span(by)) | (O::Plus, Span(by), Time(time)) => moved(time, by),
        (O::Minus, Time(time), Span(by)) => moved(time, by.saturating_neg()),
        (O::Minus, Time(a), Time(b)) | (O::Minus, Span(a), Span(b)) => Span(a.saturating_sub(b)),
        (O::Plus, Span(a), Span(b)) => Span(a.saturating_add(b)),
        (O::Times, Span(span), Number(by)) | (O::Times, Number(by), Span(span)) => {
            Span((span as f64 * by).round() as i64)
        }
        (O::Over, Span(span), Number(by)) => Span((span as f64 / by).round() as i64),
        (O::Over, Span(a), Span(b)) => Number(a as f64 / b as f64),
        _ => {
            let order = order(left, right);
            Bool(match operator {
                O::Equal => order.is_eq(),
                O::Unequal => order.is_ne(),
                O::Less => order.is_lt(),
                O::LessOrEqual => order.is_le(),
                O::Greater => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// As PostgreSQL orders doubles: NaN equals itself and is above all others.
fn order(left: Value, right: Value) -> Ordering {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        }
        (Value::Time(a), Value::Time(b)) | (Value::Span(a), Value::Span(b)) => a.cmp(&b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(&b),
        _ => Ordering::Equal,
    }
}

/// What an operator makes of two kinds; otherwise what it can be put between.
pub(super) fn kind_of(operator: Operator, left: Kind, right: Kind) -> Result<Kind, &'static str> {
    use Kind as K;
    use Operator as O;
    match (operator, left, right) {
        (O::And | O::Or, K::Bool, K::Bool) => Ok(K::Bool),
        (O::And | O::Or, ..) => Err("conditions"),
        (O::Plus | O::Minus | O::Times | O::Over | O::Modulo | O::Power, K::Number, K::Number) => {
            Ok(K::Number)
        }
        (O::Plus | O::Minus, K::Time, K::Span) | (O::Plus, K::Span, K::Time) => Ok(K::Time),
        (O::Minus, K::Time, K::Time) | (O::Plus | O::Minus, K::Span, K::Span) => Ok(K::Span),
        (O::Times | O::Over, K::Span, K::Number) | (O::Times, K::Number, K::Span) => Ok(K::Span),
        (O::Over, K::Span, K::Span) => Ok(K::Number),
        (O::Plus, ..) => Err("numbers, spans, or a time and a span"),
        (O::Minus, ..) => Err("numbers, times or spans"),
        (O::Times, ..) => Err("numbers, or a span and a number"),
        (O::Over, ..) => Err("numbers, spans, or a span and a number"),
        (O::Modulo | O::Power, ..) => Err("numbers"),
        (_, a, b) if a == b => Ok(K::Bool),
        _ => Err("values of the same kind"),
    }
}

/// A function of a number.
pub(super) fn function_of_one(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "cbrt" => f64::cbrt,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log10" => f64::log10,
        // As PostgreSQL rounds doubles.
        "round" => f64::round_ties_even,
        "sign" => |x| if x == 0.0 { 0.0 } else { x.signum() },
        "sqrt" => f64::sqrt,
        "trunc" => f64::trunc,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        _ => return None,
    })
}

/// A function of two.
pub(super) fn function_of_two(name: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match name {
        "power" | "pow" => f64::powf,
        "logn" => f64::log,
        "mod" => |x, y| x % y,
        "atan2" => f64::atan2,
        _ => return None,
    })
}
