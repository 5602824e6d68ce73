//! Random data and parameters: a plugin makes what is wanted, or says why it does not.

use crate::check::kit::Kit;
use crate::check::report::Verdict;
use crate::check::rules::is_refusal;
use crate::check::scene::Scene;
use crate::error::Error;
use crate::params::{ParameterDescription, ParameterKind};
use eos_tensor::PhiloxRng;
use std::fmt;
use toml::Value;

/// Cases of the kit have indices from here on.
const FIRST: u64 = 1 << 32;

/// Everything that is random in one call.
struct Case {
    scene: Scene,
    params: toml::Table,
    seed: u64,
    threads: u32,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, dims) = (self.scene.labels.len(), self.scene.dims);
        let (wanted, threads) = (&self.scene.wanted, self.threads);
        let params: Vec<String> = self
            .params
            .iter()
            .map(|(k, v)| format!("{k} = {v}"))
            .collect();
        write!(
            f,
            "{rows} rows of {dims}, wanted {wanted:?}, {threads} threads, {}",
            params.join(", ")
        )
    }
}

/// The cases of the seeds below `cases`, until one fails or there is no time left.
pub(super) fn run(kit: &Kit<'_>, cases: u64) -> Verdict {
    let mut refused = 0;
    for seed in 0..cases {
        if !kit.has_time() {
            return Verdict::Failed(format!("{seed} of {cases} cases were done in time"));
        }
        match judge(kit, &case(kit.plugin.parameters(), seed)) {
            Ok(None) => {}
            Ok(Some(_)) => refused += 1,
            Err(error) => {
                return Verdict::Failed(format!(
                    "seed {seed}: {error} (again alone with --reproduce {seed})"
                ));
            }
        }
    }
    let made = cases - refused;
    Verdict::Passed(format!(
        "{made} cases made, {refused} refused with a reason"
    ))
}

/// The case of one seed, with all about it.
pub(super) fn reproduce(kit: &Kit<'_>, seed: u64) -> Verdict {
    let case = case(kit.plugin.parameters(), seed);
    match judge(kit, &case) {
        Ok(None) => Verdict::Passed(format!("seed {seed}: {case}")),
        Ok(Some(why)) => Verdict::Passed(format!("seed {seed}: {case}: refused: {why}")),
        Err(error) => Verdict::Failed(format!("seed {seed}: {case}: {error}")),
    }
}

/// Nothing where the rows were made, the plugin's reason where it refused.
fn judge(kit: &Kit<'_>, case: &Case) -> Result<Option<Error>, Error> {
    let made = kit.call(&case.scene, |ask| {
        ask.params = case.params.clone();
        (ask.seed, ask.threads) = (case.seed, case.threads);
    });
    match made {
        Ok(_) => Ok(None),
        // Rows that are too far apart for f32 are the data's fault.
        Err(error) if is_refusal(&error) || matches!(error, Error::NotFinite { .. }) => {
            Ok(Some(error))
        }
        Err(error) => Err(error),
    }
}

fn case(parameters: &[ParameterDescription], seed: u64) -> Case {
    let mut rng = Scene::rng(FIRST + seed);
    let (n, dims) = (1 + rng.below(60) as usize, 1 + rng.below(9) as usize);
    let classes = 1 + rng.below(5);
    // Points of one kind are all equal, on a grid with many ties, spread out, tiny or huge.
    let kind = rng.below(5);
    let value = |rng: &mut PhiloxRng| match kind {
        0 => 1.5,
        1 => rng.below(3) as f32,
        2 => rng.normal(),
        3 => rng.normal() * 1e-38,
        _ => rng.normal() * 1e37,
    };
    let rows = (0..n * dims).map(|_| value(&mut rng)).collect();
    // Some classes are rarer than others, and some have no rows.
    let labels: Vec<u32> = (0..n)
        .map(|_| rng.below(classes).min(rng.below(classes)))
        .collect();
    let wanted = (0..classes)
        .map(|class| match labels.contains(&class) {
            true => u64::from(rng.below(40)),
            false => 0,
        })
        .collect();
    let scene = Scene {
        rows,
        dims,
        labels,
        wanted,
    };
    let params = parameters
        .iter()
        .filter_map(|p| Some((p.name.clone(), random(p, &mut rng)?)))
        .collect();
    Case {
        scene,
        params,
        seed: u64::from(rng.word()),
        threads: 1 + rng.below(4),
    }
}

/// A value that the parameter may have; nothing where it stays as it is.
fn random(parameter: &ParameterDescription, rng: &mut PhiloxRng) -> Option<Value> {
    if rng.below(3) == 0 {
        return None;
    }
    let (min, max) = (parameter.min.as_ref(), parameter.max.as_ref());
    Some(match parameter.kind {
        ParameterKind::Int => {
            let default = parameter.default.as_integer()?;
            let least = min.map_or(Some(default.saturating_sub(20)), Value::as_integer)?;
            let most = max.and_then(Value::as_integer).unwrap_or(i64::MAX);
            let value = least.saturating_add(i64::from(rng.below(80)));
            Value::Integer(value.min(most))
        }
        ParameterKind::Float => {
            let default = parameter.default.as_float()?;
            let least = min.map_or(Some(default - 2.0), Value::as_float)?;
            let most = max.map_or(Some(least + 4.0), Value::as_float)?;
            let value = least + f64::from(rng.unit()) * (most - least);
            Value::Float(value.clamp(least, most))
        }
        ParameterKind::Bool => Value::Boolean(rng.below(2) == 1),
        ParameterKind::Choice => {
            let words = &parameter.choices;
            Value::String(words.get(rng.below(words.len() as u32) as usize)?.clone())
        }
        ParameterKind::Text => return None,
    })
}
