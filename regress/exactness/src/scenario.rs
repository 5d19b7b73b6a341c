//! The tables that are written to, and the KPIs over them with what they mean in plain SQL.

use crate::moments::TimeType;
use crate::session::{Failure, Session};

/// One table with its source and KPIs.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name of the table, of the source, and prefix of the KPI codes.
    pub name: &'static str,
    /// Time zone of the source.
    pub zone: String,
    /// Type of the time column.
    pub time: TimeType,
    /// What kind of table it is.
    pub shape: Shape,
}

/// How a table keeps its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// In itself.
    Plain,
    /// Range-partitioned by quarter, with a default partition.
    Partitioned,
    /// In chunks of TimescaleDB, 30 days each. They take no NULL and no infinite times, and an UPDATE cannot move a row
    /// to another chunk.
    Hypertable,
}

impl Shape {
    /// How the title of a check ends.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Partitioned => ", partitioned",
            Self::Hypertable => ", hypertable",
        }
    }
}

/// A KPI and its plain SQL.
pub struct Kpi {
    /// The code without the scenario's prefix.
    pub code: &'static str,
    /// The formula; in a derived KPI `{x}` names another one of this list.
    pub formula: &'static str,
    /// Over whole numbers and decimals the answer must be equal, over binary fractions within 1e-9 of it.
    pub exact: bool,
}

const fn kpi(code: &'static str, formula: &'static str, exact: bool) -> Kpi {
    Kpi { code, formula, exact }
}

/// Every kind of state, FILTER, ratios, and derived KPIs of one and of two levels.
pub const KPIS: [Kpi; 16] = [
    kpi("orders", "count(*)", true),
    kpi("units", "sum(qty)", true),
    kpi("revenue", "sum(amount)", true),
    kpi("known", "count(qty)", true),
    kpi("big", "count(*) FILTER (WHERE qty > 5)", true),
    kpi("late_share", "sum(late::int)::float8 / count(*)", false),
    kpi("basket", "avg(amount)", false),
    kpi("most", "max(amount)", true),
    kpi("least", "min(qty)", true),
    kpi("any_late", "bool_or(late)::int", true),
    kpi("all_late", "bool_and(late)::int", true),
    kpi("price", "sum(amount) / nullif(sum(qty), 0)", false),
    kpi("score", "sum(score)", false),
    kpi(
        "late_revenue",
        "coalesce(sum(amount * 2) FILTER (WHERE late AND region <> 'south'), 0)",
        true,
    ),
    kpi("aov", "{revenue} / nullif({orders}, 0)", false),
    kpi("aov_gap", "{aov} - {price}", false),
];

/// A dimension: its name and the expression over the table's columns.
pub const DIMENSIONS: [(&str, &str); 4] = [
    ("region", "region"),
    ("tier", "tier"),
    ("account", "account"),
    ("parity", "qty % 2"),
];

/// Every period there is.
const PERIODS: [&str; 7] = ["minute", "hour", "day", "week", "month", "quarter", "year"];

/// The minute of an instant.
const MINUTE: &str = "date_bin('1 minute', at, timestamptz '2000-01-01 00:00:00+00')";

/// Quarters from 2024 to 2025: the partitions, besides the default one.
pub const QUARTERS: usize = 8;

impl Scenario {
    /// The code under which `kpi` is created here.
    pub fn code(&self, kpi: &Kpi) -> String {
        format!("{}_{}", self.name, kpi.code)
    }

    /// The formula of `kpi` in plain SQL: derived ones with their parts put in, each converted as a KPI's value is.
    pub fn plain(formula: &str) -> String {
        let mut plain = formula.to_owned();
        for part in &KPIS {
            let placeholder = format!("{{{}}}", part.code);
            if plain.contains(&placeholder) {
                plain = plain.replace(
                    &placeholder,
                    &format!("(({})::float8)", Self::plain(part.formula)),
                );
            }
        }
        plain
    }

    /// The periods that this scenario's KPIs have: a date knows nothing finer than days.
    pub fn periods(&self) -> &'static [&'static str] {
        match self.time {
            TimeType::Date => &PERIODS[2..],
            _ => &PERIODS,
        }
    }

    /// The start of a row's bucket, in plain SQL.
    ///
    /// A row is in the minute of its time, and the minute in the period that `date_trunc` in the source's zone says. (A
    /// minute may lie in two days only where offsets have seconds, as they had more than a century ago.)
    pub fn bucket(&self, period: &str) -> String {
        let zone = &self.zone;
        match (self.time, period) {
            (TimeType::TimestampTz, "minute") => MINUTE.to_owned(),
            (TimeType::TimestampTz, _) => format!("date_trunc('{period}', {MINUTE}, '{zone}')"),
            (TimeType::Timestamp, _) => format!("date_trunc('{period}', at) AT TIME ZONE '{zone}'"),
            (TimeType::Date, _) => format!("date_trunc('{period}', at::timestamp) AT TIME ZONE '{zone}'"),
        }
    }

    /// The partition of a quarter, or the default one for `QUARTERS`.
    pub fn partition(&self, quarter: usize) -> String {
        if quarter < QUARTERS {
            format!("{}_q{quarter}", self.name)
        } else {
            format!("{}_rest", self.name)
        }
    }

    /// The bounds of a quarter as they stand in `FOR VALUES FROM ... TO ...`.
    pub fn bounds(&self, quarter: usize) -> (String, String) {
        let first_day = |quarter: usize| {
            let (year, month) = (2024 + quarter / 4, 1 + 3 * (quarter % 4));
            let clock = if self.time == TimeType::TimestampTz {
                " 00:00:00+00"
            } else {
                ""
            };
            format!("{year}-{month:02}-01{clock}")
        };
        (first_day(quarter), first_day(quarter + 1))
    }

    /// Creates the table, what else writes to it (a feeding table, a foreign key), the source and the KPIs.
    pub fn create(&self, session: &mut Session) -> Result<(), Failure> {
        let name = self.name;
        let (unique, partition_by) = match self.shape {
            Shape::Plain => ("(id)", ""),
            Shape::Partitioned => ("(id, at)", " PARTITION BY RANGE (at)"),
            Shape::Hypertable => ("(id, at)", ""),
        };
        session.run(&format!(
            "CREATE TABLE {name}_account (id int PRIMARY KEY);
             INSERT INTO {name}_account SELECT generate_series(1, 20);
             CREATE TABLE {name} (
                 id bigint NOT NULL, at {time}, region text, tier int,
                 account int REFERENCES {name}_account ON DELETE SET NULL ON UPDATE CASCADE,
                 qty int CHECK (qty < 1000), amount numeric, score float8, late bool, UNIQUE {unique}
             ){partition_by};
             CREATE INDEX ON {name} (at);
             CREATE TABLE {name}_feed (id bigint, at {time}, qty int);
             CREATE FUNCTION {name}_pass() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO {name} (id, at, region, qty) VALUES (NEW.id, NEW.at, 'fed', NEW.qty);
                 RETURN NULL;
             END $$;
             CREATE TRIGGER now AFTER INSERT ON {name}_feed FOR EACH ROW WHEN (NEW.id % 2 = 0)
                 EXECUTE FUNCTION {name}_pass();
             CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON {name}_feed DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW WHEN (NEW.id % 2 = 1) EXECUTE FUNCTION {name}_pass();",
            time = self.time.sql(),
        ))?;
        if self.shape == Shape::Hypertable {
            session.run(&format!(
                "SELECT create_hypertable('{name}', 'at', chunk_time_interval => interval '30 days')"
            ))?;
        }
        if self.shape == Shape::Partitioned {
            for quarter in 0..QUARTERS {
                let (from, to) = self.bounds(quarter);
                let partition = self.partition(quarter);
                session.run(&format!(
                    "CREATE TABLE {partition} PARTITION OF {name} FOR VALUES FROM ('{from}') TO ('{to}')"
                ))?;
            }
            session.run(&format!(
                "CREATE TABLE {} PARTITION OF {name} DEFAULT",
                self.partition(QUARTERS)
            ))?;
        }
        let dimensions: Vec<String> = DIMENSIONS
            .iter()
            .map(|(dimension, expression)| {
                if dimension == expression {
                    format!("'{dimension}'")
                } else {
                    format!("'{dimension} => {expression}'")
                }
            })
            .collect();
        session.run(&format!(
            "SELECT kpi.create_source('{name}', '{name}', 'at', ARRAY[{}], '{}', on_drop => 'forget')",
            dimensions.join(", "),
            self.zone
        ))?;
        for kpi in &KPIS {
            let derived = kpi.formula.contains('{');
            let source = if derived {
                "NULL".to_owned()
            } else {
                format!("'{name}'")
            };
            let formula = kpi
                .formula
                .replace('{', &format!("{{{name}_"))
                .replace('\'', "''");
            session.run(&format!(
                "SELECT kpi.create_kpi('{}', {source}, '{formula}')",
                self.code(kpi)
            ))?;
        }
        Ok(())
    }
}
