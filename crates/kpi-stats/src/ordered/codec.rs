//! The bytes of ordered points: a list of summaries, each with its packed points as long as these are known.

use super::{Fold, Ordered, Stretch};
use crate::Error;
use crate::frame::{Reader, Writer};

const FOLDED: u8 = 0;
const PACKED: u8 = 1;

impl<F: Fold> Ordered<F> {
    pub fn write(&self, writer: &mut Writer) {
        let newest = self.newest();
        writer.u8(u8::from(self.conflict.is_some()));
        if let Some(at) = self.conflict {
            writer.i64(at);
        }
        writer.varint((self.stretches.len() + newest.len()) as u64);
        for stretch in self.stretches.iter().chain(&newest) {
            match &stretch.packed {
                Some(packed) => {
                    writer.u8(PACKED);
                    writer.varint(packed.len() as u64);
                    writer.raw(packed);
                }
                None => writer.u8(FOLDED),
            }
            F::write(&stretch.summary, writer);
        }
    }

    pub fn read(fold: F, reader: &mut Reader) -> Result<Self, Error> {
        let mut read = Self::new(fold);
        match reader.u8()? {
            0 => {}
            1 => read.conflict = Some(reader.i64()?),
            mark => return Err(reader.corrupt(format!("They have the unknown mark {mark}."))),
        }
        for _ in 0..reader.varint()? {
            let packed = match reader.u8()? {
                FOLDED => None,
                PACKED => {
                    let length = reader.varint()?;
                    Some(reader.take(length)?.into())
                }
                form => {
                    return Err(reader.corrupt(format!("They have a stretch of the unknown form {form}.")));
                }
            };
            let summary = read.fold.read(reader)?;
            if F::first(&summary).0 > F::last(&summary).0 {
                return Err(reader.corrupt("A stretch of points in them ends before it starts.".into()));
            }
            read.push(Stretch { summary, packed });
        }
        Ok(read)
    }
}
