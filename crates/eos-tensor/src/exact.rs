//! The plain definition of neighbours and interpolation: what every backend must equal, bit for bit.

use crate::{
    Classes, Error, Neighbours, Recipe, Rows,
    backend::{check_queries, check_recipe},
};

/// Partial sums of a distance; the fold below halves them.
pub(crate) const LANES: usize = 32;

/// Squared Euclidean distance of two rows of equal length, in one canonical order.
///
/// With t_j = f64(a_j) − f64(b_j), lane l sums t_j · t_j over j ≡ l (mod 32) in rising j,
/// multiplication and addition rounded separately; then lanes fold: s_l += s_{l+16}, then 8, 4, 2, 1.
///
/// ```
/// assert_eq!(eos_tensor::exact::squared_distance(&[0.0, 3.0], &[4.0, 0.0]), 25.0);
/// ```
#[inline(always)]
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f64; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        add_squares(&mut sums, a, b);
    }
    if !rest_a.is_empty() {
        // Zeros add +0 to sums that are never −0: no bit changes, and the sums stay in registers.
        add_squares(&mut sums, &padded(rest_a), &padded(rest_b));
    }
    fold(sums)
}

#[inline(always)]
fn add_squares(sums: &mut [f64; LANES], a: &[f32; LANES], b: &[f32; LANES]) {
    for l in 0..LANES {
        let t = f64::from(a[l]) - f64::from(b[l]);
        sums[l] += t * t;
    }
}

#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut whole = [0.0; LANES];
    whole[..rest.len()].copy_from_slice(rest);
    whole
}

/// Halving steps of fixed length, which compilers keep in registers.
#[inline(always)]
fn fold(sums: [f64; LANES]) -> f64 {
    let sums: [f64; 16] = halve(&sums);
    let sums: [f64; 8] = halve(&sums);
    let sums: [f64; 4] = halve(&sums);
    let sums: [f64; 2] = halve(&sums);
    sums[0] + sums[1]
}

/// `sums[l] + sums[l + HALF]`.
#[inline(always)]
fn halve<const HALF: usize>(sums: &[f64]) -> [f64; HALF] {
    let mut half = [0.0; HALF];
    for l in 0..HALF {
        half[l] = sums[l] + sums[l + HALF];
    }
    half
}

/// Neighbours by sorting all distances of each query. See [`Backend::neighbours`](crate::Backend::neighbours).
///
/// # Errors
/// As the backend's.
pub fn neighbours(
    rows: Rows<'_>,
    labels: &[u32],
    queries: &[u32],
    k: usize,
    classes: Classes,
) -> Result<Neighbours, Error> {
    check_queries(rows, labels, queries, k)?;
    let mut found = Neighbours::empty(queries.len(), k);
    for (q, query) in queries.iter().enumerate() {
        let own = *query as usize;
        let mut all: Vec<(f64, u32)> = (0..rows.len())
            .filter(|row| *row != own && classes.admit(labels[own], labels[*row]))
            .map(|row| (squared_distance(rows.row(own), rows.row(row)), row as u32))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (slot, (distance, row)) in all.into_iter().take(k).enumerate() {
            found.index[q * k + slot] = row;
            found.distance[q * k + slot] = distance as f32;
        }
    }
    Ok(found)
}

/// Interpolation, sample by sample. See [`Backend::interpolate`](crate::Backend::interpolate).
///
/// # Errors
/// As the backend's.
pub fn interpolate(rows: Rows<'_>, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
    check_recipe(rows, recipe, out)?;
    for (recipe, out) in recipe.iter().zip(out.chunks_exact_mut(rows.dims())) {
        blend(rows, recipe, out);
    }
    Ok(())
}

/// One synthetic row: no fused multiply-add, so the same bits everywhere.
#[inline]
pub(crate) fn blend(rows: Rows<'_>, recipe: &Recipe, out: &mut [f32]) {
    let [base, from, to] = [recipe.base, recipe.from, recipe.to].map(|row| rows.row(row as usize));
    for (j, out) in out.iter_mut().enumerate() {
        *out = base[j] + recipe.ratio * (to[j] - from[j]);
    }
}
