//! What a user types in `options`, as what `kpi_anomaly` understands.

use std::ffi::CStr;

use kpi_anomaly::Options;
use pgrx::AnyElement;
use pgrx::prelude::*;
use serde_json::Value;

use crate::error::Error;

/// The keys of `options`, each with an example of its value.
const KNOWN: [(&str, &str); 10] = [
    ("window", "24"),
    ("lambda", "0.2"),
    ("slack", "0.5"),
    ("max_share", "0.1"),
    ("western_electric", "true"),
    ("components", "3"),
    ("model", "\"ets\""),
    ("trees", "100"),
    ("sample", "256"),
    ("seed", "1"),
];

/// The options in a jsonb; none in a NULL.
pub(super) fn options(json: Option<AnyElement>) -> Result<Options, Error> {
    let mut options = Options::default();
    let Some(json) = json else { return Ok(options) };
    // SAFETY: in SQL this argument is a jsonb, of which jsonb_out makes a C string.
    let text: Option<&CStr> = unsafe { pgrx::direct_function_call(pg_sys::jsonb_out, &[Some(json.datum())]) };
    let text = text.map(CStr::to_string_lossy).unwrap_or_default();
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| invalid("options cannot be read").detail(error.to_string()))?;
    let Value::Object(members) = &value else {
        return Err(invalid("options must be a JSON object")
            .detail(format!("options is {value}"))
            .hint("for example options => '{\"window\": 24}'"));
    };
    for (key, value) in members {
        if !KNOWN.iter().any(|(known, _)| known == key) {
            let known: Vec<&str> = KNOWN.iter().map(|(known, _)| *known).collect();
            return Err(invalid(format!("unknown option \"{key}\""))
                .detail(format!("{key} is {value}"))
                .hint(format!("use one of {}", known.join(", "))));
        }
        // A JSON null is an option that is not given.
        if value.is_null() {
            continue;
        }
        match key.as_str() {
            "window" => options.window = Some(whole(key, value)?),
            "lambda" => options.lambda = Some(number(key, value)?),
            "slack" => options.slack = Some(number(key, value)?),
            "max_share" => options.max_share = Some(number(key, value)?),
            "western_electric" => {
                let truth = value.as_bool();
                options.western_electric = truth.ok_or_else(|| wrong(key, "true or false", value))?;
            }
            "components" => options.components = Some(whole(key, value)?),
            "model" => {
                let name = value
                    .as_str()
                    .ok_or_else(|| wrong(key, "the name of a model", value))?;
                options.model = Some(name.parse().map_err(Error::from)?);
            }
            "trees" => options.trees = Some(whole(key, value)?),
            "sample" => options.sample = Some(whole(key, value)?),
            _ => options.seed = Some(whole(key, value)?),
        }
    }
    Ok(options)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}

fn wrong(key: &str, kind: &str, value: &Value) -> Error {
    let example = KNOWN.iter().find(|(known, _)| *known == key);
    invalid(format!("option \"{key}\" must be {kind}"))
        .detail(format!("{key} is {value}"))
        .hint_opt(example.map(|(key, value)| format!("for example options => '{{\"{key}\": {value}}}'")))
}

fn number(key: &str, value: &Value) -> Result<f64, Error> {
    value.as_f64().ok_or_else(|| wrong(key, "a number", value))
}

fn whole(key: &str, value: &Value) -> Result<i64, Error> {
    value.as_i64().ok_or_else(|| wrong(key, "a whole number", value))
}
