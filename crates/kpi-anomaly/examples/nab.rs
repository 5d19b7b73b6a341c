//! Scores every series of a file with one detector each, for the scorer of the Numenta Anomaly Benchmark.
//!
//! usage: `nab SERIES.csv > SCORES.csv`
//!
//! The series have the header `file,ts,value` and the rows of one together, in time order; the scores have
//! `file,ts,score`, with 0 where the detector gives none. The time that it took goes to standard error.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::time::Instant;

use kpi_anomaly::{Detector, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path] = arguments.as_slice() else {
        return Err("usage: nab SERIES.csv > SCORES.csv".into());
    };
    let text = std::fs::read_to_string(path)?;
    let mut points = Vec::new();
    for line in text.lines().skip(1) {
        let [file, time, value] = line.trim_end().split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("not three columns: {line}").into());
        };
        let at = kpi_series::timestamp::parse(&format!("{time}Z")).ok_or(format!("not a time: {time}"))?;
        points.push((file, time, at, value.parse::<f64>()?));
    }
    let (begin, mut current, mut scores) = (Instant::now(), None, Vec::with_capacity(points.len()));
    let mut detector = Detector::new(Settings::default())?;
    for (file, _, at, value) in &points {
        if current != Some(file) {
            detector = Detector::new(Settings::default())?;
            current = Some(file);
        }
        scores.push(detector.observe(*at, *value).score);
    }
    let took = begin.elapsed();
    let mut out = BufWriter::new(std::io::stdout());
    writeln!(out, "file,ts,score")?;
    for ((file, time, _, _), score) in points.iter().zip(&scores) {
        writeln!(out, "{file},{time},{}", score.unwrap_or(0.0))?;
    }
    eprintln!(
        "{} points, {:.2} us each",
        points.len(),
        1e6 * took.as_secs_f64() / points.len() as f64
    );
    Ok(())
}
