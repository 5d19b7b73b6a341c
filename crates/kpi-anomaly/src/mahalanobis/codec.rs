//! Robust covariances as bytes.

use super::matrix::Symmetric;
use super::{MOST_FEATURES, RobustCovariance};
use crate::FeatureError;
use kpi_stats::frame::{Kind, Reader, Writer, from_hex, to_hex};

/// The name of the SQL type, for errors.
const TYPE_NAME: &str = "robust_covariance";

impl RobustCovariance {
    /// The versioned and checksummed bytes: the numbers of rows, the centre, and the covariance's lower triangle.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::RobustCovariance);
        writer.varint(self.rows);
        writer.varint(self.used);
        writer.varint(self.centre.len() as u64);
        let numbers = self.centre.iter().chain(&self.covariance.lower);
        numbers.for_each(|number| writer.f64(*number));
        writer.finish()
    }

    /// Reads what [`encode`](RobustCovariance::encode) wrote.
    ///
    /// # Errors
    /// [`FeatureError::Stored`] for anything else. Never panics.
    pub fn decode(bytes: &[u8]) -> Result<Self, FeatureError> {
        let mut reader = Reader::new(TYPE_NAME, Kind::RobustCovariance, bytes)?;
        let (rows, used) = (reader.count()?, reader.count()?);
        let width = reader.items(16, MOST_FEATURES)?;
        if width == 0 || used > rows {
            return Err(reader
                .corrupt(format!("They claim {used} of {rows} rows of {width} features."))
                .into());
        }
        let mut numbers = |count: usize| -> Result<Vec<f64>, FeatureError> {
            let mut numbers = Vec::with_capacity(count);
            for _ in 0..count {
                let number = reader.f64()?;
                if !number.is_finite() {
                    return Err(reader.corrupt(format!("They hold the number {number}.")).into());
                }
                numbers.push(number);
            }
            Ok(numbers)
        };
        let centre = numbers(width)?;
        let lower = numbers(width * (width + 1) / 2)?;
        let covariance = Symmetric { size: width, lower };
        let indefinite = reader.corrupt("Their covariance is that of no rows.".into());
        reader.finish()?;
        Self::new(centre, covariance, rows, used).map_err(|_| indefinite.into())
    }

    /// The text form: the bytes in hexadecimal after `\x`.
    pub fn to_text(&self) -> String {
        to_hex(&self.encode())
    }

    /// Reads what [`to_text`](RobustCovariance::to_text) wrote.
    ///
    /// # Errors
    /// [`FeatureError::Stored`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, FeatureError> {
        Self::decode(&from_hex(TYPE_NAME, text)?)
    }
}
