//! Operators that are allowed, and division that must not fail.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

use crate::error::Error;
use crate::function::Name;
use crate::write::{unnest, unsupported};

/// Is this a division whose divisor can be zero: neither a constant nor guarded already?
pub(crate) fn can_divide_by_zero(op: &BinaryOperator, divisor: &Expr) -> bool {
    let divides = matches!(op, BinaryOperator::Divide | BinaryOperator::Modulo);
    let divisor = unnest(divisor);
    divides && !is_number(divisor, true) && !matches!(divisor, Expr::Function(call) if is_nullif_zero(call))
}

/// Is this a number that is (or is not) zero?
fn is_number(expr: &Expr, nonzero: bool) -> bool {
    let Expr::Value(value) = unnest(expr) else {
        return false;
    };
    let Value::Number(digits, _) = &value.value else {
        return false;
    };
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    mantissa.contains(|c: char| ('1'..='9').contains(&c)) == nonzero
}

fn is_nullif_zero(call: &Function) -> bool {
    let FunctionArguments::List(list) = &call.args else {
        return false;
    };
    let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(zero))] = list.args.as_slice() else {
        return false;
    };
    Name::of("formula", call).is_ok_and(|name| name.built_in() == Some("nullif")) && is_number(zero, false)
}

/// Does a prefix operator stand in the expression without parentheses around it? PostgreSQL reads `@ b + c` as
/// `@ (b + c)`, the parser as `(@ b) + c`, so the two would not agree on where a divisor ends.
pub(crate) fn has_open_prefix(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp {
            op: UnaryOperator::Plus | UnaryOperator::Minus,
            expr,
        } => has_open_prefix(expr),
        Expr::UnaryOp { .. } => true,
        Expr::BinaryOp { left, right, .. } => has_open_prefix(left) || has_open_prefix(right),
        Expr::Cast { expr, .. } | Expr::Collate { expr, .. } => has_open_prefix(expr),
        Expr::AtTimeZone { timestamp, time_zone } => has_open_prefix(timestamp) || has_open_prefix(time_zone),
        _ => false,
    }
}

/// An operator before its operand.
pub(crate) fn unary(
    what: &'static str,
    op: &UnaryOperator,
    operand: &str,
    strict: bool,
) -> Result<String, Error> {
    match op {
        UnaryOperator::Not => Ok(format!("NOT {operand}")),
        UnaryOperator::Minus | UnaryOperator::Plus => {
            // Without the space, - -5 would become a comment.
            let space = if operand.starts_with(['-', '+', '@', '~', '|']) {
                " "
            } else {
                ""
            };
            Ok(format!("{op}{space}{operand}"))
        }
        UnaryOperator::BitwiseNot
        | UnaryOperator::PGAbs
        | UnaryOperator::PGSquareRoot
        | UnaryOperator::PGCubeRoot
            if !strict =>
        {
            Ok(format!("{op} {operand}"))
        }
        _ => Err(unsupported(what, &format!("the operator {op}"))),
    }
}

/// The sign of an operator that is allowed.
pub(crate) fn binary(what: &'static str, op: &BinaryOperator, strict: bool) -> Result<String, Error> {
    use BinaryOperator as B;
    let simple = matches!(
        op,
        B::Plus
            | B::Minus
            | B::Multiply
            | B::Divide
            | B::Modulo
            | B::StringConcat
            | B::Gt
            | B::Lt
            | B::GtEq
            | B::LtEq
            | B::Eq
            | B::NotEq
            | B::And
            | B::Or
    );
    let other = matches!(
        op,
        B::BitwiseOr
            | B::BitwiseAnd
            | B::PGBitwiseXor
            | B::PGBitwiseShiftLeft
            | B::PGBitwiseShiftRight
            | B::PGExp
            | B::PGOverlap
            | B::PGRegexMatch
            | B::PGRegexIMatch
            | B::PGRegexNotMatch
            | B::PGRegexNotIMatch
            | B::PGLikeMatch
            | B::PGILikeMatch
            | B::PGNotLikeMatch
            | B::PGNotILikeMatch
            | B::PGStartsWith
            | B::Arrow
            | B::LongArrow
            | B::HashArrow
            | B::HashLongArrow
            | B::AtAt
            | B::AtArrow
            | B::ArrowAt
            | B::HashMinus
            | B::AtQuestion
            | B::Question
            | B::QuestionAnd
            | B::QuestionPipe
            | B::Overlaps
            | B::LtDashGt
    );
    if simple || (other && !strict) {
        Ok(op.to_string())
    } else {
        Err(unsupported(what, &format!("the operator {op}")))
    }
}
