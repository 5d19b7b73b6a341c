//! What a user types in `options`, `level` and `season`, as what `kpi_forecast` understands.

use std::ffi::CStr;

use kpi_forecast::bounds::Bounds;
use kpi_forecast::cleaning::Cleaning;
use kpi_forecast::decomposition::Kind;
use kpi_forecast::options::{Interval, Lambda, Options};
use kpi_forecast::prophet::Growth;
use pgrx::AnyElement;
use pgrx::prelude::*;
use serde_json::Value;

use crate::error::Error;

/// The keys of `options`, each with an example of its value.
const KNOWN: [(&str, &str); 11] = [
    ("lower", "0"),
    ("upper", "100"),
    ("non_negative", "true"),
    ("interval", "\"conformal\""),
    ("clean", "true"),
    ("box_cox", "\"auto\""),
    ("bias_adjust", "true"),
    ("growth", "\"logistic\""),
    ("capacity", "1000"),
    ("floor", "0"),
    ("seasonality_mode", "\"multiplicative\""),
];
const CLEANED: [&str; 2] = ["outliers", "level_shifts"];

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
            .hint("for example options => '{\"non_negative\": true}'"));
    };
    let mut non_negative = false;
    let mut logistic = Logistic::default();
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
            "lower" => options.bounds.lower = Some(number(key, value)?),
            "upper" => options.bounds.upper = Some(number(key, value)?),
            "non_negative" => non_negative = truth(key, value)?,
            "interval" => options.interval = interval(value)?,
            "clean" => options.cleaning = Some(cleaning(value)?),
            "box_cox" => options.box_cox = Some(exponent(value)?),
            "growth" => logistic.is_asked = is_logistic(value)?,
            "capacity" => logistic.capacity = Some(number(key, value)?),
            "floor" => logistic.floor = Some(number(key, value)?),
            "seasonality_mode" => options.shape.kind = season_kind(value)?,
            _ => options.bias_adjust = truth(key, value)?,
        }
    }
    options.shape.growth = logistic.growth()?;
    if options.shape.growth != Growth::Linear && options.box_cox.is_some() {
        return Err(invalid("option \"growth\" cannot go with \"box_cox\"")
            .detail("the capacity is in the unit of the values, and the transformation has another")
            .hint("leave out one of them"));
    }
    if non_negative {
        let Bounds { lower, .. } = options.bounds;
        options.bounds.lower = Some(lower.map_or(0.0, |lower| lower.max(0.0)));
    }
    if options.bias_adjust && options.box_cox.is_none() {
        return Err(invalid("option \"bias_adjust\" needs \"box_cox\"")
            .detail("without a transformation the forecast is the mean as it is")
            .hint("for example options => '{\"box_cox\": \"auto\", \"bias_adjust\": true}'"));
    }
    options.check()?;
    Ok(options)
}

/// What was said of a trend that grows to a capacity.
#[derive(Default)]
struct Logistic {
    is_asked: bool,
    capacity: Option<f64>,
    floor: Option<f64>,
}

impl Logistic {
    fn growth(&self) -> Result<Growth, Error> {
        let hint = "for example options => '{\"growth\": \"logistic\", \"capacity\": 1000}'";
        match (self.is_asked, self.capacity) {
            (true, Some(cap)) => Ok(Growth::Logistic {
                cap,
                floor: self.floor.unwrap_or(0.0),
            }),
            (true, None) => Err(invalid("logistic growth needs \"capacity\"")
                .detail("growth is \"logistic\", and nothing says what the values grow to")
                .hint(hint)),
            (false, None) if self.floor.is_none() => Ok(Growth::Linear),
            (false, _) => Err(invalid("\"capacity\" and \"floor\" are for logistic growth")
                .detail("growth is \"linear\"")
                .hint(hint)),
        }
    }
}

fn is_logistic(value: &Value) -> Result<bool, Error> {
    match value.as_str() {
        Some("linear") => Ok(false),
        Some("logistic") => Ok(true),
        _ => Err(wrong("growth", "\"linear\" or \"logistic\"", value)),
    }
}

fn season_kind(value: &Value) -> Result<Kind, Error> {
    match value.as_str() {
        Some("additive") => Ok(Kind::Additive),
        Some("multiplicative") => Ok(Kind::Multiplicative),
        _ => Err(wrong(
            "seasonality_mode",
            "\"additive\" or \"multiplicative\"",
            value,
        )),
    }
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

fn truth(key: &str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| wrong(key, "true or false", value))
}

fn interval(value: &Value) -> Result<Interval, Error> {
    match value.as_str() {
        Some("normal") => Ok(Interval::Normal),
        Some("conformal") => Ok(Interval::Conformal),
        _ => Err(wrong("interval", "\"normal\" or \"conformal\"", value)),
    }
}

fn exponent(value: &Value) -> Result<Lambda, Error> {
    match (value.as_f64(), value.as_str()) {
        (Some(lambda), _) => Ok(Lambda::Given(lambda)),
        (_, Some("auto")) => Ok(Lambda::Auto),
        _ => Err(wrong("box_cox", "a number or \"auto\"", value)),
    }
}

/// True is what does no harm where there is nothing to clean; an object says what.
fn cleaning(value: &Value) -> Result<Cleaning, Error> {
    if let Some(all) = value.as_bool() {
        return Ok(Cleaning {
            outliers: all,
            ..Cleaning::default()
        });
    }
    let kind = "true, false or an object";
    let members = value.as_object().ok_or_else(|| wrong("clean", kind, value))?;
    let mut cleaning = Cleaning::default();
    for (key, value) in members {
        let what = match key.as_str() {
            "outliers" => &mut cleaning.outliers,
            "level_shifts" => &mut cleaning.level_shifts,
            _ => {
                return Err(invalid(format!("unknown option \"{key}\" of \"clean\""))
                    .detail(format!("{key} is {value}"))
                    .hint(format!("use one of {}", CLEANED.join(", "))));
            }
        };
        *what = value.as_bool().ok_or_else(|| {
            invalid(format!("option \"{key}\" of \"clean\" must be true or false"))
                .detail(format!("{key} is {value}"))
                .hint(format!(
                    "for example options => '{{\"clean\": {{\"{key}\": true}}}}'"
                ))
        })?;
    }
    Ok(cleaning)
}

/// The levels in a `kpi.levels`: one number, or an array of them.
pub(super) fn levels(text: Option<&str>) -> Result<Vec<f64>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let wrong = |message: &str| {
        invalid(message)
            .detail(format!("level is \"{text}\""))
            .hint("for example level => 0.95, or level => '{0.8,0.95}'")
    };
    let levels = elements(text)
        .into_iter()
        .map(|level| level.parse::<f64>())
        .collect::<Result<Vec<f64>, _>>()
        .map_err(|_| wrong("level must be a number, or an array of numbers"))?;
    if levels.is_empty() {
        return Err(wrong("level must not be empty"));
    }
    Ok(levels)
}

/// The seasons in a `kpi.seasons`: a number of steps, or an array of them. None in an empty one, as in a NULL.
pub(super) fn seasons(text: Option<&str>) -> Result<Vec<i64>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    elements(text)
        .into_iter()
        .map(|season| season.parse::<i64>())
        .collect::<Result<Vec<i64>, _>>()
        .map_err(|_| {
            invalid("season must be a number of steps, or an array of them")
                .detail(format!("season is \"{text}\""))
                .hint("for example season => 7, or season => '{24,168}'")
        })
}

/// The elements of an array of one dimension, as PostgreSQL writes it; or what is no array, as the only one.
fn elements(text: &str) -> Vec<&str> {
    let text = text.trim();
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inner.map(str::trim) {
        Some("") => Vec::new(),
        Some(inner) => inner.split(',').map(str::trim).collect(),
        None => vec![text],
    }
}
