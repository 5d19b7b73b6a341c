//! Published values as the rollup has them, whatever raw rows wait: what a refresh compares before and after itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use kpi_catalog::Period;
use kpi_rollup::{Span, Spans};
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::catalog::lookup::{self, Kpi, Source, StateColumn, TimeType};
use crate::error::Error;
use crate::identity::Identity;
use crate::rollup::calendar::is_utc;
use crate::rollup::read::{MAX_DEPTH, dimensions, own_time};
use crate::rollup::sql::{Arguments, finite_start};
use crate::spi::{self, Mode, Reuse, ident, literal};

/// So many stretches are what a tick touches; more come from a load.
const FEW: usize = 16;

/// KPIs that one statement reads: of one period and breakdown, and of one owner.
pub struct Group {
    pub period: Period,
    pub by: Vec<String>,
    pub kpis: Vec<Kpi>,
}

/// A bucket's start, microseconds, and its dimensions as the text of a jsonb.
pub type Key = (i64, String);

/// What a bucket holds: raw rows, and the value of each KPI of the group.
pub type Cell = (i64, Vec<Option<f64>>);

/// Reads the buckets of a group whose starts are in closed stretches of instants.
pub fn read(group: &Group, labels: &[(i64, i64)]) -> Result<BTreeMap<Key, Cell>, Error> {
    let mut rows = BTreeMap::new();
    let Some(first) = group.kpis.first() else {
        return Ok(rows);
    };
    if labels.is_empty() {
        return Ok(rows);
    }
    let mut statement = Statement::default();
    let sql = match first.source {
        Some(id) => {
            let source = lookup::source_by_id(Mode::Write, id)?;
            let kpis: Vec<&Kpi> = group.kpis.iter().collect();
            statement.base(&source, &kpis, group, labels)?
        }
        None => statement.derived(first, group, labels, 0)?,
    };
    let values = group.kpis.len();
    let owner = Identity::assume(
        first.owner,
        &statement.search_path.join(", "),
        &statement.timezone,
    )?;
    owner.set("max_parallel_workers_per_gather", "0")?;
    let reuse = if labels.len() <= FEW {
        Reuse::Soon
    } else {
        Reuse::Once
    };
    spi::scan_reusing(reuse, Mode::Write, &sql, &statement.args.0, |row| {
        let ts = row.datum(1).map_or(0, |datum| datum.value() as i64);
        let cell = (0..values).map(|i| row.get::<f64>(4 + i as i32)).collect();
        rows.insert((ts, row.text(2)), (row.get(3).unwrap_or_default(), cell));
        Ok(())
    })?;
    Ok(rows)
}

#[derive(Default)]
struct Statement {
    args: Arguments,
    search_path: Vec<String>,
    timezone: String,
}

impl Statement {
    /// `ts, dimensions, n, values...` of KPIs over one source.
    fn base(
        &mut self,
        source: &Source,
        kpis: &[&Kpi],
        group: &Group,
        labels: &[(i64, i64)],
    ) -> Result<String, Error> {
        if !self.search_path.contains(&source.search_path) {
            self.search_path.push(source.search_path.clone());
        }
        self.timezone.clone_from(&source.timezone);
        let all = lookup::states(Mode::Write, source.id)?;
        let states: Vec<&StateColumn> = all
            .iter()
            .filter(|s| kpis.iter().any(|k| k.states.contains(&s.position)))
            .collect();
        let local = source.time_type != TimeType::Timestamptz && !is_utc(&source.timezone);
        let ts = match source.time_type {
            TimeType::Timestamptz => "\"kpi label\"".to_string(),
            _ => format!("(\"kpi label\" AT TIME ZONE {})", literal(&source.timezone)),
        };
        let bucket = match group.period {
            Period::Day => "\"kpi label\"",
            _ => ts.as_str(),
        };
        let mut columns = String::from("t.bucket AS \"kpi label\", t.n AS \"kpi n\"");
        for (position, name) in source.dimensions.iter().enumerate() {
            if group.by.contains(name) {
                let _ = write!(columns, ", t.d{} AS {}", position + 1, ident(name));
            }
        }
        for state in states {
            let _ = write!(
                columns,
                ", t.{} AS {}",
                state.name(),
                ident(&format!("kpi s{}", state.position))
            );
        }
        let spans = own_spans(source, labels, local);
        let from = self
            .args
            .times(source, spans.as_slice().iter().map(|s| finite_start(s.from)));
        let until = self.args.times(source, spans.as_slice().iter().map(|s| s.until));
        let condition = if local {
            let first: Vec<String> = labels
                .iter()
                .map(|(from, _)| self.args.instant(finite_start(*from)))
                .collect();
            let last: Vec<String> = labels.iter().map(|(_, last)| self.args.instant(*last)).collect();
            format!(
                " WHERE EXISTS (SELECT FROM unnest(ARRAY[{}], ARRAY[{}]) l(\"kpi from\", \"kpi last\") \
                 WHERE {ts} BETWEEN l.\"kpi from\" AND l.\"kpi last\")",
                first.join(", "),
                last.join(", ")
            )
        } else {
            String::new()
        };
        let keys: String = group.by.iter().map(|d| format!(", {}", ident(d))).collect();
        let values: String = kpis
            .iter()
            .enumerate()
            .map(|(i, k)| format!(", ({})::float8 AS \"kpi v{i}\"", k.value_sql))
            .collect();
        Ok(format!(
            "SELECT {ts} AS ts, {}::text AS dimensions, sum(\"kpi n\")::bigint AS n{values} FROM (SELECT {columns} \
             FROM unnest({from}, {until}) AS g(\"kpi from\", \"kpi until\") JOIN {} t \
             ON t.bucket >= g.\"kpi from\" AND t.bucket < g.\"kpi until\") q{condition} GROUP BY {bucket}{keys}",
            json(&group.by),
            source.object(group.period.as_str()),
        ))
    }

    /// `ts, dimensions, n, value` of a KPI over others.
    fn derived(
        &mut self,
        kpi: &Kpi,
        group: &Group,
        labels: &[(i64, i64)],
        depth: usize,
    ) -> Result<String, Error> {
        if depth >= MAX_DEPTH {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX,
                format!(
                    "KPI \"{}\" is derived through more than {MAX_DEPTH} others",
                    kpi.code
                ),
            ));
        }
        let mut joined = String::new();
        let mut counted = Vec::new();
        for (i, code) in kpi.requires.iter().enumerate() {
            let part = lookup::kpi(Mode::Write, code)?;
            let inner = match part.source {
                Some(id) => {
                    let source = lookup::source_by_id(Mode::Write, id)?;
                    self.base(&source, &[&part], group, labels)?
                }
                None => self.derived(&part, group, labels, depth + 1)?,
            };
            let place = i + 1;
            let value = ident(&format!("kpi v{place}"));
            counted.push(format!("coalesce(\"kpi n{place}\", 0)"));
            let rows = format!(
                "(SELECT ts, dimensions, n AS \"kpi n{place}\", \"kpi v0\" AS {value} FROM ({inner}) k) k{place}"
            );
            let _ = match i {
                0 => write!(joined, "{rows}"),
                _ => write!(joined, " FULL JOIN {rows} USING (ts, dimensions)"),
            };
        }
        Ok(format!(
            "SELECT ts, dimensions, ({})::bigint AS n, ({})::float8 AS \"kpi v0\" FROM {joined}",
            counted.join(" + "),
            kpi.value_sql
        ))
    }
}

fn json(by: &[String]) -> String {
    if by.is_empty() {
        return "'{}'::jsonb".to_string();
    }
    let pairs: Vec<String> = by
        .iter()
        .map(|d| format!("{}, {}", literal(d), ident(d)))
        .collect();
    format!("jsonb_build_object({})", pairs.join(", "))
}

/// Closed stretches of instants in a source's own time; where its clocks change, a day wider on both sides.
fn own_spans(source: &Source, labels: &[(i64, i64)], local: bool) -> Spans {
    const DAY: i64 = 86_400_000_000;
    let margin = if local { DAY } else { 0 };
    labels
        .iter()
        .map(|(from, last)| {
            Span::new(
                own_time(source, *from).saturating_sub(margin),
                own_time(source, *last).saturating_add(margin + 1),
            )
        })
        .collect()
}

/// The instant of a source's own time.
pub fn instant(source: &Source, t: i64) -> i64 {
    if source.time_type == TimeType::Timestamptz || t == i64::MIN || t == i64::MAX {
        return t;
    }
    // SAFETY: the server's AT TIME ZONE on a zone name that kpi.create_source has checked.
    let instant = unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::timestamp_zone,
            &[source.timezone.clone().into_datum(), Some(pg_sys::Datum::from(t))],
        )
    };
    instant.map_or(t, |d| d.value() as i64)
}

/// What is published of a source, or of KPIs that are computed from it.
pub fn groups(source: &Source) -> Result<Vec<Group>, Error> {
    let published = spi::query_kept(
        Mode::Write,
        "SELECT p.code, p.period, p.by FROM kpi._published p JOIN kpi.kpi k ON k.id = p.kpi_id \
         WHERE k.source_id = $1 OR k.source_id IS NULL AND $1 IN (SELECT kpi._sources(k.id)) ORDER BY 1, 2, 3",
        &[spi::arg(source.id)],
        |row| {
            Ok((
                row.text(1),
                row.text(2),
                row.get::<Vec<String>>(3).unwrap_or_default(),
            ))
        },
    )?;
    let mut places: HashMap<(String, Vec<String>, pg_sys::Oid), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut kpis: HashMap<String, Kpi> = HashMap::new();
    for (code, period, by) in published {
        let kpi = match kpis.get(&code) {
            Some(kpi) => kpi.clone(),
            None => {
                let kpi = lookup::kpi(Mode::Write, &code)?;
                kpis.insert(code, kpi.clone());
                kpi
            }
        };
        let has_all = if kpi.source.is_some() {
            by.iter().all(|d| source.dimensions.contains(d))
        } else {
            let shared = dimensions(&kpi, 0)?;
            by.iter().all(|d| shared.contains(d))
        };
        // A subscriber to all KPIs gets those that have its dimensions and periods.
        if !has_all || (source.time_type == TimeType::Date && period != "day") {
            continue;
        }
        let key = (period.clone(), by.clone(), kpi.owner);
        match places.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some(group) if kpi.source.is_some() => group.kpis.push(kpi),
            _ => {
                if kpi.source.is_some() {
                    places.insert(key, groups.len());
                }
                groups.push(Group {
                    period: kpi_catalog::period(&period)?,
                    by,
                    kpis: vec![kpi],
                });
            }
        }
    }
    Ok(groups)
}
