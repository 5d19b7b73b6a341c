//! How the parts of a state are written and read.

use crate::model::Observe;
use kpi_stats::Error;
use kpi_stats::frame::{Reader, Writer};

/// States that can be written and read back, and looked into.
pub(super) trait Stored: Observe + Sized {
    /// Writes parameters and states.
    fn write(&self, writer: &mut Writer);
    /// Reads what [`write`](Stored::write) wrote. `depth` counts the states that this one is within.
    fn read(reader: &mut Reader, depth: usize) -> Result<Self, Error>;
    /// See [`State::fitted`](super::State::fitted).
    fn fitted(&self, history: &[f64]) -> Vec<f64>;
    /// See [`State::family`](super::State::family).
    fn family(&self) -> &'static str;
    /// See [`State::parameters`](super::State::parameters).
    fn parameters(&self) -> Vec<(String, f64)> {
        Vec::new()
    }
    /// See [`State::components`](super::State::components).
    fn components(&self) -> Vec<(&'static str, Vec<f64>)>;
}

/// Numbers with their count before them.
pub(super) fn write_numbers(writer: &mut Writer, numbers: &[f64]) {
    writer.varint(numbers.len() as u64);
    numbers.iter().for_each(|number| writer.f64(*number));
}

/// What [`write_numbers`] wrote, at least `least` of them.
pub(super) fn read_numbers(reader: &mut Reader, least: usize) -> Result<Vec<f64>, Error> {
    let count = reader.items(8, usize::MAX)?;
    if count < least {
        return Err(reader.corrupt(format!(
            "They have {count} numbers where there are at least {least}."
        )));
    }
    (0..count).map(|_| reader.f64()).collect()
}

/// A count that a computer can have in memory or count up to in steps.
pub(super) fn read_count(reader: &mut Reader) -> Result<usize, Error> {
    const MOST: u64 = 1 << 48;
    let count = reader.varint()?;
    usize::try_from(count)
        .ok()
        .filter(|count| *count as u64 <= MOST)
        .ok_or_else(|| reader.corrupt(format!("They claim {count} values.")))
}

/// A byte that says which of `items` it is.
pub(super) fn read_choice<T: Copy>(reader: &mut Reader, items: &[T]) -> Result<T, Error> {
    let number = reader.u8()?;
    let item = items.get(usize::from(number)).copied();
    item.ok_or_else(|| {
        reader.corrupt(format!(
            "They name a form that is not known here (number {number})."
        ))
    })
}

/// The place of an item among all of its kind.
pub(super) fn write_choice<T: PartialEq>(writer: &mut Writer, items: &[T], item: &T) {
    let place = items.iter().position(|known| known == item);
    writer.u8(place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(u8::MAX));
}

/// Named numbers as owned names.
pub(super) fn named<const N: usize>(numbers: [(&str, f64); N]) -> Vec<(String, f64)> {
    numbers
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number))
        .collect()
}

/// Bytes of a regressor's name.
const LONGEST_NAME: usize = 1000;

/// Numbers by name, with their count before them.
pub(super) fn write_coefficients(writer: &mut Writer, coefficients: &[(String, f64)]) {
    writer.varint(coefficients.len() as u64);
    for (name, number) in coefficients {
        writer.bytes(name.as_bytes());
        writer.f64(*number);
    }
}

/// What [`write_coefficients`] wrote.
pub(super) fn read_coefficients(reader: &mut Reader) -> Result<Vec<(String, f64)>, Error> {
    let count = reader.items(9, usize::MAX)?;
    (0..count)
        .map(|_| {
            let name = std::str::from_utf8(reader.bytes(LONGEST_NAME)?).map(str::to_owned);
            let name = name.map_err(|_| reader.corrupt("They name a regressor that is no text.".into()))?;
            Ok((name, reader.f64()?))
        })
        .collect()
}
