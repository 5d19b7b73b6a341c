//! Random statements that write to a scenario's table, by every way in that SQL has.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::moments;
use crate::scenario::{QUARTERS, Scenario, Shape};
use crate::session::{Failure, Session};

const REGIONS: [Option<&str>; 5] = [Some("north"), Some("south"), Some("it's east"), Some(""), None];

/// Rows of one writer have ids of their own, so that inserting never waits for another writer.
const IDS_PER_WRITER: u64 = 1_000_000;

/// Makes random statements; `id` counts the rows this writer has made.
pub struct Statements<'a> {
    scenario: &'a Scenario,
    writer: u64,
    id: u64,
}

impl<'a> Statements<'a> {
    /// The statements of writer number `writer`, counted from 0.
    pub fn new(scenario: &'a Scenario, writer: u64) -> Self {
        Self {
            scenario,
            writer,
            id: 0,
        }
    }

    /// Runs one random statement.
    pub fn run(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        match rng.random_range(0..100) {
            0..14 => {
                let row = self.values(rng);
                session.run(&format!("INSERT INTO {table} VALUES {row}"))
            }
            14..24 => {
                let rows: Vec<String> = (0..rng.random_range(2..12)).map(|_| self.values(rng)).collect();
                session.run(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")))
            }
            24..32 => self.copy(rng, session),
            32..42 => {
                let change = ["qty = qty + 1", "amount = -amount", "score = score / 3", "late = NOT late", "qty = NULL"];
                let change = change.choose(rng).unwrap_or(&"qty = 0");
                self.update(rng, session, change)
            }
            42..52 => {
                let at = self.time(rng);
                self.shift(rng, session, &at)
            }
            52..57 => self.shift(rng, session, "at + CASE WHEN isfinite(at) THEN interval '1 day' END"),
            57..64 => {
                let change = format!("region = {}, tier = {}", region(rng), rng.random_range(0..3));
                self.update(rng, session, &change)
            }
            64..71 => {
                let ids = self.ids(rng);
                session.run(&format!("DELETE FROM {table} WHERE {ids}"))
            }
            71..76 => self.upsert(rng, session),
            76..81 => self.merge(rng, session),
            81..85 => self.partition_write(rng, session),
            85..88 => {
                let (id, at) = (self.next_id(), self.time(rng));
                session.run(&format!("INSERT INTO {table}_feed VALUES ({id}, {at}, {})", rng.random_range(0..9)))
            }
            88..91 => self.caught(rng, session),
            91..93 => self.in_one_statement(rng, session),
            93..94 => self.foreign_key(rng, session),
            // Where TimescaleDB does not let triggers fire ALWAYS, a replica's writes are not captured, and not promised.
            94..96 if self.scenario.shape != Shape::Hypertable => {
                let (row, ids) = (self.values(rng), self.ids(rng));
                session.run(&format!(
                    "SET LOCAL session_replication_role = replica;
                     INSERT INTO {table} VALUES {row};
                     UPDATE {table} SET qty = 3, region = 'replica' WHERE {ids};
                     SET LOCAL session_replication_role = origin"
                ))
            }
            // TimescaleDB knows no WHERE CURRENT OF for rows of several chunks.
            96..97 if self.scenario.shape != Shape::Hypertable => session.run(&format!(
                "DO $$ DECLARE c CURSOR FOR SELECT * FROM {table} WHERE {} FOR UPDATE; r {table};
                 BEGIN FOR r IN c LOOP UPDATE {table} SET qty = r.qty + 1 WHERE CURRENT OF c; END LOOP; END $$",
                self.ids(rng)
            )),
            97..99 => session.run(&format!(
                "SELECT r.* FROM (SELECT WHERE current_setting('transaction_isolation') = 'read committed') allowed,
                 LATERAL kpi.refresh('{table}') r"
            )),
            94..97 => self.chunk_write(rng, session),
            _ => match (self.scenario.shape, rng.random_range(0..10)) {
                (_, 0) | (Shape::Plain, 1..3) => session.run(&format!("TRUNCATE {table}")),
                (Shape::Partitioned, _) => {
                    session.run(&format!("TRUNCATE {}", self.scenario.partition(rng.random_range(0..=QUARTERS))))
                }
                (Shape::Hypertable, _) => self.lose_chunk(rng, session),
                (Shape::Plain, _) => session.run(&format!("DELETE FROM {table} WHERE id % 11 = 0")),
            },
        }
    }

    /// A statement that certainly fails after it has written rows: the last row breaks the check constraint.
    pub fn fail(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let (first, second, id) = (self.values(rng), self.values(rng), self.next_id());
        session.run(&format!(
            "INSERT INTO {} VALUES {first}, {second}, ({id}, now(), 'bad', 0, NULL, 1000, NULL, NULL, NULL)",
            self.scenario.name
        ))
    }

    fn next_id(&mut self) -> u64 {
        self.id += 1;
        self.writer * IDS_PER_WRITER + self.id
    }

    /// A random time that the column takes.
    fn moment(&self, rng: &mut StdRng) -> Option<String> {
        let hypertable = self.scenario.shape == Shape::Hypertable;
        loop {
            let moment = moments::random(rng, self.scenario.time, !hypertable);
            if !hypertable || !moment.as_ref().is_some_and(|text| text.ends_with("infinity")) {
                return moment;
            }
        }
    }

    /// Gives some rows another time.
    fn shift(&self, rng: &mut StdRng, session: &mut Session, at: &str) -> Result<(), Failure> {
        if self.scenario.shape != Shape::Hypertable {
            return self.update(rng, session, &format!("at = {at}"));
        }
        let (table, ids) = (self.scenario.name, self.ids(rng));
        session.run(&format!(
            "WITH moved AS (DELETE FROM {table} WHERE {ids} RETURNING *)
             INSERT INTO {table} SELECT id, {at}, region, tier, account, qty, amount, score, late FROM moved"
        ))
    }

    /// A chunk, or the table while it has none.
    fn chunk(&self, rng: &mut StdRng, session: &mut Session) -> Result<String, Failure> {
        let table = self.scenario.name;
        let chunks = session.rows(&format!("SELECT show_chunks('{table}')::text"))?;
        let chunk = chunks.choose(rng).and_then(|row| row.first()?.clone());
        Ok(chunk.unwrap_or_else(|| table.to_owned()))
    }

    /// Writes that name a chunk.
    fn chunk_write(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let (chunk, ids, id) = (self.chunk(rng, session)?, self.ids(rng), self.next_id());
        session.run(&match rng.random_range(0..3) {
            0 => format!("DELETE FROM {chunk} WHERE {ids}"),
            1 => format!("UPDATE {chunk} SET qty = 7, tier = 2 WHERE {ids}"),
            _ => format!("INSERT INTO {chunk} (id, at, qty) SELECT {id}, at, 5 FROM {chunk} LIMIT 1"),
        })
    }

    /// Empties or drops a chunk, in the ways that no trigger sees.
    fn lose_chunk(&self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let (table, chunk) = (self.scenario.name, self.chunk(rng, session)?);
        let lose = match rng.random_range(0..3) {
            _ if chunk == table => format!("TRUNCATE {table}"),
            0 => format!("TRUNCATE {chunk}"),
            1 => format!("DROP TABLE {chunk}"),
            _ => {
                let (from, to) = self.scenario.bounds(rng.random_range(0..QUARTERS));
                let kind = self.scenario.time.sql();
                format!(
                    "PERFORM drop_chunks('{table}', older_than => {kind} '{to}', newer_than => {kind} '{from}')"
                )
            }
        };
        // TimescaleDB lets a writer run into a chunk that goes under it ("could not open relation"): not while this holds.
        session.run(&format!(
            "DO $$ BEGIN LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; {lose}; END $$"
        ))
    }

    /// A time literal of the column's type.
    fn time(&self, rng: &mut StdRng) -> String {
        let kind = self.scenario.time;
        self.moment(rng)
            .map_or_else(|| "NULL".to_owned(), |text| format!("{} '{text}'", kind.sql()))
    }

    /// One random row as text columns, `None` for NULL.
    fn row(&mut self, rng: &mut StdRng) -> [Option<String>; 9] {
        [
            Some(self.next_id().to_string()),
            self.moment(rng),
            REGIONS.choose(rng).copied().flatten().map(str::to_owned),
            Some(rng.random_range(0..3).to_string()),
            rng.random_bool(0.1).then(|| rng.random_range(1..=20).to_string()),
            rng.random_bool(0.9).then(|| rng.random_range(-3..12).to_string()),
            rng.random_bool(0.9)
                .then(|| format!("{}.{:02}", rng.random_range(-9..999), rng.random_range(0..100))),
            rng.random_bool(0.9)
                .then(|| rng.random_range(0.0..100.0).to_string()),
            rng.random_bool(0.9).then(|| rng.random_bool(0.5).to_string()),
        ]
    }

    fn values(&mut self, rng: &mut StdRng) -> String {
        let columns = self
            .row(rng)
            .map(|column| column.map_or_else(|| "NULL".to_owned(), |text| quote(&text)));
        format!("({})", columns.join(", "))
    }

    fn copy(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let mut data = String::new();
        for _ in 0..rng.random_range(1..30) {
            let columns = self
                .row(rng)
                .map(|column| column.unwrap_or_else(|| "\\N".to_owned()));
            data.push_str(&columns.join("\t"));
            data.push('\n');
        }
        session.copy(&format!("COPY {} FROM STDIN", self.scenario.name), &data)
    }

    /// A condition that holds for some rows of some writer, most often this one.
    fn ids(&self, rng: &mut StdRng) -> String {
        let writer = if rng.random_bool(0.7) {
            self.writer
        } else {
            rng.random_range(0..3)
        };
        let first = writer * IDS_PER_WRITER + rng.random_range(0..=self.id);
        format!("id BETWEEN {first} AND {}", first + rng.random_range(0..25))
    }

    fn update(&self, rng: &mut StdRng, session: &mut Session, change: &str) -> Result<(), Failure> {
        let ids = self.ids(rng);
        session.run(&format!("UPDATE {} SET {change} WHERE {ids}", self.scenario.name))
    }

    fn upsert(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        let row = self.values(rng);
        let (ids, shift) = (self.ids(rng), rng.random_range(-2..3));
        if self.scenario.shape != Shape::Plain {
            session.run(&format!(
                "INSERT INTO {table} SELECT * FROM {table} WHERE {ids} UNION ALL VALUES {}
                 ON CONFLICT (id, at) DO UPDATE SET qty = EXCLUDED.qty + {shift}, region = 'upsert'",
                self.typed(&row)
            ))
        } else {
            session.run(&format!(
                "INSERT INTO {table} SELECT * FROM {table} WHERE {ids} UNION ALL VALUES {}
                 ON CONFLICT (id) DO UPDATE SET at = {table}.at + {shift} * interval '11 minutes', qty = 4
                 WHERE isfinite({table}.at)",
                self.typed(&row)
            ))
        }
    }

    /// A VALUES row with the columns' types, since in a UNION literals would be text.
    fn typed(&self, row: &str) -> String {
        let types = [
            "bigint",
            self.scenario.time.sql(),
            "text",
            "int",
            "int",
            "int",
            "numeric",
            "float8",
            "bool",
        ];
        let columns = split(row)
            .into_iter()
            .zip(types)
            .map(|(column, kind)| format!("{column}::{kind}"));
        format!("({})", columns.collect::<Vec<_>>().join(", "))
    }

    fn merge(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        let row = self.values(rng);
        let new = self.typed(&row);
        let (ids, at) = (self.ids(rng), self.time(rng));
        let matched = match self.scenario.shape {
            // TimescaleDB 2.19.3 crashes when MERGE changes a row that another session has changed meanwhile.
            Shape::Hypertable => "WHEN MATCHED THEN DO NOTHING".to_owned(),
            _ => format!(
                "WHEN MATCHED AND s.tier = 0 THEN DELETE
                 WHEN MATCHED AND s.tier = 1 THEN UPDATE SET at = {at}, region = 'merged'
                 WHEN MATCHED THEN UPDATE SET qty = t.qty + 2"
            ),
        };
        session.run(&format!(
            "MERGE INTO {table} t USING (SELECT * FROM {table} WHERE {ids} UNION ALL VALUES {new}) s
             ON t.id = s.id AND {ids_of_target}
             {matched}
             WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.at, s.region, s.tier, s.account, s.qty, s.amount, s.score, s.late)",
            ids_of_target = ids.replace("id ", "t.id "),
        ))
    }

    /// Writes that name a partition, or the table where there are none.
    fn partition_write(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        if self.scenario.shape == Shape::Hypertable {
            return self.chunk_write(rng, session);
        }
        let quarter = rng.random_range(0..=QUARTERS);
        let partition = if self.scenario.shape == Shape::Partitioned {
            self.scenario.partition(quarter)
        } else {
            self.scenario.name.to_owned()
        };
        let ids = self.ids(rng);
        match rng.random_range(0..3) {
            0 => session.run(&format!("DELETE FROM {partition} WHERE {ids}")),
            1 => session.run(&format!("UPDATE {partition} SET qty = 7, tier = 2 WHERE {ids}")),
            _ if quarter < QUARTERS => {
                let (from, _) = self.scenario.bounds(quarter);
                let id = self.next_id();
                session.copy(
                    &format!("COPY {partition} (id, at, qty) FROM STDIN"),
                    &format!("{id}\t{from}\t5\n"),
                )
            }
            _ => session.run(&format!(
                "INSERT INTO {partition} (id, at, qty) VALUES ({}, NULL, 1)",
                self.next_id()
            )),
        }
    }

    /// A block whose inner writes are undone by a caught exception, between writes that stay.
    fn caught(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        let (lost, again, first, last) = (
            self.values(rng),
            self.ids(rng),
            self.values(rng),
            self.values(rng),
        );
        // The row that stays has often the time of the one that was undone: the touch must be noted a second time.
        session.run(&format!(
            "DO $$ BEGIN
                 INSERT INTO {table} VALUES {first};
                 BEGIN
                     INSERT INTO {table} VALUES {lost};
                     DELETE FROM {table} WHERE {again};
                     RAISE EXCEPTION 'undone';
                 EXCEPTION WHEN raise_exception THEN NULL; END;
                 DELETE FROM {table} WHERE {again};
                 INSERT INTO {table} VALUES {last};
             END $$"
        ))
    }

    fn in_one_statement(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        let (row, gone, changed) = (self.values(rng), self.ids(rng), self.ids(rng));
        session.run(&format!(
            "WITH new AS (INSERT INTO {table} VALUES {row} RETURNING id),
                  gone AS (DELETE FROM {table} WHERE {gone} RETURNING id)
             UPDATE {table} SET qty = qty - 1 WHERE {changed} AND NOT {gone}"
        ))
    }

    fn foreign_key(&mut self, rng: &mut StdRng, session: &mut Session) -> Result<(), Failure> {
        let table = self.scenario.name;
        let account = rng.random_range(1..=20);
        if rng.random_bool(0.5) {
            session.run(&format!(
                "DELETE FROM {table}_account WHERE id = {account}; INSERT INTO {table}_account VALUES ({account})"
            ))
        } else {
            session.run(&format!(
                "UPDATE {table}_account SET id = id + 100 WHERE id = {account};
                 UPDATE {table}_account SET id = id - 100 WHERE id = {account} + 100"
            ))
        }
    }
}

fn region(rng: &mut StdRng) -> String {
    REGIONS
        .choose(rng)
        .copied()
        .flatten()
        .map_or_else(|| "NULL".to_owned(), quote)
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The columns of a VALUES row made by [`Statements::values`].
fn split(row: &str) -> Vec<&str> {
    row.trim_start_matches('(')
        .trim_end_matches(')')
        .split(", ")
        .collect()
}
