//! How near made rows lie to the rows that they were learned from: a generator must not copy.

use eos_plugin::{Classes, Dataset, Error, Host, math::squared_distance};
use std::cmp::Ordering;

/// Distances measured at most, between made and training rows.
const DISTANCES: usize = 1 << 24;
/// Made rows that are looked at, at most and at least.
const LOOKED_AT: [usize; 2] = [1_000, 16];

/// What is found out about made rows as they come.
#[derive(Debug)]
pub struct Nearness<'a> {
    data: Dataset<'a>,
    /// Training rows in the order of their values.
    order: Vec<u32>,
    classes: Vec<Class>,
    /// Rows of each class whose distance is measured.
    share: usize,
}

#[derive(Debug)]
struct Class {
    label: u32,
    made: u64,
    copies: u64,
    /// The first made rows.
    first: Vec<f32>,
}

/// Median distances of a class.
#[derive(Clone, Copy, Debug)]
struct Medians {
    label: u32,
    /// Of made rows to the nearest training row.
    made: f64,
    /// Of training rows to the nearest other one.
    real: f64,
}

impl<'a> Nearness<'a> {
    /// Of rows made for the classes of `data` that want some.
    pub fn new(data: Dataset<'a>) -> Self {
        let mut order: Vec<u32> = (0..data.len() as u32).collect();
        order.sort_unstable_by(|a, b| compare(data.row(*a), data.row(*b)));
        let class = |(label, _)| Class {
            label,
            made: 0,
            copies: 0,
            first: Vec::new(),
        };
        let classes: Vec<Class> = data.wanting().map(class).collect();
        let [most, least] = LOOKED_AT;
        let all = (DISTANCES / data.len().max(1)).clamp(least, most);
        Self {
            data,
            order,
            share: all.div_ceil(classes.len().max(1)),
            classes,
        }
    }

    /// Looks at rows `[n, D]` made for class `label`.
    pub fn see(&mut self, label: u32, rows: &[f32]) {
        let (data, dims) = (self.data, self.data.dims().max(1));
        let Some(class) = self.classes.iter_mut().find(|class| class.label == label) else {
            return;
        };
        for row in rows.chunks_exact(dims) {
            let near = |i: &u32| compare(data.row(*i), row);
            class.made += 1;
            class.copies += u64::from(self.order.binary_search_by(near).is_ok());
            if class.first.len() < self.share * dims {
                class.first.extend_from_slice(row);
            }
        }
    }

    /// Notes what was found.
    ///
    /// # Errors
    /// Those of the host's services.
    pub fn tell(&self, host: &Host<'_>) -> Result<(), Error> {
        for class in self.classes.iter().filter(|class| class.copies > 0) {
            let (label, made, copies) = (class.label, class.made, class.copies);
            host.note(&format!(
                "class {label}: {copies} of its {made} synthetic rows are copies of training rows"
            ));
        }
        let mut medians = Vec::new();
        for class in &self.classes {
            medians.extend(self.medians(host, class)?);
        }
        let ratio = |of: &Medians| of.made / of.real;
        let Some(nearest) = medians.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b))) else {
            return Ok(());
        };
        let of = |side: fn(&Medians) -> f64| median(medians.iter().map(side).collect());
        host.note(&format!(
            "from a synthetic row to the nearest training row it is {} (median), from a training row \
             to the nearest other {}; nearest in class {}: {} and {}",
            short(of(|class| class.made)),
            short(of(|class| class.real)),
            nearest.label,
            short(nearest.made),
            short(nearest.real)
        ));
        Ok(())
    }

    /// Nothing where no training row has another.
    fn medians(&self, host: &Host<'_>, class: &Class) -> Result<Option<Medians>, Error> {
        let (data, dims) = (self.data, self.data.dims().max(1));
        let rows: Vec<&[f32]> = class.first.chunks_exact(dims).collect();
        let made = host.parallel_polled(rows.len(), |i, poll| {
            let mut least = f64::INFINITY;
            for portion in data.rows().chunks(dims << 10) {
                poll.check()?;
                let each = portion.chunks_exact(dims);
                least = each.fold(least, |least, row| {
                    least.min(squared_distance(row, rows[i]))
                });
            }
            Ok(least.sqrt())
        })?;
        let members = data.members();
        let members = members.of(class.label);
        let step = members.len().div_ceil(self.share.max(1)).max(1);
        let members: Vec<u32> = members.iter().copied().step_by(step).collect();
        let near = host.neighbours(&members, 1, Classes::Any)?;
        let real = (0..members.len()).filter_map(|q| near.distances(q).first());
        let real: Vec<f64> = real.map(|squared| f64::from(*squared).sqrt()).collect();
        Ok((!real.is_empty()).then(|| Medians {
            label: class.label,
            made: median(made),
            real: median(real),
        }))
    }
}

/// The order of rows, which are finite, by their values in turn.
fn compare(a: &[f32], b: &[f32]) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// A distance in few digits, of whatever size.
fn short(distance: f64) -> String {
    match distance == 0.0 || (1e-3..1e6).contains(&distance) {
        true => format!("{distance:.3}"),
        false => format!("{distance:.2e}"),
    }
}

/// The upper median; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
