//! The checks' lines, the reads that psql has answered, and rows written as psql wrote them.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

static FAILED: AtomicUsize = AtomicUsize::new(0);

/// Prints the line of a check; a problem is what was wrong, `None` when nothing was.
pub fn check(what: &str, problem: Option<String>) {
    match problem {
        None => println!("ok - {what}"),
        Some(problem) => {
            FAILED.fetch_add(1, Ordering::Relaxed);
            println!("not ok - {what}\n#   {}", problem.replace('\n', "\n#   "));
        }
    }
}

/// A check that two values are the same.
pub fn equal<T: PartialEq + Debug>(what: &str, got: T, wanted: T) {
    check(
        what,
        (got != wanted).then(|| format!("{got:?}\nand not\n{wanted:?}")),
    );
}

/// A check that two lists are the same; shows the first difference.
pub fn same_lines(what: &str, got: &[String], wanted: &[String]) {
    let problem = got
        .iter()
        .zip(wanted)
        .position(|(one, other)| one != other)
        .map(|at| {
            format!(
                "line {} of {} is\n{}\nand not\n{}",
                at + 1,
                got.len(),
                got[at],
                wanted[at]
            )
        })
        .or_else(|| {
            (got.len() != wanted.len()).then(|| format!("{} lines and not {}", got.len(), wanted.len()))
        });
    check(what, problem);
}

/// Prints the closing line; whether nothing failed.
pub fn end() -> bool {
    println!("done");
    FAILED.load(Ordering::Relaxed) == 0
}

/// The lines of a file that run.sh made.
pub fn lines(name: &str) -> Result<Vec<String>, std::io::Error> {
    let folder = std::env::var("KPI_ANSWERS").unwrap_or_default();
    let text = std::fs::read_to_string(Path::new(&folder).join(name))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// A read of a statement: its parameters and what psql answered.
pub struct Case {
    /// Period or code.
    pub what: String,
    /// Buckets that begin from then on,
    pub since: Timestamp,
    /// and before then.
    pub until: Timestamp,
    /// The rows as psql wrote them.
    pub answer: Vec<String>,
}

/// The reads of a statement.
pub fn cases(statement: &str) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    for (i, line) in lines("cases.tsv")?.iter().enumerate() {
        if let [kind, what, since, until] = line.split('\t').collect::<Vec<_>>()[..]
            && kind == statement
        {
            found.push(Case {
                what: what.to_owned(),
                since: since.parse()?,
                until: until.parse()?,
                answer: lines(&format!("{}.txt", i + 1))?,
            });
        }
    }
    Ok(found)
}

/// A row as psql wrote it: times in microseconds since 1970, float8 as its eight bytes.
fn shown(row: &Row) -> Result<String, tokio_postgres::Error> {
    let mut fields = Vec::new();
    for (i, column) in row.columns().iter().enumerate() {
        let field = match *column.type_() {
            Type::TIMESTAMPTZ => row
                .try_get::<_, Option<Timestamp>>(i)?
                .map(|ts| ts.as_microsecond().to_string()),
            Type::FLOAT8 => row
                .try_get::<_, Option<f64>>(i)?
                .map(|v| format!("{:016x}", v.to_bits())),
            Type::INT4 => row.try_get::<_, Option<i32>>(i)?.map(|v| v.to_string()),
            Type::BOOL => row.try_get::<_, Option<bool>>(i)?.map(|v| v.to_string()),
            _ => row.try_get::<_, Option<String>>(i)?,
        };
        fields.push(field.unwrap_or_else(|| "NULL".to_owned()));
    }
    Ok(fields.join("|"))
}

/// Rows as psql wrote them.
pub fn all_shown(rows: &[Row]) -> Result<Vec<String>, tokio_postgres::Error> {
    rows.iter().map(shown).collect()
}
