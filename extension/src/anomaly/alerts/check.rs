//! What a rule of alerts has to be, to be one.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::invalid;
use crate::anomaly::watch;
use crate::catalog::lookup;
use crate::error::Error;
use crate::spi::{self, Mode, arg, raw_arg};

/// What a rule may be about, and what it then needs.
const CONDITIONS: [&str; 5] = ["score", "value", "target", "missing", "burn_rate"];
/// Longest name of a rule, bytes: it is part of every announcement.
const MAX_NAME: usize = 100;
/// Steps of an escalation at most.
const MAX_STEPS: usize = 20;

/// What is asked of a new rule.
pub struct Definition<'a> {
    pub condition: &'a str,
    pub code: Option<&'a str>,
    pub watch: Option<&'a str>,
    pub threshold: Option<f64>,
    pub clear_threshold: Option<f64>,
    pub direction: Option<&'a str>,
    pub adaptive: Option<f64>,
    pub total: Option<&'a str>,
    pub objective: Option<f64>,
}

pub fn check_name(name: &str) -> Result<(), Error> {
    if !name.trim().is_empty() && name.len() <= MAX_NAME {
        return Ok(());
    }
    Err(
        invalid(format!("name of an alert rule must have 1 to {MAX_NAME} bytes"))
            .detail(format!("It has {}.", name.len()))
            .hint("For example name => 'orders too low'."),
    )
}

/// What each condition needs, and what makes no sense with it.
pub fn check_needs(asked: &Definition) -> Result<(), Error> {
    let condition = asked.condition;
    if !CONDITIONS.contains(&condition) {
        return Err(invalid(format!("there is no condition \"{condition}\""))
            .detail("It says what a rule looks at.")
            .hint(format!("Use one of {}.", CONDITIONS.join(", "))));
    }
    let missing = |what: &str, hint: &str| {
        Err(invalid(format!("a rule on {condition} needs {what}"))
            .detail(format!("{what} is null."))
            .hint(hint.to_string()))
    };
    let foreign = |what: &str| {
        Err(invalid(format!("a rule on {condition} has no {what}"))
            .detail(format!("{what} is given."))
            .hint(format!("Leave {what} out.")))
    };
    match (asked.code, asked.watch) {
        (None, None) if condition == "score" => {
            return missing(
                "code",
                "Name a KPI, code => '...', or a watch of kpi.watch, watch => '...'.",
            );
        }
        (None, _) if condition != "score" => return missing("code", "Name a KPI: code => '...'."),
        (Some(_), Some(_)) => {
            return Err(invalid("a rule looks at a KPI or at a watch, not at both")
                .detail("code and watch are given.")
                .hint("Leave one of them out."));
        }
        _ => {}
    }
    match condition {
        "value" if asked.threshold.is_none() && asked.adaptive.is_none() => missing(
            "threshold",
            "threshold => 100 is a value, adaptive => 0.99 a quantile of the KPI's own history.",
        ),
        "value" if asked.threshold.is_some() && asked.adaptive.is_some() => {
            Err(invalid("a rule on value has a threshold or a quantile, not both")
                .detail("threshold and adaptive are given.")
                .hint("Leave one of them out."))
        }
        "burn_rate" if asked.total.is_none() => missing(
            "total",
            "code is the KPI that counts what failed, total the one that counts all.",
        ),
        "burn_rate" if asked.objective.is_none() => missing("objective", "For example objective => 0.999."),
        "target" | "missing" if asked.threshold.is_some() => foreign("threshold"),
        _ if condition != "value" && asked.adaptive.is_some() => foreign("adaptive"),
        _ if condition != "burn_rate" && asked.total.is_some() => foreign("total"),
        _ if condition != "burn_rate" && asked.objective.is_some() => foreign("objective"),
        _ if !matches!(condition, "value" | "score") && asked.clear_threshold.is_some() => {
            foreign("clear_threshold")
        }
        _ if [asked.threshold, asked.clear_threshold]
            .iter()
            .flatten()
            .any(|t| t.is_nan()) =>
        {
            Err(invalid("threshold must be a number")
                .detail("It is NaN.")
                .hint("For example threshold => 100."))
        }
        "score"
            if [asked.threshold, asked.clear_threshold]
                .iter()
                .flatten()
                .any(|t| !(*t > 0.0 && *t < 1.0)) =>
        {
            Err(
                invalid("threshold of a score must lie between 0 and 1, both excluded")
                    .detail(format!("It is {}.", asked.threshold.unwrap_or_default()))
                    .hint("0.999 fires for about one in a thousand usual values."),
            )
        }
        _ => Ok(()),
    }
}

pub fn check_quantile(adaptive: Option<f64>) -> Result<(), Error> {
    match adaptive {
        Some(q) if !(q > 0.0 && q < 1.0) => Err(invalid("adaptive must lie between 0 and 1, both excluded")
            .detail(format!("It is {q}."))
            .hint("It is a quantile of the KPI's history: adaptive => 0.99 with direction => 'up'.")),
        _ => Ok(()),
    }
}

pub fn check_objective(asked: &Definition) -> Result<(), Error> {
    match asked.objective {
        Some(objective) if !(objective > 0.0 && objective < 1.0) => {
            Err(invalid("objective must lie between 0 and 1, both excluded")
                .detail(format!("It is {objective}."))
                .hint("It is the share that is to succeed: objective => 0.999."))
        }
        _ => match asked.threshold {
            Some(factor) if asked.condition == "burn_rate" && factor <= 0.0 => {
                Err(invalid("threshold of a burn rate must be positive")
                    .detail(format!("It is {factor}."))
                    .hint("1 uses the budget up exactly; leave it out for the three pairs of windows of the SRE workbook."))
            }
            _ => Ok(()),
        },
    }
}

pub fn check_duration(what: &str, duration: &Option<Interval>) -> Result<(), Error> {
    let micros = duration.as_ref().map_or(0, Interval::as_micros);
    if micros >= 0 {
        return Ok(());
    }
    Err(invalid(format!("{what} must not be negative"))
        .detail(format!("It is {:.0} seconds.", micros as f64 / 1e6))
        .hint(format!("For example {what} => '10 minutes'.")))
}

/// `[{"after": "0", "to": "team"}, {"after": "30 minutes", "to": "lead"}]`, in order of time.
pub fn check_escalation(escalation: &serde_json::Value) -> Result<(), Error> {
    let wrong = |detail: String| {
        Err(invalid("escalation must be an array of steps")
            .detail(detail)
            .hint("For example escalation => '[{\"after\": \"0\", \"to\": \"team\"}, {\"after\": \"30 minutes\", \"to\": \"lead\"}]'."))
    };
    let Some(steps) = escalation.as_array() else {
        return wrong(format!("It is {escalation}."));
    };
    if steps.len() > MAX_STEPS {
        return wrong(format!(
            "It has {} steps, at most {MAX_STEPS} are kept.",
            steps.len()
        ));
    }
    let mut last = None;
    for step in steps {
        let known = step
            .as_object()
            .is_some_and(|fields| fields.keys().all(|key| ["after", "to"].contains(&key.as_str())));
        let after = step.get("after").and_then(|after| after.as_str());
        let (true, Some(after)) = (known, after) else {
            return wrong(format!("A step has \"after\" and \"to\"; one is {step}."));
        };
        let seconds = spi::first(
            Mode::Write,
            "SELECT extract(epoch FROM $1::interval)::float8",
            &[arg(after)],
            |row| Ok(row.get::<f64>(1)),
        )?
        .flatten()
        .unwrap_or_default();
        if seconds < last.unwrap_or(0.0) {
            return wrong(format!(
                "The step after \"{after}\" comes before the one in front of it."
            ));
        }
        last = Some(seconds);
    }
    Ok(())
}

/// The side on which values alarm: for a KPI of which more is better, it is down.
pub fn direction_of<'a>(asked: &Definition<'a>) -> Result<&'a str, Error> {
    let asked_for = asked.direction;
    if let Some(direction) = asked_for.filter(|d| !["up", "down"].contains(d)) {
        return Err(invalid(format!("direction \"{direction}\" is not known"))
            .detail("It is the side of the threshold on which the alert fires.")
            .hint("Use 'up' or 'down'."));
    }
    if asked.condition != "value" {
        return match asked_for {
            Some(_) => Err(invalid(format!("a rule on {} has no direction", asked.condition))
                .detail("direction is given.")
                .hint("Leave direction out.")),
            None => Ok("up"),
        };
    }
    if let Some(direction) = asked_for {
        return Ok(direction);
    }
    let better = spi::first(
        Mode::Write,
        "SELECT direction FROM kpi.catalog WHERE code = $1",
        &[arg(asked.code.unwrap_or_default())],
        |row| Ok(row.text(1)),
    )?;
    match better.as_deref() {
        Some("up") => Ok("down"),
        Some("down") => Ok("up"),
        Some(_) => Err(invalid("direction is missing")
            .detail("Of this KPI neither more nor less is better.")
            .hint("direction => 'up' fires above the threshold, 'down' below.")),
        // Refused by the next check, which knows how to say it.
        None => Ok("up"),
    }
}

/// An alert that is over before it begins would fire and resolve for ever.
pub fn check_hysteresis(asked: &Definition, direction: &str) -> Result<(), Error> {
    let level = asked.adaptive.or(asked.threshold).or(Some(0.999));
    let (Some(level), Some(clear)) = (level, asked.clear_threshold) else {
        return Ok(());
    };
    let passed = if direction == "up" {
        clear > level
    } else {
        clear < level
    };
    if !passed {
        return Ok(());
    }
    let side = if direction == "up" { "above" } else { "below" };
    Err(invalid(format!("clear_threshold must not be {side} the threshold"))
        .detail(format!("The alert fires {side} {level} and would be over at {clear} already."))
        .hint("It is the value at which the alert is over: a little on the good side of the threshold, or left out."))
}

/// Refuses what could not be read, by reading nothing of it.
pub fn check_reading(
    asked: &Definition,
    period: &str,
    by: &[String],
    filter: Option<&str>,
) -> Result<(), Error> {
    if let Some(name) = asked.watch {
        watch::check_named(name)?;
    }
    for code in [asked.code, asked.total].into_iter().flatten() {
        let kpi = lookup::kpi(Mode::Write, code)?;
        lookup::check_readable(&kpi)?;
        spi::run(
            "SELECT FROM kpi.value($1, $2, timestamptz 'epoch', timestamptz 'epoch', $3, $4)",
            &[
                arg(code),
                arg(period),
                arg(by.to_vec()),
                raw_arg(pg_sys::TEXTOID, filter.into_datum()),
            ],
        )?;
    }
    if asked.condition == "target" {
        let code = asked.code.unwrap_or_default();
        let target = spi::first(
            Mode::Write,
            "SELECT target FROM kpi.catalog WHERE code = $1",
            &[arg(code)],
            |row| Ok(row.get::<f64>(1)),
        )?;
        if target.flatten().is_none() {
            return Err(invalid(format!("KPI \"{code}\" has no target"))
                .detail("A rule on target holds the KPI against its own.")
                .hint(format!(
                    "SELECT kpi.alter_kpi({}, target => ...); or use condition => 'value' with a threshold.",
                    spi::literal(code)
                )));
        }
    }
    Ok(())
}
