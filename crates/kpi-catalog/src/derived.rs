//! Formulas over other KPIs: `{dio} + {dso} - {dpo}`.

use std::ops::Range;

use sqlparser::ast::{Expr, Function, Ident};

use crate::aggregate::{self, Aggregate};
use crate::error::Error;
use crate::formula::WHAT;
use crate::function::{self, Name};
use crate::parse;
use crate::template::{Template, is_mark, mark};
use crate::write::{self, Rules};

/// A compiled formula over other KPIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The codes of the KPIs, each once, in the order in which they are named.
    pub codes: Vec<String>,
    /// The value; place `i` is the value of the KPI `codes[i]`.
    pub value: Template,
    /// The formula as canonical SQL with `{code}` for each reference.
    pub text: String,
}

/// Does the formula refer to other KPIs: is there a brace outside of string constants and quoted names?
///
/// ```
/// use kpi_catalog::is_derived;
/// assert!(is_derived("{revenue} / {orders}"));
/// assert!(!is_derived("count(*) FILTER (WHERE tags = '{new}')"));
/// ```
pub fn is_derived(formula: &str) -> bool {
    match references(formula) {
        Ok(found) => !found.is_empty(),
        Err(_) => true,
    }
}

/// Compiles a formula over other KPIs.
///
/// As in [`crate::compile`], a division by zero gives NULL.
///
/// # Errors
/// [`Error::Mixed`] where the formula has columns or aggregates beside the references, and any error of syntax.
///
/// ```
/// let derived = kpi_catalog::compile_derived("{dio} + {dso} - round({dpo} / {dio}, 2)").unwrap();
/// assert_eq!(derived.codes, ["dio", "dso", "dpo"]);
/// assert_eq!(
///     derived.value.render(&|i| format!("v{i}")),
///     "(v0) + (v1) - round((v2) / nullif((v0), 0), 2)"
/// );
/// assert_eq!(derived.text, "{dio} + {dso} - round({dpo} / {dio}, 2)");
/// ```
pub fn compile_derived(formula: &str) -> Result<Derived, Error> {
    let (codes, expr) = parsed(formula)?;
    let text = write::expression(&mut Combination { text: true }, &expr, 0)
        .map_err(|error| error.within(formula))?;
    let value = write::expression(&mut Combination { text: false }, &expr, 0)
        .map_err(|error| error.within(formula))?;
    let text = Template::from_marked(&text)
        .fill(&|place| format!("{{{}}}", codes.get(place).map_or("", String::as_str)));
    Ok(Derived {
        codes,
        value: Template::from_marked(&value),
        text,
    })
}

/// The codes that a formula over other KPIs names, and its tree with a mark for each reference.
pub(crate) fn parsed(formula: &str) -> Result<(Vec<String>, Expr), Error> {
    if let Some(at) = formula.chars().position(is_mark) {
        return Err(Error::Syntax {
            what: WHAT,
            text: formula.to_owned(),
            message: "character not allowed".into(),
            position: Some(at + 1),
        });
    }
    let found = references(formula)?;
    let mut codes: Vec<String> = Vec::new();
    let mut marked = String::new();
    let mut end = 0;
    for range in found {
        let written = formula.get(range.clone()).unwrap_or_default();
        let code = written.trim_matches(['{', '}']).trim();
        let index = codes.iter().position(|known| known == code).unwrap_or_else(|| {
            codes.push(code.to_owned());
            codes.len() - 1
        });
        let mark = mark(index).ok_or_else(|| Error::TooComplex {
            what: WHAT,
            limit: "it refers to too many KPIs".into(),
        })?;
        marked.push_str(formula.get(end..range.start).unwrap_or_default());
        marked.push_str(&format!("\"{mark}\""));
        // Padding keeps the positions in the parser's errors right.
        marked.push_str(&" ".repeat(written.chars().count().saturating_sub(3)));
        end = range.end;
    }
    marked.push_str(formula.get(end..).unwrap_or_default());
    let expr = parse::marked(WHAT, &marked).map_err(|error| show_codes(error, formula))?;
    if codes.is_empty() {
        return Err(Error::NoReference {
            formula: formula.to_owned(),
        });
    }
    Ok((codes, expr))
}

/// The error with the formula as it was typed, not with marks in it.
fn show_codes(error: Error, formula: &str) -> Error {
    match error {
        Error::Syntax {
            what,
            position,
            message,
            ..
        } => {
            let message = message.replace(is_mark, "{...}").replace("\"{...}\"", "{...}");
            Error::Syntax {
                what,
                text: formula.to_owned(),
                message,
                position,
            }
        }
        Error::Trailing {
            what,
            position: Some(position),
            ..
        } => {
            let rest = formula.chars().skip(position - 1).collect();
            Error::Trailing {
                what,
                rest,
                position: Some(position),
            }
        }
        other => other,
    }
}

/// Where the references stand, braces included.
fn references(formula: &str) -> Result<Vec<Range<usize>>, Error> {
    let mut found = Vec::new();
    let mut rest = formula.char_indices().enumerate().peekable();
    let mut previous = ' ';
    let mut before_previous = ' ';
    while let Some((count, (start, c))) = rest.next() {
        let position = count + 1;
        match c {
            '\'' | '"' => {
                let escapes =
                    c == '\'' && matches!(previous, 'e' | 'E') && !is_name_character(before_previous);
                while let Some((_, (_, inner))) = rest.next() {
                    if inner == '\\' && escapes {
                        rest.next();
                    } else if inner == c {
                        // A doubled quote opens the next stretch of the same constant at once.
                        if rest.next_if(|(_, (_, next))| *next == c).is_none() {
                            break;
                        }
                    }
                }
            }
            '$' if !is_name_character(previous) => {
                if let Some(length) = dollar_quoted(formula.get(start..).unwrap_or_default()) {
                    while rest.next_if(|(_, (at, _))| *at < start + length).is_some() {}
                }
            }
            '{' => {
                let mut end = None;
                for (_, (at, inner)) in rest.by_ref() {
                    if inner == '}' {
                        end = Some(at + 1);
                        break;
                    }
                    if inner == '{' {
                        break;
                    }
                }
                let end = end.ok_or(Error::Brace { position })?;
                let code = formula.get(start + 1..end - 1).unwrap_or_default();
                if code.trim().is_empty() {
                    return Err(Error::EmptyReference { position });
                }
                found.push(start..end);
            }
            '}' => return Err(Error::Brace { position }),
            _ => {}
        }
        before_previous = previous;
        previous = c;
    }
    Ok(found)
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length in bytes of the dollar-quoted constant at the start of the text, if there is one.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag_end = text.get(1..)?.find('$')? + 2;
    let tag = text.get(..tag_end)?;
    if !tag
        .trim_matches('$')
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_')
    {
        return None;
    }
    let body = text.get(tag_end..)?;
    Some(tag_end + body.find(tag).map_or(body.len(), |at| at + tag.len()))
}

/// The rules for formulas over other KPIs.
struct Combination {
    text: bool,
}

impl Rules for Combination {
    fn what(&self) -> &'static str {
        WHAT
    }

    fn guards_division(&self) -> bool {
        !self.text
    }

    fn identifier(&mut self, ident: &Ident) -> Result<String, Error> {
        if ident.quote_style == Some('"') && ident.value.chars().all(is_mark) && !ident.value.is_empty() {
            return Ok(ident.value.clone());
        }
        Err(Error::Mixed {
            other: format!("the column \"{}\"", ident.value),
        })
    }

    fn call(&mut self, call: &Function, depth: usize) -> Result<String, Error> {
        let name = Name::of(WHAT, call)?;
        if Aggregate::of(&name).is_some() || aggregate::is_known_unmergeable(&name) {
            function::refuse_over(WHAT, &name, call)?;
            return Err(Error::Mixed {
                other: format!("the aggregate {}", name.key()),
            });
        }
        function::scalar(self, &name, None, call, depth)
    }
}
