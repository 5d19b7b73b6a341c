//! `kpi.explain`: what a model is made of.
#![allow(clippy::result_large_err)] // pgrx wants an ErrorReport by value.

use kpi_forecast::Predict;
use kpi_forecast::state::{Likelihood, Residuals, State};
use kpi_series::{Step, timestamp};
use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use super::datum::FittedModel;
use super::zone_of;
use crate::error::Error;

#[pg_extern(sql = false)]
fn model_explain(model: FittedModel) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(explained(&model)?))
}

fn explained(model: &FittedModel) -> Result<Value, Error> {
    let last = model.clock().time_after(0, &zone_of(model)?)?;
    let [fitted, filled, observed, skipped, overdue] = model.counts();
    let mut all = of_state(model.state());
    all.insert("model".into(), model.name().into());
    all.insert("asked".into(), model.asked().into());
    all.insert("season".into(), model.season().into());
    all.insert("horizon".into(), model.horizon().into());
    all.insert(
        "values".into(),
        json!({"fitted": fitted, "filled": filled, "observed": observed, "skipped": skipped, "overdue": overdue}),
    );
    let [outliers, shifts] = model.cleaned();
    all.insert(
        "cleaned".into(),
        json!({"outliers": outliers, "level_shifts": shifts}),
    );
    let bounds = model.bounds();
    all.insert("box_cox".into(), model.box_cox().into());
    all.insert(
        "bounds".into(),
        json!({"lower": bounds.lower, "upper": bounds.upper}),
    );
    all.insert("regressors_known".into(), model.state().known().into());
    all.insert("last".into(), timestamp::format(last).into());
    all.insert("step".into(), duration(model.clock().step()).into());
    all.insert("timezone".into(), model.clock().zone().into());
    all.insert("sigma".into(), model.state().standard_error(1).into());
    all.insert(
        "likelihood".into(),
        model.likelihood().map_or(Value::Null, likelihood),
    );
    all.insert(
        "residuals".into(),
        model.residuals().map_or(Value::Null, residuals),
    );
    Ok(Value::Object(all))
}

/// Form, parameters and states; of each member too, with its weight.
fn of_state(state: &State) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("form".into(), form(state));
    let parameters: Map<String, Value> = state
        .parameters()
        .into_iter()
        .map(|(name, number)| (name, number.into()))
        .collect();
    all.insert("parameters".into(), Value::Object(parameters));
    let mut states = Map::new();
    for (name, numbers) in state.components() {
        let value = match numbers[..] {
            [number] => number.into(),
            _ => json!(numbers),
        };
        // Several seasons are named by their lengths.
        let name = match states.contains_key(name) {
            true => format!("{name}_{}", numbers.len()),
            false => name.to_owned(),
        };
        states.insert(name, value);
    }
    all.insert("states".into(), Value::Object(states));
    let members: Vec<Value> = state
        .members()
        .into_iter()
        .map(|(weight, member)| {
            let mut of_member = of_state(member);
            of_member.insert("weight".into(), weight.into());
            of_member.insert("model".into(), member.family().into());
            Value::Object(of_member)
        })
        .collect();
    if !members.is_empty() {
        all.insert("members".into(), members.into());
    }
    all
}

fn form(state: &State) -> Value {
    match state.form() {
        form if form.is_empty() => Value::Null,
        form => form.into(),
    }
}

fn likelihood(likelihood: Likelihood) -> Value {
    let [aic, aicc, bic] = likelihood.criteria();
    json!({
        "logarithm": likelihood.logarithm, "parameters": likelihood.parameters, "values": likelihood.values,
        "aic": aic, "aicc": aicc, "bic": bic,
    })
}

fn residuals(found: &Residuals) -> Value {
    json!({
        "values": found.count, "mean": found.mean, "deviation": found.deviation, "mean_p": found.mean_p,
        "ljung_box": {"lags": found.lags, "statistic": found.ljung_box, "p": found.ljung_box_p},
        "jarque_bera": {"statistic": found.jarque_bera, "p": found.jarque_bera_p},
    })
}

/// As ISO 8601 writes a duration, which `interval` reads.
fn duration(step: Step) -> String {
    let Step {
        months, days, micros, ..
    } = step;
    let mut text = String::from("P");
    if months > 0 {
        text += &format!("{months}M");
    }
    if days > 0 {
        text += &format!("{days}D");
    }
    if micros > 0 {
        text += &format!("T{}S", micros as f64 / 1e6);
    }
    text
}
