//! One connection, and what a failed statement says about itself.

use std::fmt;
use std::io::Write;

use postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// A statement that failed: its SQLSTATE, the server's message and the text that was sent.
#[derive(Debug)]
pub struct Failure {
    /// The five characters of the SQLSTATE, empty where the connection itself failed.
    pub sqlstate: String,
    message: String,
    statement: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}\n#   in: {}",
            self.sqlstate, self.message, self.statement
        )
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// What concurrency does to honest statements: serialization failure, deadlock, lock timeout, cancelled statement.
    pub fn is_contention(&self) -> bool {
        matches!(self.sqlstate.as_str(), "40001" | "40P01" | "55P03" | "57014")
    }

    /// Whether the transaction is gone with its connection.
    pub fn is_lost(&self) -> bool {
        self.sqlstate == LOST
    }

    /// How TimescaleDB says that the chunk it was about to write to has just been dropped.
    fn is_dropped_chunk(&self) -> bool {
        self.sqlstate == "XX000" && self.message.starts_with("could not open relation with OID")
    }

    /// What the random statements bring upon themselves: a check constraint, a duplicate key, a foreign key, a MERGE
    /// or ON CONFLICT that would touch one row twice, a chunk that another writer has dropped meanwhile.
    pub fn is_expected(&self) -> bool {
        self.is_contention()
            || self.is_dropped_chunk()
            || matches!(
                self.sqlstate.as_str(),
                "23514" | "23505" | "23503" | "21000" | "42P01" | LOST
            )
    }
}

/// A row of text columns.
pub type Row = Vec<Option<String>>;

/// A connection to the server under test.
pub struct Session {
    client: Client,
    database: String,
}

/// Our own code for a COPY that failed: the driver cannot go on after it, so the connection is a new one.
const LOST: &str = "lost";

impl Session {
    /// Connects to `database` where PGHOST, PGPORT and PGUSER say.
    pub fn connect(database: &str) -> Result<Self, Failure> {
        let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let mut config = Config::new();
        config
            .host(&setting("PGHOST", "/var/run/postgresql"))
            .user(&setting("PGUSER", "postgres"))
            .dbname(database)
            .application_name("exactness")
            // Conflicts are wanted, waiting for them is not.
            .options("-c deadlock_timeout=20ms -c lock_timeout=300ms -c client_min_messages=warning");
        if let Ok(port) = setting("PGPORT", "5432").parse() {
            config.port(port);
        }
        if let Ok(password) = std::env::var("PGPASSWORD") {
            config.password(password);
        }
        let client = config
            .connect(NoTls)
            .map_err(|error| failure(&error, "connect"))?;
        Ok(Self {
            client,
            database: database.to_owned(),
        })
    }

    /// Runs one or more statements.
    pub fn run(&mut self, sql: &str) -> Result<(), Failure> {
        self.client
            .batch_execute(sql)
            .map_err(|error| failure(&error, sql))
    }

    /// Runs a query and gives its rows as text.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        let messages = self
            .client
            .simple_query(sql)
            .map_err(|error| failure(&error, sql))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The first column of the first row, where there is one that is not NULL.
    pub fn text(&mut self, sql: &str) -> Result<Option<String>, Failure> {
        Ok(self
            .rows(sql)?
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .flatten())
    }

    /// COPY ... FROM STDIN with `data` in text format.
    pub fn copy(&mut self, sql: &str, data: &str) -> Result<(), Failure> {
        let Err(mut failure) = self.try_copy(sql, data) else {
            return Ok(());
        };
        if failure.is_expected() {
            *self = Self::connect(&self.database)?;
            failure.sqlstate = LOST.to_owned();
        }
        Err(failure)
    }

    fn try_copy(&mut self, sql: &str, data: &str) -> Result<(), Failure> {
        let mut writer = self.client.copy_in(sql).map_err(|error| failure(&error, sql))?;
        writer.write_all(data.as_bytes()).map_err(|error| Failure {
            sqlstate: String::new(),
            message: error.to_string(),
            statement: sql.to_owned(),
        })?;
        writer.finish().map_err(|error| failure(&error, sql))?;
        Ok(())
    }
}

fn failure(error: &postgres::Error, statement: &str) -> Failure {
    let (sqlstate, message) = match error.as_db_error() {
        Some(db) => {
            let detail = db
                .detail()
                .map(|detail| format!(" ({detail})"))
                .unwrap_or_default();
            (db.code().code().to_owned(), format!("{}{detail}", db.message()))
        }
        None => (String::new(), error.to_string()),
    };
    Failure {
        sqlstate,
        message,
        statement: statement.to_owned(),
    }
}
