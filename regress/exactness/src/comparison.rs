//! What a KPI says against what plain SQL says over the raw rows, as one query that gives only the differences.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

use crate::moments;
use crate::scenario::{DIMENSIONS, KPIS, Kpi, Scenario};

/// Filters over dimensions, with NULLs, quotes, an expression dimension and three-valued logic in them.
const FILTERS: [&str; 8] = [
    "region = 'north'",
    "region = 'it''s east' OR region = ''",
    "region IN ('north', 'south') AND tier < 2",
    "region IS NULL",
    "NOT (region = 'south')",
    "parity = 1",
    "account IS NOT NULL AND parity IS DISTINCT FROM 0",
    "coalesce(region, 'none') || tier::text LIKE '%2'",
];

/// What is asked of `kpi.value` besides KPI and period.
#[derive(Clone, Debug, Default)]
pub struct Question {
    by: Vec<&'static str>,
    filter: Option<&'static str>,
    since: Option<String>,
    until: Option<String>,
}

impl Question {
    /// A random one: none to all of the dimensions, and each restriction in a part of the cases.
    pub fn random(rng: &mut StdRng) -> Self {
        let count = *[0, 0, 1, 1, 2, 4].choose(rng).unwrap_or(&0);
        Self {
            by: DIMENSIONS.iter().map(|(name, _)| *name).sample(rng, count),
            filter: if rng.random_bool(0.4) {
                FILTERS.choose(rng).copied()
            } else {
                None
            },
            since: rng.random_bool(0.3).then(|| moments::instant(rng)),
            until: rng.random_bool(0.3).then(|| moments::instant(rng)),
        }
    }

    /// All dimensions or none, no restriction.
    pub fn whole(by_everything: bool) -> Self {
        let by = if by_everything {
            DIMENSIONS.iter().map(|(name, _)| *name).collect()
        } else {
            Vec::new()
        };
        Self {
            by,
            ..Self::default()
        }
    }
}

/// The KPI's answer, as a user asks for it.
fn asked(scenario: &Scenario, kpi: &Kpi, period: &str, question: &Question) -> String {
    let mut arguments = vec![format!("'{}', '{period}'", scenario.code(kpi))];
    let moments = [("since", &question.since), ("until", &question.until)];
    arguments.extend(
        moments
            .iter()
            .filter_map(|(name, at)| Some(format!("{name} => '{}'", at.as_ref()?))),
    );
    if !question.by.is_empty() {
        arguments.push(format!("by => '{{{}}}'", question.by.join(",")));
    }
    if let Some(filter) = question.filter {
        arguments.push(format!("filter => '{}'", filter.replace('\'', "''")));
    }
    format!(
        "SELECT ts, dimensions, value FROM kpi.value({})",
        arguments.join(", ")
    )
}

/// The same from the raw rows: those without a finite time are in no bucket, `since` and `until` choose buckets by their
/// start.
fn plain(scenario: &Scenario, kpi: &Kpi, period: &str, question: &Question) -> String {
    let dimensions: Vec<String> = DIMENSIONS
        .iter()
        .filter(|(name, sql)| name != sql)
        .map(|(name, sql)| format!("{sql} AS {name}"))
        .collect();
    let mut conditions = vec!["isfinite(at)".to_owned()];
    conditions.extend(question.filter.map(|filter| format!("({filter})")));
    conditions.extend(question.since.as_ref().map(|since| format!("ts >= '{since}'")));
    conditions.extend(question.until.as_ref().map(|until| format!("ts < '{until}'")));
    let object: Vec<String> = question
        .by
        .iter()
        .map(|name| format!("'{name}', {name}"))
        .collect();
    let group: Vec<String> = question.by.iter().map(|name| format!(", {name}")).collect();
    format!(
        "SELECT ts, jsonb_build_object({object}) AS dimensions, ({formula})::float8 AS value
         FROM (SELECT *, {dimensions}, {bucket} AS ts FROM {table}) raw
         WHERE {conditions} GROUP BY ts{group}",
        object = object.join(", "),
        formula = Scenario::plain(kpi.formula),
        dimensions = dimensions.join(", "),
        bucket = scenario.bucket(period),
        table = scenario.name,
        conditions = conditions.join(" AND "),
        group = group.concat(),
    )
}

/// A query whose only row holds the number of plain answers and the number of differences, and the first few of them.
///
/// Rows are matched both ways; an answer that comes twice, too much or too little is a difference too.
pub fn query(scenario: &Scenario, kpi: &Kpi, period: &str, question: &Question) -> String {
    let equal = if kpi.exact {
        "g.value IS NOT DISTINCT FROM p.value"
    } else {
        "(g.value IS NOT DISTINCT FROM p.value
          OR abs(g.value - p.value) <= 1e-9 * greatest(abs(g.value), abs(p.value), 1e-6))"
    };
    format!(
        "WITH got AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY ts, dimensions) AS nth
                                   FROM ({asked}) asked),
              plain AS MATERIALIZED (SELECT *, 1::bigint AS nth FROM ({plain}) plain),
              differences AS (
                  SELECT coalesce(g.ts, p.ts) AS ts, coalesce(g.dimensions, p.dimensions) AS dimensions,
                         CASE WHEN g.ts IS NULL THEN 'nothing' ELSE coalesce(g.value::text, 'null') END AS got,
                         CASE WHEN p.ts IS NULL THEN 'nothing' ELSE coalesce(p.value::text, 'null') END AS plain
                  FROM got g FULL JOIN plain p ON g.ts = p.ts AND g.dimensions = p.dimensions AND g.nth = p.nth
                  WHERE g.ts IS NULL OR p.ts IS NULL OR NOT ({equal}))
         SELECT (SELECT count(*) FROM plain), (SELECT count(*) FROM differences),
                (SELECT string_agg(format('%s %s kpi.value %s plain %s', ts, dimensions, got, plain), '; ')
                 FROM (SELECT * FROM differences ORDER BY ts, dimensions LIMIT 5) few)",
        asked = asked(scenario, kpi, period, question),
        plain = plain(scenario, kpi, period, question),
    )
}

/// A random KPI of the list.
pub fn random_kpi(rng: &mut StdRng) -> &'static Kpi {
    KPIS.choose(rng).unwrap_or(&KPIS[0])
}
