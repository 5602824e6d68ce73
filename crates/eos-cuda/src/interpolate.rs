//! Synthetic rows made on a card.

use crate::params::{Interpolate, bytes_of, bytes_of_mut};
use crate::runtime::{Launch, Memory};
use crate::{CudaBackend, CudaError};
use eos_tensor::first_pass::check_recipe;
use eos_tensor::{Backend, Error, Interpolation, Recipe, Rows};
use std::sync::{Mutex, PoisonError};

/// Values that are made at a time, at most.
const WINDOW: usize = 16 << 20;

/// Interpolations of one set of rows, which is on the card from the first.
pub(crate) struct CudaInterpolation<'a> {
    backend: &'a CudaBackend,
    rows: Rows<'a>,
    on_card: Mutex<Option<Box<dyn Memory>>>,
}

impl<'a> CudaInterpolation<'a> {
    pub(crate) fn new(backend: &'a CudaBackend, rows: Rows<'a>) -> Self {
        Self {
            backend,
            rows,
            on_card: Mutex::default(),
        }
    }

    fn run(&self, recipe: &[Recipe], out: &mut [f32]) -> Result<(), CudaError> {
        let runtime = self.backend.runtime();
        let dims = self.rows.dims();
        let mut on_card = self.on_card.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = match &mut *on_card {
            Some(rows) => rows,
            none => {
                let memory = runtime.allocate(size_of_val(self.rows.data()))?;
                runtime.write(&*memory, 0, bytes_of(self.rows.data()))?;
                none.insert(memory)
            }
        };
        let window = (WINDOW / dims).max(1).min(recipe.len());
        let recipes = runtime.allocate(size_of::<Recipe>() * window)?;
        let made = runtime.allocate(4 * window * dims)?;
        for (recipe, out) in recipe.chunks(window).zip(out.chunks_mut(window * dims)) {
            runtime.write(&*recipes, 0, bytes_of(recipe))?;
            let params = Interpolate {
                rows: rows.address(),
                recipes: recipes.address(),
                out: made.address(),
                values: out.len() as u64,
                dims: dims as u32,
                unused: 0,
            };
            let launch = Launch {
                kernel: "eos_interpolate",
                grid: [
                    out.len()
                        .div_ceil(1024)
                        .clamp(1, 8 * runtime.card().multiprocessors) as u32,
                    1,
                ],
                threads: 256,
                shared: 0,
            };
            // SAFETY: recipes name rows that are there (checked), and make as many values as `made` has room for.
            unsafe { runtime.launch(&launch, bytes_of(&[params])) }?;
            runtime.read(&*made, 0, bytes_of_mut(out))?;
        }
        Ok(())
    }
}

impl Interpolation for CudaInterpolation<'_> {
    fn interpolate(&self, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
        check_recipe(self.rows, recipe, out)?;
        if recipe.is_empty() {
            return Ok(());
        }
        self.run(recipe, out).map_err(|error| Error::Device {
            device: self.backend.name().to_owned(),
            message: error.to_string(),
        })
    }
}
