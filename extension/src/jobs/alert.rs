//! Alerts: of jobs that are given up, and of KPIs that miss their target.

use pgrx::prelude::*;

use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};

/// Raises an alert, unless the same is open already, and tells the listeners of `kpi.alerts`.
pub fn raise(kind: &str, subject: &str, status: &str, message: &str) -> Result<bool, Error> {
    let _owner = Identity::extension_owner()?;
    let raised = spi::run(
        "WITH ended AS (UPDATE kpi.alert SET cleared_at = clock_timestamp() \
                        WHERE kind = $1 AND subject = $2 AND cleared_at IS NULL AND status <> $3 RETURNING id), \
         raised AS (INSERT INTO kpi.alert (kind, subject, status, message) SELECT $1, $2, $3, $4 \
                    WHERE NOT EXISTS (SELECT FROM kpi.alert WHERE kind = $1 AND subject = $2 AND cleared_at IS NULL AND status = $3) \
                    RETURNING id) \
         SELECT id FROM raised, (SELECT count(*) FROM ended) n",
        &[arg(kind), arg(subject), arg(status), arg(message)],
    );
    let raised = raised? > 0;
    if raised {
        notify(kind, subject, status)?;
    }
    Ok(raised)
}

/// Clears the open alert of a subject.
pub fn clear(kind: &str, subject: &str) -> Result<bool, Error> {
    let _owner = Identity::extension_owner()?;
    let cleared = spi::run(
        "UPDATE kpi.alert SET cleared_at = clock_timestamp() WHERE kind = $1 AND subject = $2 AND cleared_at IS NULL",
        &[arg(kind), arg(subject)],
    )? > 0;
    if cleared {
        notify(kind, subject, "cleared")?;
    }
    Ok(cleared)
}

fn notify(kind: &str, subject: &str, status: &str) -> Result<(), Error> {
    spi::run(
        "SELECT pg_catalog.pg_notify('kpi.alerts', pg_catalog.jsonb_build_object('kind', $1, 'subject', left($2, 150), 'status', $3)::text) \
         WHERE pg_catalog.pg_notification_queue_usage() < 0.5",
        &[arg(kind), arg(subject), arg(status)],
    )?;
    Ok(())
}

/// The job `alerts`: holds the latest whole bucket of each KPI against its target, as the job's owner sees it. `codes`
/// and `period` come from its config.
pub fn evaluate(codes: Option<Vec<String>>, period: &str) -> Result<i64, Error> {
    let found = spi::query(
        Mode::Write,
        "SELECT c.code, v.value, kpi.status(v.value, c.direction, c.target, c.warn), c.target, v.ts::text \
         FROM kpi.catalog c CROSS JOIN LATERAL ( \
             SELECT v.ts, v.value FROM kpi.value(c.code, $2, now() - interval '2 day' - ('2 ' || $2)::interval, now() - ('1 ' || $2)::interval) v \
             ORDER BY v.ts DESC LIMIT 1) v \
         WHERE c.target IS NOT NULL AND ($1 IS NULL OR c.code = ANY ($1)) AND has_table_privilege(c.view, 'SELECT')",
        &[
            spi::raw_arg(pgrx::pg_sys::TEXTARRAYOID, codes.into_datum()),
            arg(period),
        ],
        |row| {
            Ok((
                row.text(1),
                row.get::<f64>(2),
                row.get::<String>(3),
                row.get::<f64>(4).unwrap_or_default(),
                row.text(5),
            ))
        },
    )?;
    let mut changed = 0;
    for (code, value, status, target, bucket) in found {
        let acted = match (status.as_deref(), value) {
            (Some(status @ ("warn" | "bad")), Some(value)) => {
                let message =
                    format!("KPI \"{code}\" is {value} in the {period} of {bucket}, its target is {target}");
                raise("kpi", &code, status, &message)?
            }
            (Some("ok"), _) => clear("kpi", &code)?,
            _ => false,
        };
        changed += i64::from(acted);
    }
    Ok(changed)
}
