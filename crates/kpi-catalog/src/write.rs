//! From a syntax tree to PostgreSQL text, by a list of what is allowed.
//!
//! The text is run with the rights of the KPI's owner, so nothing that is not named here gets through: whatever
//! [`expression`] has no line for is refused. The parser's own printer is not used, since it guesses whether a quote
//! inside a string was already escaped. Tokens come out in the order in which they went in, parentheses included, so
//! PostgreSQL's own precedence decides what the text means.

use sqlparser::ast::{
    AccessExpr, Array, CastKind, CeilFloorKind, DateTimeField, Expr, Function, Ident, ObjectName, Subscript,
    TrimWhereField,
};

use crate::data_type;
use crate::error::Error;
use crate::function;
use crate::identifier;
use crate::literal;
use crate::operator;
use crate::time;

/// The deepest tree that is worked on.
pub(crate) const MAX_DEPTH: usize = 250;

/// What the writer asks about the names and calls in an expression.
pub(crate) trait Rules {
    /// What is being written, for messages: `formula`, `dimension` or `filter`.
    fn what(&self) -> &'static str;

    /// Only what a filter may contain.
    fn strict(&self) -> bool {
        false
    }

    /// Must a division by zero give NULL here?
    fn guards_division(&self) -> bool {
        false
    }

    /// A name standing alone: a column, a dimension or a mark.
    fn identifier(&mut self, ident: &Ident) -> Result<String, Error>;

    /// A name with a qualifier.
    fn qualified(&mut self, parts: &[Ident]) -> Result<String, Error> {
        let written = parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join(".");
        let column = parts.last().map(identifier::fold).unwrap_or_default();
        Err(Error::Qualified { written, column })
    }

    /// A call.
    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error>;
}

/// Writes an expression, `depth` levels below the top.
pub(crate) fn expression(rules: &mut dyn Rules, expr: &Expr, depth: usize) -> Result<String, Error> {
    let what = rules.what();
    if depth > MAX_DEPTH {
        return Err(Error::TooComplex {
            what,
            limit: format!("it is more than {MAX_DEPTH} levels deep"),
        });
    }
    let strict = rules.strict();
    let mut sub = |expr: &Expr| expression(rules, expr, depth + 1);
    Ok(match expr {
        Expr::Identifier(ident) => rules.identifier(ident)?,
        Expr::CompoundIdentifier(parts) => rules.qualified(parts)?,
        Expr::Function(call) => rules.call(call, depth + 1)?,
        Expr::Nested(inner) => format!("({})", sub(inner)?),
        Expr::Value(value) => literal::value(what, &value.value)?,
        Expr::TypedString(typed) if !typed.uses_odbc_syntax => {
            literal::refuse_clock(what, &typed.value.value)?;
            let value = literal::value(what, &typed.value.value)?;
            format!("{value}::{}", data_type::name(what, &typed.data_type, strict)?)
        }
        Expr::Cast {
            kind,
            expr,
            data_type,
            format: None,
        } => {
            if let Expr::Value(value) = unnest(expr) {
                literal::refuse_clock(what, &value.value)?;
            }
            let name = data_type::name(what, data_type, strict)?;
            match kind {
                CastKind::Cast => format!("CAST({} AS {name})", sub(expr)?),
                CastKind::DoubleColon => format!("{}::{name}", sub(expr)?),
                CastKind::TryCast | CastKind::SafeCast => return Err(unsupported(what, "TRY_CAST")),
            }
        }
        Expr::BinaryOp { left, op, right } => {
            let sign = operator::binary(what, op, strict)?;
            let guarded = rules.guards_division() && operator::can_divide_by_zero(op, right);
            if guarded && operator::has_open_prefix(right) {
                return Err(unsupported(
                    what,
                    "a sign such as @ after a division, outside of parentheses",
                ));
            }
            let mut sub = |expr: &Expr| expression(rules, expr, depth + 1);
            let left = sub(left)?;
            if guarded {
                format!("{left} {sign} nullif({}, 0)", sub(unnest(right))?)
            } else {
                format!("{left} {sign} {}", sub(right)?)
            }
        }
        Expr::UnaryOp { op, expr } => {
            let operand = sub(expr)?;
            operator::unary(what, op, &operand, strict)?
        }
        Expr::IsNull(expr) => format!("{} IS NULL", sub(expr)?),
        Expr::IsNotNull(expr) => format!("{} IS NOT NULL", sub(expr)?),
        Expr::IsTrue(expr) => format!("{} IS TRUE", sub(expr)?),
        Expr::IsNotTrue(expr) => format!("{} IS NOT TRUE", sub(expr)?),
        Expr::IsFalse(expr) => format!("{} IS FALSE", sub(expr)?),
        Expr::IsNotFalse(expr) => format!("{} IS NOT FALSE", sub(expr)?),
        Expr::IsUnknown(expr) => format!("{} IS UNKNOWN", sub(expr)?),
        Expr::IsNotUnknown(expr) => format!("{} IS NOT UNKNOWN", sub(expr)?),
        Expr::IsDistinctFrom(a, b) => format!("{} IS DISTINCT FROM {}", sub(a)?, sub(b)?),
        Expr::IsNotDistinctFrom(a, b) => format!("{} IS NOT DISTINCT FROM {}", sub(a)?, sub(b)?),
        Expr::InList { expr, list, negated } if !list.is_empty() => {
            let expr = sub(expr)?;
            let items = list.iter().map(sub).collect::<Result<Vec<_>, _>>()?;
            format!("{expr} {}IN ({})", not(*negated), items.join(", "))
        }
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => {
            format!(
                "{} {}BETWEEN {} AND {}",
                sub(expr)?,
                not(*negated),
                sub(low)?,
                sub(high)?
            )
        }
        Expr::Like {
            negated,
            any: false,
            expr,
            pattern,
            escape_char,
        } => {
            let text = format!("{} {}LIKE {}", sub(expr)?, not(*negated), sub(pattern)?);
            optional(text, " ESCAPE ", escape_char.as_deref(), &mut sub)?
        }
        Expr::ILike {
            negated,
            any: false,
            expr,
            pattern,
            escape_char,
        } => {
            let text = format!("{} {}ILIKE {}", sub(expr)?, not(*negated), sub(pattern)?);
            optional(text, " ESCAPE ", escape_char.as_deref(), &mut sub)?
        }
        Expr::Trim {
            trim_where,
            trim_what,
            expr,
            trim_characters,
        } => {
            let expr = sub(expr)?;
            match (trim_where, trim_what, trim_characters.as_deref()) {
                (None, None, None) => format!("trim({expr})"),
                (None, None, Some([characters])) => format!("trim({expr}, {})", sub(characters)?),
                (side, characters, None) => {
                    let side = match side {
                        None | Some(TrimWhereField::Both) => "BOTH",
                        Some(TrimWhereField::Leading) => "LEADING",
                        Some(TrimWhereField::Trailing) => "TRAILING",
                    };
                    match characters {
                        Some(characters) => format!("trim({side} {} FROM {expr})", sub(characters)?),
                        None => format!("trim({side} FROM {expr})"),
                    }
                }
                _ => return Err(unsupported(what, "this form of TRIM")),
            }
        }
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            shorthand,
            ..
        } => {
            let name = if *shorthand { "substr" } else { "substring" };
            let expr = sub(expr)?;
            match (substring_from, substring_for) {
                (Some(from), Some(length)) => format!("{name}({expr}, {}, {})", sub(from)?, sub(length)?),
                (Some(from), None) => format!("{name}({expr}, {})", sub(from)?),
                (None, Some(length)) => format!("{name}({expr}, 1, {})", sub(length)?),
                (None, None) => return Err(unsupported(what, "SUBSTRING without a position")),
            }
        }
        // A filter ends here: what follows is for formulas and dimensions only.
        other if strict => return Err(refuse(what, other)),
        Expr::SimilarTo {
            negated,
            expr,
            pattern,
            escape_char,
        } => {
            let text = format!("{} {}SIMILAR TO {}", sub(expr)?, not(*negated), sub(pattern)?);
            optional(text, " ESCAPE ", escape_char.as_deref(), &mut sub)?
        }
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => {
            let sign = operator::binary(what, compare_op, strict)?;
            format!("{} {sign} ANY ({})", sub(left)?, sub(unnest(right))?)
        }
        Expr::AllOp {
            left,
            compare_op,
            right,
        } => {
            let sign = operator::binary(what, compare_op, strict)?;
            format!("{} {sign} ALL ({})", sub(left)?, sub(unnest(right))?)
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            format!("{} AT TIME ZONE {}", sub(timestamp)?, sub(time_zone)?)
        }
        Expr::Extract { field, expr, .. } => {
            format!("extract({} FROM {})", time::field(what, field)?, sub(expr)?)
        }
        Expr::Ceil {
            expr,
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
        } => {
            format!("ceil({})", sub(expr)?)
        }
        Expr::Floor {
            expr,
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
        } => {
            format!("floor({})", sub(expr)?)
        }
        Expr::Position { expr, r#in } => format!("position({} IN {})", sub(expr)?, sub(r#in)?),
        Expr::Overlay {
            expr,
            overlay_what,
            overlay_from,
            overlay_for,
        } => {
            let text = format!(
                "overlay({} PLACING {} FROM {}",
                sub(expr)?,
                sub(overlay_what)?,
                sub(overlay_from)?
            );
            optional(text, " FOR ", overlay_for.as_deref(), &mut sub)? + ")"
        }
        Expr::Collate { expr, collation } => {
            format!("{} COLLATE {}", sub(expr)?, object_name(what, collation)?)
        }
        Expr::Tuple(items) if !items.is_empty() => {
            format!(
                "row({})",
                items.iter().map(sub).collect::<Result<Vec<_>, _>>()?.join(", ")
            )
        }
        Expr::Array(Array { elem, .. }) => {
            format!(
                "ARRAY[{}]",
                elem.iter().map(sub).collect::<Result<Vec<_>, _>>()?.join(", ")
            )
        }
        Expr::Interval(interval) => time::interval(what, interval)?,
        Expr::CompoundFieldAccess { root, access_chain } => {
            let mut text = match root.as_ref() {
                Expr::Identifier(_) | Expr::Nested(_) => sub(root)?,
                _ => format!("({})", sub(root)?),
            };
            for access in access_chain {
                match access {
                    AccessExpr::Subscript(Subscript::Index { index }) => {
                        text.push_str(&format!("[{}]", sub(index)?));
                    }
                    AccessExpr::Subscript(Subscript::Slice {
                        lower_bound,
                        upper_bound,
                        stride: None,
                    }) => {
                        let low = lower_bound
                            .as_ref()
                            .map(&mut sub)
                            .transpose()?
                            .unwrap_or_default();
                        let high = upper_bound
                            .as_ref()
                            .map(&mut sub)
                            .transpose()?
                            .unwrap_or_default();
                        text.push_str(&format!("[{low}:{high}]"));
                    }
                    // PostgreSQL reads (x).f as a call f(x) where x has no field f.
                    _ => return Err(unsupported(what, "the field of a composite value")),
                }
            }
            text
        }
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            let mut text = String::from("CASE");
            if let Some(operand) = operand {
                text.push_str(&format!(" {}", sub(operand)?));
            }
            for when in conditions {
                text.push_str(&format!(
                    " WHEN {} THEN {}",
                    sub(&when.condition)?,
                    sub(&when.result)?
                ));
            }
            optional(text, " ELSE ", else_result.as_deref(), &mut sub)? + " END"
        }
        other => return Err(refuse(what, other)),
    })
}

/// The error for a piece of SQL that is not on the list.
fn refuse(what: &'static str, expr: &Expr) -> Error {
    match expr {
        Expr::Subquery(_) => subquery(what, "in parentheses"),
        Expr::Exists { .. } => subquery(what, "in EXISTS"),
        Expr::InSubquery { .. } => subquery(what, "in IN"),
        Expr::Case { .. } => unsupported(what, "CASE"),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => unsupported(what, "ANY or ALL"),
        Expr::Array(_) => unsupported(what, "an array"),
        Expr::Interval(_) => unsupported(what, "an interval"),
        Expr::Extract { .. } => unsupported(what, "EXTRACT"),
        Expr::AtTimeZone { .. } => unsupported(what, "AT TIME ZONE"),
        Expr::Collate { .. } => unsupported(what, "COLLATE"),
        Expr::SimilarTo { .. } => unsupported(what, "SIMILAR TO"),
        Expr::Tuple(_) => unsupported(what, "a row"),
        Expr::CompoundFieldAccess { .. } => unsupported(what, "a subscript"),
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => unsupported(what, "* outside of count(*)"),
        Expr::Cast { .. } => unsupported(what, "a cast with FORMAT"),
        _ => unsupported(what, "this SQL construct"),
    }
}

pub(crate) fn unsupported(what: &'static str, construct: &str) -> Error {
    Error::Unsupported {
        what,
        construct: construct.to_owned(),
        text: String::new(),
    }
}

pub(crate) fn subquery(what: &'static str, place: &'static str) -> Error {
    Error::Subquery {
        what,
        place,
        text: String::new(),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

/// Appends `keyword` and an expression if there is one.
fn optional(
    text: String,
    keyword: &str,
    expr: Option<&Expr>,
    sub: &mut dyn FnMut(&Expr) -> Result<String, Error>,
) -> Result<String, Error> {
    Ok(match expr {
        Some(expr) => format!("{text}{keyword}{}", sub(expr)?),
        None => text,
    })
}

/// The expression inside any parentheses.
pub(crate) fn unnest(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// A possibly qualified name of a type or collation.
pub(crate) fn object_name(what: &'static str, name: &ObjectName) -> Result<String, Error> {
    Ok(function::parts(what, name)?
        .iter()
        .map(|part| match part.quote_style {
            Some(_) => identifier::quote(&part.value),
            None => part.value.to_ascii_lowercase(),
        })
        .collect::<Vec<_>>()
        .join("."))
}
