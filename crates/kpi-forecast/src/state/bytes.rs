//! A kept model as bytes and as text.

use super::band::Band;
use super::clock::Clock;
use super::codec::read_count;
use super::residuals::Residuals;
use super::value::FittedModel;
use super::{Likelihood, State};
use crate::Error;
use crate::forecast::MAX_HORIZON;
use crate::prepared::Scale;
use kpi_stats::frame::{Kind, Reader, Writer, from_hex, to_hex};

/// The SQL type.
const TYPE_NAME: &str = "kpi.model";
/// Bytes of a model's name.
const LONGEST_NAME: usize = 1000;

impl FittedModel {
    /// The bytes that are stored: versioned, with a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::ForecastModel);
        writer.bytes(self.asked.as_bytes());
        writer.bytes(self.name.as_bytes());
        for count in [
            self.season,
            self.horizon,
            self.values,
            self.filled,
            self.observed,
            self.skipped,
            self.overdue,
        ] {
            writer.varint(count as u64);
        }
        self.clock.write(&mut writer);
        self.band.write(&mut writer);
        writer.u8(u8::from(self.residuals.is_some()));
        if let Some(residuals) = &self.residuals {
            residuals.write(&mut writer);
        }
        writer.u8(u8::from(self.likelihood.is_some()));
        if let Some(likelihood) = self.likelihood {
            writer.f64(likelihood.logarithm);
            writer.varint(likelihood.parameters as u64);
            writer.varint(likelihood.values as u64);
        }
        self.state.write(&mut writer);
        // Bytes from before there was cleaning, or before there were scales, end here, too.
        let is_scaled = self.scale != Scale::default();
        if self.cleaned != [0, 0] || is_scaled {
            self.cleaned.iter().for_each(|count| writer.varint(*count as u64));
        }
        if is_scaled {
            self.scale.write(&mut writer);
        }
        writer.finish()
    }

    /// Reads what [`encode`](FittedModel::encode) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(TYPE_NAME, Kind::ForecastModel, bytes)?;
        let (asked, name) = (text(&mut reader)?, text(&mut reader)?);
        let mut counts = [0_usize; 7];
        for count in &mut counts {
            *count = read_count(&mut reader)?;
        }
        let [season, horizon, values, filled, observed, skipped, overdue] = counts;
        if overdue as i64 > MAX_HORIZON + 1 {
            return Err(reader
                .corrupt(format!("They claim {overdue} steps without a value."))
                .into());
        }
        let clock = Clock::read(&mut reader)?;
        let band = Band::read(&mut reader)?;
        let residuals = match reader.u8()? {
            0 => None,
            _ => Some(Residuals::read(&mut reader)?),
        };
        let likelihood = match reader.u8()? {
            0 => None,
            _ => Some(Likelihood {
                logarithm: reader.f64()?,
                parameters: read_count(&mut reader)?,
                values: read_count(&mut reader)?,
            }),
        };
        let state = State::read(&mut reader, 0)?;
        let mut cleaned = [0; 2];
        if !reader.is_empty() {
            for count in &mut cleaned {
                *count = read_count(&mut reader)?;
            }
        }
        let scale = match reader.is_empty() {
            true => Scale::default(),
            false => Scale::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(Self {
            asked,
            name,
            season,
            horizon,
            values,
            filled,
            observed,
            skipped,
            overdue,
            cleaned,
            scale,
            clock,
            band,
            residuals,
            likelihood,
            state,
        })
    }

    /// The text form: the bytes in hexadecimal after `\x`.
    pub fn to_text(&self) -> String {
        to_hex(&self.encode())
    }

    /// Reads what [`to_text`](FittedModel::to_text) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::decode(&from_hex(TYPE_NAME, text)?)
    }
}

fn text(reader: &mut Reader) -> Result<String, Error> {
    let bytes = reader.bytes(LONGEST_NAME)?;
    let text = std::str::from_utf8(bytes);
    Ok(text
        .map_err(|_| reader.corrupt("They have a name that is no text.".into()))?
        .to_owned())
}
