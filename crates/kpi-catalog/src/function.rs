//! Ordinary function calls, and the functions that a stored value must not depend on.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments,
    Ident, ObjectName, ObjectNamePart,
};

use crate::aggregate;
use crate::error::Error;
use crate::identifier;
use crate::write::{self, Rules, unsupported};

/// The name of a function, folded as PostgreSQL folds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Name {
    pub(crate) fn of(what: &'static str, call: &Function) -> Result<Self, Error> {
        if matches!(call.args, FunctionArguments::Subquery(_)) {
            return Err(write::subquery(what, "as an argument"));
        }
        match parts(what, &call.name)?.as_slice() {
            [name] => {
                let folded = identifier::fold(name);
                // An unquoted reserved word is syntax of PostgreSQL, not a call, whatever the parser made of it.
                if name.quote_style.is_none()
                    && identifier::is_reserved(&folded)
                    && !is_volatile(&folded, None)
                {
                    return Err(unsupported(what, &folded.to_ascii_uppercase()));
                }
                Ok(Self {
                    schema: None,
                    name: folded,
                })
            }
            [schema, name] => Ok(Self {
                schema: Some(identifier::fold(schema)),
                name: identifier::fold(name),
            }),
            _ => Err(unsupported(what, "a function name with more than two parts")),
        }
    }

    /// The name if it can be one of PostgreSQL's own functions.
    pub(crate) fn built_in(&self) -> Option<&str> {
        matches!(self.schema.as_deref(), None | Some("pg_catalog")).then_some(self.name.as_str())
    }

    /// `name` or `schema.name`, as the catalog has it.
    pub(crate) fn key(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    fn quoted(&self, call: &Function) -> String {
        // Words like coalesce or substring are calls only without quotes, so what was not quoted stays so.
        let bare = call.name.0.last().is_some_and(|part| match part {
            ObjectNamePart::Identifier(ident) => ident.quote_style.is_none(),
            ObjectNamePart::Function(_) => false,
        });
        let name = if bare {
            self.name.clone()
        } else {
            identifier::quote(&self.name)
        };
        match &self.schema {
            Some(schema) => format!("{}.{name}", identifier::quote(schema)),
            None => name,
        }
    }
}

/// The parts of a name, none of which may be anything but a name.
pub(crate) fn parts(what: &'static str, name: &ObjectName) -> Result<Vec<Ident>, Error> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident.clone()),
            ObjectNamePart::Function(_) => Err(unsupported(what, "a computed name")),
        })
        .collect()
}

/// Writes a call of a scalar function: no DISTINCT, no FILTER, no OVER.
pub(crate) fn scalar(
    rules: &mut dyn Rules,
    name: &Name,
    written: Option<&str>,
    call: &Function,
    depth: usize,
) -> Result<String, Error> {
    let what = rules.what();
    let parameters = arguments(what, call)?;
    refuse_over(what, name, call)?;
    if is_volatile(&name.name, Some(parameters.args.len())) {
        return Err(Error::Volatile {
            what,
            function: name.key(),
        });
    }
    if SET_RETURNING.contains(&name.name.as_str()) {
        return Err(Error::SetReturning {
            what,
            function: name.key(),
        });
    }
    // The others of ours act on KPIs or read them, which a stored value must not.
    let ours = name.schema.as_deref() == Some("kpi");
    if ours && written.is_none() && !aggregate::is_accessor(&name.name) {
        if aggregate::reads_state(what, call) {
            return Err(Error::NotAccessor {
                what,
                function: name.key(),
                nearest: aggregate::nearest_accessor(&name.name),
            });
        }
        return Err(unsupported(what, &format!("the function {}", name.key())));
    }
    if call.args == FunctionArguments::None {
        return Err(unsupported(what, &format!("{} without parentheses", name.key())));
    }
    if call.filter.is_some() || !call.within_group.is_empty() {
        let clause = if call.filter.is_some() {
            "FILTER"
        } else {
            "WITHIN GROUP"
        };
        return Err(unsupported(
            what,
            &format!("{clause} after {}, which is not an aggregate", name.key()),
        ));
    }
    if parameters.distinct || parameters.clauses {
        return Err(unsupported(
            what,
            &format!(
                "DISTINCT or ORDER BY in {}, which is not an aggregate",
                name.key()
            ),
        ));
    }
    let mut texts = Vec::new();
    for argument in parameters.args {
        texts.push(match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => write::expression(rules, expr, depth)?,
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(expr),
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => format!(
                "{} => {}",
                identifier::quote(&identifier::fold(name)),
                write::expression(rules, expr, depth)?
            ),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(expr),
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => format!(
                "{} => {}",
                identifier::quote(&identifier::fold(name)),
                write::expression(rules, expr, depth)?
            ),
            _ => return Err(unsupported(what, "* outside of count(*)")),
        });
    }
    let written = written.map_or_else(|| name.quoted(call), str::to_owned);
    Ok(format!("{written}({})", texts.join(", ")))
}

/// What stands between the parentheses of a call.
pub(crate) struct Arguments<'a> {
    pub(crate) args: &'a [FunctionArg],
    pub(crate) distinct: bool,
    /// ORDER BY and the like inside the parentheses.
    pub(crate) clauses: bool,
}

pub(crate) fn arguments<'a>(what: &'static str, call: &'a Function) -> Result<Arguments<'a>, Error> {
    if call.uses_odbc_syntax || call.parameters != FunctionArguments::None || call.null_treatment.is_some() {
        return Err(unsupported(what, "a call in this form"));
    }
    match &call.args {
        FunctionArguments::None => Ok(Arguments {
            args: &[],
            distinct: false,
            clauses: false,
        }),
        FunctionArguments::Subquery(_) => Err(write::subquery(what, "as an argument")),
        FunctionArguments::List(list) => Ok(Arguments {
            args: &list.args,
            distinct: list.duplicate_treatment == Some(DuplicateTreatment::Distinct),
            clauses: !list.clauses.is_empty(),
        }),
    }
}

pub(crate) fn refuse_over(what: &'static str, name: &Name, call: &Function) -> Result<(), Error> {
    match call.over {
        Some(_) => Err(Error::Window {
            what,
            function: name.key(),
        }),
        None => Ok(()),
    }
}

/// Does the function's result depend on the moment or the session, or does it act on the database? Known by name,
/// in whatever schema. `pg_` functions look at the server, `query_to_xml` and its family run queries.
fn is_volatile(name: &str, arguments: Option<usize>) -> bool {
    const NAMES: &str = " random random_normal setseed gen_random_uuid gen_random_bytes uuidv4 uuidv7 \
        uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 clock_timestamp statement_timestamp \
        transaction_timestamp now timeofday current_timestamp current_date current_time localtime localtimestamp \
        current_user current_role session_user system_user user current_catalog current_database current_schema \
        current_schemas current_query current_setting set_config nextval setval currval lastval version \
        inet_client_addr inet_client_port inet_server_addr inet_server_port query_to_xml query_to_xmlschema \
        query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml table_to_xmlschema \
        table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema database_to_xml \
        database_to_xmlschema database_to_xml_and_xmlschema ts_stat ts_rewrite loread lowrite icu_unicode_version \
        unicode_version row_security_active ";
    const PREFIXES: [&str; 6] = ["pg_", "txid_", "lo_", "dblink", "has_", "binary_upgrade_"];
    identifier::contains(NAMES, name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        // age(t) counts from today, age(t, u) does not.
        || (name == "age" && arguments == Some(1))
}

/// The error for a reserved word where a column could be: `user`, `current_date`, or plain syntax.
pub(crate) fn reserved(what: &'static str, word: &str) -> Error {
    if is_volatile(word, None) {
        return Error::Volatile {
            what,
            function: word.to_owned(),
        };
    }
    unsupported(
        what,
        &format!(
            "the reserved word {} as a name; put it in double quotes",
            word.to_ascii_uppercase()
        ),
    )
}

/// Functions that return several rows, which would multiply the buckets.
const SET_RETURNING: [&str; 24] = [
    "generate_series",
    "generate_subscripts",
    "unnest",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "json_array_elements",
    "json_array_elements_text",
    "json_each",
    "json_each_text",
    "json_object_keys",
    "json_populate_recordset",
    "json_to_recordset",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "jsonb_path_query",
    "jsonb_path_query_tz",
    "jsonb_populate_recordset",
    "jsonb_to_recordset",
    "aclexplode",
    "ts_debug",
];
