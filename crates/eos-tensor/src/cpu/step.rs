//! What a tile of queries does at once, on the instructions of a path.

use super::{
    Job, SimdPath,
    block::Block,
    crowd::Crowd,
    lanes::{Portable, Words},
    search::Pass,
};
use std::sync::Mutex;

#[cfg(target_arch = "x86_64")]
use super::{
    format::Form,
    lanes_x86::{Avx2, Avx512, Vnni},
};

/// Queries that stay in the second-level cache together.
pub(super) type Tile<'a> = Vec<Crowd<'a>>;

/// What a tile does next.
pub(super) enum Step<'s, 'a> {
    /// Sees all rows of a block, the only one where it may guess.
    See(&'s mut Tile<'a>, &'s Block, bool),
    /// Its queries, which stand in the block, meet each other and see the panels that are not dense.
    Among(&'s mut Tile<'a>, &'s Block, &'s [bool]),
    /// Its queries meet another tile's.
    Meet(&'s mut Tile<'a>, &'s mut Tile<'a>),
    /// Writes what its queries found, and gives back the jobs for which that is not proven.
    Finish(Tile<'a>, &'s Mutex<Vec<Job<'a>>>),
}

impl Step<'_, '_> {
    /// Takes the step on the path's instructions.
    pub(super) fn run(self, pass: &Pass<'_>) {
        match pass.path {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512Vnni => unsafe { avx512vnni(pass, self) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512 => unsafe { avx512(pass, self) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx2 => unsafe { avx2(pass, self) },
            // SAFETY: the portable path needs no instructions of its own.
            _ => unsafe { self.take::<Portable, 4, 2>(pass) },
        }
    }

    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    unsafe fn take<W: Words, const S: usize, const R: usize>(self, pass: &Pass<'_>) {
        // SAFETY: as the caller vouches.
        unsafe {
            match self {
                Self::See(tile, block, guess) => {
                    for crowd in tile.iter_mut() {
                        crowd.enter(pass, block);
                        if guess {
                            crowd.guess::<W, S, R>(pass, block);
                        }
                    }
                    // Rows of the query's own class are often near: floors rise early.
                    let first = tile.first().map_or(0, |crowd| crowd.starts(pass, block));
                    for p in (first..block.panels()).chain(0..first) {
                        for crowd in tile.iter_mut() {
                            crowd.see::<W, S, R>(pass, block, p);
                        }
                        if pass.gave_up() {
                            return;
                        }
                    }
                }
                Self::Among(tile, block, dense) => {
                    for at in 0..tile.len() {
                        let (before, rest) = tile.split_at_mut(at);
                        let crowd = &mut rest[0];
                        crowd.enter(pass, block);
                        crowd.guess::<W, S, R>(pass, block);
                        crowd.see_itself::<W, S, R>(pass);
                        for other in before {
                            other.meet::<W, S, R>(crowd, pass);
                        }
                    }
                    for p in (0..block.panels()).filter(|p| !dense[*p]) {
                        for crowd in tile.iter_mut() {
                            crowd.see::<W, S, R>(pass, block, p);
                        }
                        if pass.gave_up() {
                            return;
                        }
                    }
                }
                Self::Meet(tile, others) => {
                    for other in others.iter_mut() {
                        for crowd in tile.iter_mut() {
                            crowd.meet::<W, S, R>(other, pass);
                        }
                        if pass.gave_up() {
                            return;
                        }
                    }
                }
                Self::Finish(tile, unproven) => {
                    for crowd in tile {
                        crowd.finish(pass, unproven);
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn avx512vnni(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for the instructions, and its caller vouches for the processor.
    unsafe {
        match pass.format.form {
            Form::Pairs => step.take::<Vnni, 8, 3>(pass),
            Form::Floats => step.take::<Avx512, 8, 3>(pass),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for AVX-512F, and its caller vouches for the processor.
    unsafe { step.take::<Avx512, 8, 3>(pass) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for AVX2 and FMA, and its caller vouches for the processor.
    unsafe { step.take::<Avx2, 6, 2>(pass) }
}
