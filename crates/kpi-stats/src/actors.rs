//! What is known of each of many actors, in bounded space.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::Error;
use crate::frame::{Reader, Writer};

/// What a state remembers of one actor.
pub(crate) trait Record: Clone + PartialEq {
    /// The fewest bytes that one can have.
    const LEAST_BYTES: usize;

    /// How much of the bound a record takes: no record gets lighter by what is added to it.
    fn weight(&self) -> usize;
    fn merge(&mut self, other: &Self);
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader) -> Result<Self, Error>;
}

/// Actors are hashes already. A table looks at the first bits, which are all zero in a sample, so halves are exchanged.
#[derive(Debug, Clone, Default)]
struct Halves(u64);

impl Hasher for Halves {
    fn write_u64(&mut self, actor: u64) {
        self.0 = actor.rotate_left(32);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Records of actors by the hash of the actor.
///
/// Where they get too heavy, only actors whose hash starts with a zero bit are kept, then with two, and so on: an adaptive
/// sample (M. Wegman's; P. Flajolet, "On adaptive sampling", 1990) of all actors, each with all of its history. The number
/// of bits is the smallest that the records of all actors fit with, whatever their order and split, so a merge of parts is
/// the very state of the whole. Counts of actors are then estimated as those of the sample times 2^bits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Actors<R> {
    level: u8,
    records: HashMap<u64, R, BuildHasherDefault<Halves>>,
    weight: usize,
    most: usize,
}

impl<R: Record> Actors<R> {
    /// No actors yet; the records may weigh `most` together, which has to be more than any one of them can.
    pub fn new(most: usize) -> Self {
        Self {
            level: 0,
            records: HashMap::default(),
            weight: 0,
            most,
        }
    }

    /// Changes the record of an actor, which is made by `new` if there is none; nothing for an actor outside of the sample.
    pub fn update(&mut self, actor: u64, new: impl FnOnce() -> R, change: impl FnOnce(&mut R)) {
        if !self.samples(actor) {
            return;
        }
        let mut before = 0;
        let record = self
            .records
            .entry(actor)
            .and_modify(|record| before = record.weight())
            .or_insert_with(new);
        change(record);
        self.weight = self.weight - before + record.weight();
        self.settle();
    }

    pub fn merge(&mut self, other: &Self) {
        self.raise(other.level);
        for (actor, theirs) in &other.records {
            self.update(*actor, || theirs.clone(), |ours| ours.merge(theirs));
        }
    }

    fn samples(&self, actor: u64) -> bool {
        actor.leading_zeros() >= self.level.into()
    }

    fn settle(&mut self) {
        while self.weight > self.most && self.level < 64 {
            self.raise(self.level + 1);
        }
    }

    fn raise(&mut self, level: u8) {
        if level > self.level {
            self.level = level;
            self.records
                .retain(|actor, _| actor.leading_zeros() >= level.into());
            self.weight = self.records.values().map(Record::weight).sum();
        }
    }

    /// The records of the sample.
    pub fn records(&self) -> impl Iterator<Item = &R> {
        self.records.values()
    }

    /// How many actors there are for each one in the sample: a power of two.
    pub fn factor(&self) -> u64 {
        1u64.checked_shl(self.level.into()).unwrap_or(u64::MAX)
    }

    /// About how many actors there are: exactly, while all are kept.
    pub fn estimate(&self, sampled: u64) -> u64 {
        sampled
            .saturating_mul(self.factor())
            .min(crate::moments::MAX_COUNT)
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.u8(self.level);
        writer.varint(self.records.len() as u64);
        let mut records: Vec<_> = self.records.iter().collect();
        records.sort_unstable_by_key(|(actor, _)| **actor);
        let mut next = 0;
        for (actor, record) in records {
            writer.varint(actor - next);
            record.write(writer);
            next = actor.wrapping_add(1);
        }
    }

    pub fn read(most: usize, reader: &mut Reader) -> Result<Self, Error> {
        let mut actors = Self::new(most);
        actors.level = reader.u8()?;
        let items = reader.items(1 + R::LEAST_BYTES, most)?;
        actors.records.reserve(items);
        let mut next = Some(0u64);
        for _ in 0..items {
            let distance = reader.varint()?;
            let actor = next
                .and_then(|next| next.checked_add(distance))
                .filter(|actor| actors.level <= 64 && actors.samples(*actor))
                .ok_or_else(|| reader.corrupt("Their actors are not in order.".into()))?;
            let record = R::read(reader)?;
            actors.weight += record.weight();
            if actors.weight > most {
                return Err(reader.corrupt("They hold more than a state can.".into()));
            }
            actors.records.insert(actor, record);
            next = actor.checked_add(1);
        }
        if actors.level > 64 {
            return Err(reader.corrupt(format!("They are a sample of one in 2^{}.", actors.level)));
        }
        Ok(actors)
    }
}
