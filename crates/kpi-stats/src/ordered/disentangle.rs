//! Stretches in time order: those that overlap nothing stay as they are, and the points of the others are put in order together.

use super::packed::{BLOCK, unpack};
use super::points::{settle, summarise};
use super::{Fold, Ordered, Point, Stretch};
use crate::Error;

fn overlap<F: Fold>(at: i64) -> Error {
    Error::Overlap {
        at,
        sorted: F::SORTED,
    }
}

impl<F: Fold> Ordered<F> {
    /// The summaries of stretches in time order, none of which overlap.
    pub(super) fn separate(&self) -> Result<Vec<F::Summary>, Error> {
        self.disentangle(
            |fold, points, stretches| stretches.extend(summarise(fold, points)),
            |stretch| stretch.summary.clone(),
        )
    }

    /// The stretches in time order, none of which overlap, with their points where they are known.
    pub(super) fn disentangled(&self) -> Result<Vec<Stretch<F::Summary>>, Error> {
        let blocks = |_: &F, points: &[Point], stretches: &mut Vec<Stretch<F::Summary>>| {
            for block in points.chunks(BLOCK) {
                let (times, values): (Vec<_>, Vec<_>) = block.iter().copied().unzip();
                stretches.extend(self.block(&times, &values));
            }
        };
        self.disentangle(blocks, Stretch::clone)
    }

    /// Puts stretches in time order, and the points of those that overlap in order together. `from_points` makes results of
    /// points in strict time order, `from_stretch` of a stretch that stays as it is.
    fn disentangle<T>(
        &self,
        from_points: impl Fn(&F, &[Point], &mut Vec<T>),
        from_stretch: impl Fn(&Stretch<F::Summary>) -> T,
    ) -> Result<Vec<T>, Error> {
        if let Some(at) = self.conflict {
            return Err(overlap::<F>(at));
        }
        let newest = self.newest();
        let mut stretches: Vec<_> = self.stretches.iter().chain(&newest).collect();
        let first = |stretch: &Stretch<F::Summary>| F::first(&stretch.summary).0;
        let last = |stretch: &Stretch<F::Summary>| F::last(&stretch.summary).0;
        stretches.sort_by_key(|stretch| (first(stretch), last(stretch)));
        let mut results = Vec::new();
        let mut rest = stretches.as_slice();
        while let Some((head, _)) = rest.split_first() {
            let mut end = last(head);
            let mut count = 1;
            while let Some(next) = rest.get(count).filter(|next| first(next) <= end) {
                end = end.max(last(next));
                count += 1;
            }
            let (entangled, later) = rest.split_at(count);
            rest = later;
            if count == 1 {
                results.push(from_stretch(head));
            } else {
                self.resolve(entangled, &from_points, &from_stretch, &mut results)?;
            }
        }
        Ok(results)
    }

    /// Stretches that overlap or touch, in order of their first times.
    fn resolve<T>(
        &self,
        entangled: &[&Stretch<F::Summary>],
        from_points: impl Fn(&F, &[Point], &mut Vec<T>),
        from_stretch: impl Fn(&Stretch<F::Summary>) -> T,
        results: &mut Vec<T>,
    ) -> Result<(), Error> {
        let mut points = Vec::new();
        let mut folded = Vec::new();
        let mut enough = 4 * BLOCK;
        for stretch in entangled {
            if points.len() >= enough && folded.is_empty() {
                // No stretch to come has earlier points than this one: with points that are only a little late, few are held.
                settle(&self.fold, &mut points);
                let first = F::first(&stretch.summary).0;
                let later = points.split_off(points.partition_point(|point| point.0 < first));
                from_points(&self.fold, &points, results);
                points = later;
                enough = (4 * BLOCK).max(2 * points.len());
            }
            match &stretch.packed {
                Some(packed) => unpack(packed, &mut points).ok_or(Error::Corrupt {
                    type_name: "kpi aggregate state",
                    reason: "A block of points in them cannot be read.".into(),
                })?,
                None if F::points(&stretch.summary, &mut points) => {}
                None => folded.push(*stretch),
            }
        }
        settle(&self.fold, &mut points);
        let mut rest = points.as_slice();
        let mut previous: Option<Point> = None;
        for stretch in folded {
            let (first, last) = (F::first(&stretch.summary), F::last(&stretch.summary));
            if let Some(previous) = previous.filter(|last| last.0 >= first.0 && !self.is_same(*last, first)) {
                return Err(overlap::<F>(previous.0.min(first.0)));
            }
            let (before, from) = rest.split_at(rest.partition_point(|point| point.0 < first.0));
            let (within, after) = from.split_at(from.partition_point(|point| point.0 <= last.0));
            let unknown = |point: &&Point| !self.is_same(**point, first) && !self.is_same(**point, last);
            if let Some(point) = within.iter().find(unknown) {
                return Err(overlap::<F>(point.0));
            }
            from_points(&self.fold, before, results);
            results.push(from_stretch(stretch));
            rest = after;
            previous = Some(last);
        }
        from_points(&self.fold, rest, results);
        Ok(())
    }

    /// Whether both are the very same point.
    fn is_same(&self, a: Point, b: Point) -> bool {
        a.0 == b.0 && !self.fold.is_greater(a.1, b.1) && !self.fold.is_greater(b.1, a.1)
    }
}
