//! `kpi.explain_change`: the change of a KPI between two buckets, by the values of its dimensions.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

use kpi_anomaly::contribution::{ChangeError, Rank, Side, difference, ratio};
use kpi_catalog::{Context, Merge, Sides};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::catalog::lookup::{self, Kpi, StateColumn};
use crate::error::{Error, required};
use crate::rollup::read::{By, MAX_DEPTH, Request, plan};
use crate::rollup::sql::merged;
use crate::spi::{self, Mode, arg, ident};

pgrx::extension_sql_file!(
    "../../../sql/anomaly/explain_change.sql",
    name = "anomaly_explain_change",
    requires = ["forecast"]
);

/// Whether a KPI is a ratio of sums rather than a sum; any other is refused.
#[pg_extern(sql = false)]
fn change_is_ratio(code: &str) -> Result<bool, ErrorReport> {
    let kpi = lookup::kpi(Mode::Read, code)?;
    lookup::check_readable(&kpi)?;
    Ok(sides(code, 0)?.denominator.is_some())
}

/// `_change_side(code, below, period, since, until, by)`: values of what is above or below the line of a KPI, as of `kpi.value`.
fn side(call: &Call) -> Returned {
    let argument = |i: usize, name: &str| required(call.text(i).map(|text| text.into_owned()), name);
    let (code, period) = (argument(0, "code")?, argument(2, "period")?);
    let below = call.argument(1).is_some_and(|datum| datum.value() != 0);
    let time = |i: usize, name: &str| required(call.argument(i).map(|datum| datum.value() as i64), name);
    let by = call.argument(5).and_then(|datum| {
        // SAFETY: the argument is declared text[] and is not NULL.
        unsafe { Vec::<Option<String>>::from_datum(datum, false) }
    });
    let by: Vec<String> = by.unwrap_or_default().into_iter().flatten().collect();
    let kpi = lookup::kpi(Mode::Read, &code)?;
    lookup::check_readable(&kpi)?;
    let sides = sides(&code, 0)?;
    let formula = if below {
        sides.denominator.unwrap_or_else(|| "0".into())
    } else {
        sides.numerator
    };
    let kpi = of_formula(kpi, &formula)?;
    let request = Request {
        period: kpi_catalog::period(&period)?,
        since: time(3, "since")?,
        until: time(4, "until")?,
        by: By::Json(&by),
        filter: None,
    };
    // SAFETY: the function is declared to return a table (timestamptz, jsonb, float8), so the executor passed a ReturnSetInfo, and
    // the store is made for these columns, which are those of a plan by Json.
    unsafe {
        pg_sys::InitMaterializedSRF(call.fcinfo(), 0);
        let result = (*call.fcinfo()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        plan(&kpi, &request)?.run_into((*result).setResult)?;
    }
    Ok(None)
}

/// What is above and below the line of a KPI's formula. The KPIs that it names must be sums.
fn sides(code: &str, depth: usize) -> Result<Sides, Error> {
    let formula = spi::first_kept(
        Mode::Read,
        "SELECT formula FROM kpi.kpi WHERE code = $1",
        &[arg(code)],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    let refused = |formula: &str| {
        Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("change of KPI \"{code}\" cannot be explained by its parts"),
        )
        .detail(format!("Its formula is {formula}."))
        .hint("What can be explained are sums and counts, their sums and differences, and ratios of these, such as sum(late)::float8 / count(*) or avg(price).")
    };
    let found = kpi_catalog::sides(&formula)?.ok_or_else(|| refused(&formula))?;
    if kpi_catalog::is_derived(&formula) {
        if depth >= MAX_DEPTH {
            return Err(refused(&formula));
        }
        for part in kpi_catalog::compile_derived(&formula)?.codes {
            if sides(&part, depth + 1)?.denominator.is_some() {
                return Err(refused(&formula).hint(format!(
                    "KPI \"{part}\" is a ratio: its groups do not add up. Explain the change of \"{part}\" itself."
                )));
            }
        }
    }
    Ok(found)
}

/// The KPI with another formula over what it has already; what is missing in a group counts as 0.
fn of_formula(kpi: Kpi, formula: &str) -> Result<Kpi, Error> {
    let Some(id) = kpi.source else {
        let derived = kpi_catalog::compile_derived(formula)?;
        let value = derived
            .value
            .render(&|i| format!("coalesce({}, 0)", ident(&format!("kpi v{}", i + 1))));
        return Ok(Kpi {
            value_sql: format!("({value})::float8"),
            requires: derived.codes,
            ..kpi
        });
    };
    let source = lookup::source_by_id(Mode::Read, id)?;
    let compiled = kpi_catalog::compile(
        formula,
        &Context {
            columns: &source.columns,
            is_aggregate: &|_| false,
            approximate: false,
        },
    )?;
    let known = lookup::states(Mode::Read, source.id)?;
    let mut states: Vec<&StateColumn> = Vec::new();
    for state in &compiled.states {
        let same = |known: &&StateColumn| {
            known.partial == state.partial
                && match state.merge {
                    Merge::Sum => known.merge.starts_with("sum "),
                    _ => known.merge == "count",
                }
        };
        let found = known.iter().find(same).ok_or_else(|| {
            Error::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("rollup of KPI \"{}\" has no {}", kpi.code, state.partial),
            )
            .detail(format!("Its formula was read as {formula}."))
            .hint("Define the formula anew with kpi.alter_kpi(code, formula => ...).")
        })?;
        states.push(found);
    }
    let value = compiled.value.render(&|i| {
        states.get(i).map_or_else(
            || "NULL".to_owned(),
            |state| {
                let column = ident(&format!("kpi s{}", state.position));
                format!(
                    "coalesce({}, '0'::{})",
                    merged(&state.merge, &column),
                    type_of(state)
                )
            },
        )
    });
    let of_type = |name: &str| states.iter().any(|state| type_of(state) == name);
    let value_sql = if of_type("interval") {
        format!("(extract(epoch from {value}))::float8")
    } else if of_type("money") {
        format!("({value})::numeric::float8")
    } else {
        format!("({value})::float8")
    };
    Ok(Kpi {
        value_sql,
        states: states.iter().map(|state| state.position).collect(),
        ..kpi
    })
}

/// The SQL type of a sum or a count.
fn type_of(state: &StateColumn) -> &str {
    state.merge.strip_prefix("sum ").unwrap_or("bigint")
}

/// `_change_effects`: what each group adds to a change, ranked; the arrays have one element per group.
#[allow(clippy::too_many_arguments)] // Those of the SQL function.
#[pg_extern(sql = false)]
fn change_effects(
    is_ratio: Option<bool>,
    above_before: Option<Vec<Option<f64>>>,
    below_before: Option<Vec<Option<f64>>>,
    above_after: Option<Vec<Option<f64>>>,
    below_after: Option<Vec<Option<f64>>>,
    before: Option<f64>,
    after: Option<f64>,
    most: Option<i32>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(place, Option<i32>),
            name!(before, Option<f64>),
            name!(after, Option<f64>),
            name!(contribution, f64),
            name!(share, Option<f64>),
            name!(mix_effect, f64),
            name!(rate_effect, f64),
        ),
    >,
    ErrorReport,
> {
    let is_ratio = is_ratio.unwrap_or(false);
    let most = most.unwrap_or(0);
    let most = usize::try_from(most)
        .ok()
        .filter(|most| *most > 0)
        .ok_or_else(|| {
            Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "max_rows must be at least 1",
            )
            .detail(format!("max_rows is {most}."))
            .hint("Leave it out for the 20 greatest, the last of which stands for all others together.")
        })?;
    let [above_before, below_before, above_after, below_after] =
        [above_before, below_before, above_after, below_after].map(Option::unwrap_or_default);
    let at = |all: &[Option<f64>], group: usize| all.get(group).copied().flatten().unwrap_or(0.0);
    let side = |above: &[Option<f64>], below: &[Option<f64>], group: usize| Side {
        numerator: at(above, group),
        denominator: at(below, group),
    };
    let groups: Vec<[Side; 2]> = (0..above_before.len())
        .map(|group| {
            [
                side(&above_before, &below_before, group),
                side(&above_after, &below_after, group),
            ]
        })
        .collect();
    let change = if is_ratio {
        ratio(&groups)
    } else {
        difference(&groups)
    };
    let change = change
        // A sum of no rows is NULL to those who read it, and 0 here.
        .and_then(|change| {
            let (before, after) = (before.unwrap_or(change.before), after.unwrap_or(change.after));
            change.between(before, after)
        })
        .map_err(refused)?;
    let total = change.after - change.before;
    let value = move |side: Side| {
        if is_ratio {
            side.rate()
        } else {
            Some(side.numerator)
        }
    };
    let row = move |Rank { group, sides, effect }| {
        (
            group.map(|group| group as i32 + 1),
            value(sides[0]),
            value(sides[1]),
            effect.contribution,
            (total != 0.0).then(|| effect.contribution / total),
            effect.mix,
            effect.rate,
        )
    };
    Ok(TableIterator::new(
        change.ranked(&groups, most).into_iter().map(row),
    ))
}

fn refused(error: ChangeError) -> Error {
    let report = Error::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, error.to_string());
    match error {
        ChangeError::NoDenominator { after } => report
            .detail(format!(
                "The KPI has no value in the bucket {}.",
                if after { "at the time given" } else { "before it" }
            ))
            .hint("Give a time, or a baseline, at which the KPI has a value: SELECT * FROM kpi.value(code, period)."),
        ChangeError::NotFinite => report
            .detail("A sum is NaN or infinite.")
            .hint("Leave such rows out in the formula: sum(x) FILTER (WHERE x < 'infinity')."),
        ChangeError::Differs { parts, value } => report
            .detail(format!("Its parts make {parts}, and the value is {value}."))
            .hint("Does the formula divide integers, or cast to one? Cast first: sum(late)::float8 / count(*)."),
    }
}

sql_functions! {
    kpi_change_side, pg_finfo_kpi_change_side: side;
}
