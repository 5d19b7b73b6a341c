//! Forecasts every series of a file of a forecasting competition, for a tool that scores them.
//!
//! usage: `competition DATA.csv SEASONS [MODEL [EVERY]] > FORECASTS.csv`, e.g. `competition m4_hourly.csv 24`; EVERY is 10 for
//! one series in ten, the first of each
//!
//! The data have the header `series,split,step,value`, with `train` or `test` for the split and the rows of a series
//! together; the forecasts have `series,step,value,lower,upper` for the test steps, with bands of 95%. One season is taken
//! as given (as none by series that it does not fit into twice); of several, with a comma between them, the one that a
//! series has is found from its values. The time that it took goes to standard error.

use kpi_forecast::{Request, forecast};
use std::error::Error;
use std::io::{BufWriter, Write};
use std::time::Instant;

struct Series {
    name: String,
    history: Vec<f64>,
    horizon: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (path, seasons, model, every) = match arguments.as_slice() {
        [_, path, seasons] => (path, seasons, "auto", 1),
        [_, path, seasons, model] => (path, seasons, model.as_str(), 1),
        [_, path, seasons, model, every] => (path, seasons, model.as_str(), every.parse()?),
        _ => return Err("usage: competition DATA.csv SEASONS [MODEL [EVERY]] > FORECASTS.csv".into()),
    };
    let (expected, model) = (
        seasons
            .split(',')
            .map(str::parse)
            .collect::<Result<Vec<usize>, _>>()?,
        model.parse()?,
    );
    let mut out = BufWriter::new(std::io::stdout());
    writeln!(out, "series,step,value,lower,upper")?;
    let mut all = read(&std::fs::read_to_string(path)?)?;
    let mut place = 0..;
    all.retain(|_| place.next().is_some_and(|i: usize| i.is_multiple_of(every)));
    let (start, begin) = (Instant::now(), processor_time());
    for Series {
        name,
        history,
        horizon,
    } in &all
    {
        let given = match expected.as_slice() {
            [season] if 2 * season <= history.len() => Some(i64::try_from(*season)?),
            [_] => Some(1),
            _ => None,
        };
        let request = Request {
            horizon: *horizon,
            model,
            level: 0.95,
            season: given,
        };
        let result = forecast(history, &request, &expected, &mut || false)?;
        for (step, point) in (1..).zip(&result.points) {
            writeln!(
                out,
                "{name},{step},{},{},{}",
                point.value, point.lower, point.upper
            )?;
        }
    }
    let spent = match (begin, processor_time()) {
        (Some(begin), Some(end)) => end - begin,
        _ => start.elapsed().as_secs_f64(),
    };
    let count = all.len();
    eprintln!(
        "{count} series in {spent:.2} s, {:.1} series/s",
        count as f64 / spent
    );
    Ok(out.flush()?)
}

/// Seconds that this thread had a processor; Linux says it in nanoseconds.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

fn read(text: &str) -> Result<Vec<Series>, Box<dyn Error>> {
    let mut all: Vec<Series> = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let (Some(name), Some(split), Some(_), Some(value)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(format!("four fields expected: {line}").into());
        };
        if all.last().is_none_or(|last| last.name != name) {
            all.push(Series {
                name: name.to_owned(),
                history: Vec::new(),
                horizon: 0,
            });
        }
        if let Some(series) = all.last_mut() {
            match split {
                "train" => series.history.push(value.parse()?),
                _ => series.horizon += 1,
            }
        }
    }
    Ok(all)
}
