//! A detector as bytes: versioned, bounded, and checked when they are read.

use kpi_stats::frame::{Kind, Reader, Writer, from_hex, to_hex};

use super::alarms::REMEMBERED;
use super::clock::Clock;
use super::experts::Experts;
use super::rarity::{BINS, Rarity, Tail};
use super::season::{HISTORY, PLACES, Profile, Search, Sharing, WIDEST, short};
use super::{Detector, MAX_SEASON, Settings};
use crate::{Direction, Error};

/// A detector never takes more bytes: its longest history and profile.
pub const MAX_BYTES: usize = 12_288;
const TYPE_NAME: &str = "kpi.detector";
/// The layout of the content, beside the version of the frame around it. The first one had no expert with a smoothed season, no mean
/// of the moves, and sizes of places that were believed alike.
const LAYOUT: u8 = 2;
const FIRST_LAYOUT: u8 = 1;
const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::Up, Direction::Down];

impl Detector {
    /// The bytes that are stored, at most [`MAX_BYTES`]: versioned, with a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Detector);
        writer.u8(LAYOUT);
        writer.f64(self.settings.threshold);
        let direction = DIRECTIONS.iter().position(|d| *d == self.settings.direction);
        writer.u8(direction.unwrap_or_default() as u8);
        writer.varint(self.settings.season.map_or(0, |steps| steps as u64));
        writer.u8(u8::from(self.clock.last.is_some()));
        writer.i64(self.clock.last.unwrap_or_default());
        writer.i64(self.clock.step);
        writer.u8(self.clock.votes);
        writer.varint(self.step);
        writer.varint(self.seen);
        writer.varint(self.experts.count);
        for number in self.experts.levels.iter().chain(&self.experts.losses) {
            writer.f64(*number);
        }
        let evidence = &self.evidence;
        for number in [self.scale, self.scatter, self.moves, self.alarms.felt] {
            writer.f64(number);
        }
        for number in [
            self.level,
            evidence.drift,
            evidence.spread,
            evidence.low,
            evidence.high,
        ] {
            writer.f64(number);
        }
        for rarity in &evidence.rarities {
            writer.f64(rarity.total);
            writer.f64(rarity.gain);
            writer.varint(rarity.count);
            let Tail {
                start,
                outer,
                exponent,
                normal,
            } = rarity.tail;
            [start, outer, exponent, normal]
                .iter()
                .for_each(|number| writer.f64(*number));
            write_singles(&mut writer, &rarity.bins);
        }
        writer.varint(self.alarms.steps.len() as u64);
        self.alarms.steps.iter().for_each(|step| writer.varint(*step));
        writer.varint(u64::from(self.search.width));
        writer.varint(u64::from(self.search.known));
        writer.varint(u64::from(self.search.steps));
        writer.f64(self.search.sum);
        writer.u8(u8::from(self.search.origin.is_some()));
        writer.f64(self.search.origin.unwrap_or_default());
        writer.varint(self.search.values.len() as u64);
        for value in &self.search.values {
            // The lowest byte is zero, see `short`.
            writer.raw(&value.to_bits().to_le_bytes()[1..]);
        }
        writer.varint(self.profile.as_ref().map_or(0, |profile| profile.season as u64));
        if let Some(profile) = &self.profile {
            writer.f64(profile.sharing.common);
            writer.f64(profile.sharing.whole);
            write_singles(&mut writer, &profile.means);
            write_singles(&mut writer, &profile.sizes);
            profile
                .counts
                .iter()
                .for_each(|count| writer.varint(u64::from(*count)));
        }
        writer.finish()
    }

    /// Reads what [`encode`](Detector::encode) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(read(bytes)?)
    }

    /// The text form: the bytes in hexadecimal after `\x`.
    pub fn to_text(&self) -> String {
        to_hex(&self.encode())
    }

    /// Reads what [`to_text`](Detector::to_text) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::decode(&from_hex(TYPE_NAME, text)?)
    }
}

fn read(bytes: &[u8]) -> Result<Detector, kpi_stats::Error> {
    let mut reader = Reader::new(TYPE_NAME, Kind::Detector, bytes)?;
    let layout = reader.u8()?;
    if !(FIRST_LAYOUT..=LAYOUT).contains(&layout) {
        return Err(reader.corrupt(format!(
            "They say layout {layout}, and this release reads layouts up to {LAYOUT}."
        )));
    }
    let threshold = reader.f64()?;
    let direction = usize::from(reader.u8()?);
    let direction = DIRECTIONS.get(direction).copied();
    let Some(direction) = direction else {
        return Err(reader.corrupt("They name a direction that is not known here.".into()));
    };
    let season = Some(count(&mut reader, MAX_SEASON as u64)? as usize).filter(|steps| *steps > 0);
    let settings = Settings {
        threshold,
        direction,
        season,
    };
    let Ok(mut detector) = Detector::new(settings) else {
        return Err(reader.corrupt(format!("They ask for the threshold {threshold}.")));
    };
    let has_last = reader.u8()? != 0;
    let last = reader.i64()?;
    detector.clock = Clock {
        last: has_last.then_some(last),
        step: reader.i64()?.max(0),
        votes: reader.u8()?,
    };
    detector.step = reader.varint()?;
    detector.seen = reader.varint()?;
    let count_of_experts = reader.varint()?;
    detector.experts = if layout == FIRST_LAYOUT {
        let (levels, losses) = (finite(&mut reader)?, not_negative(&mut reader)?);
        Experts::without_smoothed(count_of_experts, levels, losses)
    } else {
        Experts {
            count: count_of_experts,
            levels: finite(&mut reader)?,
            losses: not_negative(&mut reader)?,
        }
    };
    if layout == FIRST_LAYOUT {
        [detector.scale, detector.scatter, detector.alarms.felt] = not_negative(&mut reader)?;
        detector.moves = detector.scale;
    } else {
        [
            detector.scale,
            detector.scatter,
            detector.moves,
            detector.alarms.felt,
        ] = not_negative(&mut reader)?;
    }
    let evidence = &mut detector.evidence;
    [
        detector.level,
        evidence.drift,
        evidence.spread,
        evidence.low,
        evidence.high,
    ] = finite(&mut reader)?;
    for rarity in &mut evidence.rarities {
        *rarity = read_rarity(&mut reader)?;
    }
    detector.reach = evidence.rarities[0].reach(threshold);
    for _ in 0..count(&mut reader, REMEMBERED as u64)? {
        let step = reader.varint()?;
        detector.alarms.steps.push(step);
    }
    detector.search = read_search(&mut reader, layout)?;
    detector.profile = match count(&mut reader, MAX_SEASON as u64)? as usize {
        0 => None,
        season => Some(read_profile(&mut reader, season, layout)?),
    };
    reader.finish()?;
    Ok(detector)
}

fn read_rarity(reader: &mut Reader) -> Result<Rarity, kpi_stats::Error> {
    let [total, gain] = not_negative(reader)?;
    let count = reader.varint()?;
    let [start, outer, exponent, normal] = not_negative(reader)?;
    let mut bins = [0.0; BINS];
    bins.copy_from_slice(&read_singles(reader, BINS)?);
    let is_weight = |bin: &f32| *bin >= 0.0 && bin.is_finite();
    let tail = [total, gain, outer, exponent, normal];
    if !bins.iter().all(is_weight) || tail.iter().any(|number| *number <= 0.0) {
        return Err(reader.corrupt("They have a distribution that is none.".into()));
    }
    Ok(Rarity {
        bins,
        total,
        gain,
        count,
        tail: Tail {
            start,
            outer,
            exponent,
            normal,
        },
    })
}

fn read_search(reader: &mut Reader, layout: u8) -> Result<Search, kpi_stats::Error> {
    let width = count(reader, u64::from(WIDEST))?.max(1) as u32;
    let known = count(reader, u64::from(width))? as u32;
    let steps = count(reader, u64::from(width))? as u32;
    let [sum] = finite(reader)?;
    let origin = if layout == FIRST_LAYOUT {
        Some(0.0)
    } else {
        let has_origin = reader.u8()? != 0;
        let [origin] = finite(reader)?;
        has_origin.then_some(origin)
    };
    let length = count(reader, HISTORY as u64)? as usize;
    let values = if layout == FIRST_LAYOUT {
        read_singles(reader, length)?.into_iter().map(short).collect()
    } else {
        let bytes = reader.take(3 * length as u64)?;
        let (chunks, _) = bytes.as_chunks::<3>();
        let number = |[a, b, c]: &[u8; 3]| f32::from_le_bytes([0, *a, *b, *c]);
        chunks.iter().map(number).collect()
    };
    Ok(Search {
        values,
        origin,
        width,
        sum,
        known,
        steps,
    })
}

fn read_profile(reader: &mut Reader, season: usize, layout: u8) -> Result<Profile, kpi_stats::Error> {
    let mut profile = Profile::new(season);
    if layout > FIRST_LAYOUT {
        let [common] = finite(reader)?;
        let [whole] = not_negative(reader)?;
        profile.sharing = Sharing { common, whole };
    }
    let places = profile.means.len().min(PLACES);
    profile.means = read_singles(reader, places)?;
    profile.sizes = read_singles(reader, places)?;
    if profile
        .means
        .iter()
        .chain(&profile.sizes)
        .any(|number| !number.is_finite())
    {
        return Err(reader.corrupt("They have a season that is not made of numbers.".into()));
    }
    for place in &mut profile.counts {
        *place = count(reader, u64::from(u16::MAX))? as u16;
    }
    Ok(profile)
}

fn write_singles(writer: &mut Writer, numbers: &[f32]) {
    numbers
        .iter()
        .for_each(|number| writer.raw(&number.to_le_bytes()));
}

fn read_singles(reader: &mut Reader, length: usize) -> Result<Vec<f32>, kpi_stats::Error> {
    let bytes = reader.take(4 * length as u64)?;
    let (chunks, _) = bytes.as_chunks::<4>();
    Ok(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
}

fn count(reader: &mut Reader, most: u64) -> Result<u64, kpi_stats::Error> {
    let count = reader.varint()?;
    if count > most {
        return Err(reader.corrupt(format!("They claim {count} where there are at most {most}.")));
    }
    Ok(count)
}

fn finite<const N: usize>(reader: &mut Reader) -> Result<[f64; N], kpi_stats::Error> {
    let mut numbers = [0.0; N];
    for number in &mut numbers {
        *number = reader.f64()?;
        if !number.is_finite() {
            return Err(reader.corrupt("They have a number that is not finite.".into()));
        }
    }
    Ok(numbers)
}

fn not_negative<const N: usize>(reader: &mut Reader) -> Result<[f64; N], kpi_stats::Error> {
    let numbers = finite(reader)?;
    if numbers.iter().any(|number: &f64| *number < 0.0) {
        return Err(reader.corrupt("They have a size below zero.".into()));
    }
    Ok(numbers)
}
