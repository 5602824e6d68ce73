//! The tests, but for the random ones.

use crate::check::kit::{Ask, Kit};
use crate::check::report::Verdict;
use crate::check::scene::Scene;
use crate::error::Error;
use crate::plan::Synthetic;
use std::time::{Duration, Instant};

/// A test.
pub(super) type Rule = fn(&Kit<'_>) -> Verdict;

/// Every test and its name.
pub(super) const RULES: [(&str, Rule); 13] = [
    ("descriptor", descriptor),
    ("defaults", |kit| settle(defaults(kit))),
    ("unknown parameter", unknown),
    ("counts", |kit| settle(counts(kit))),
    ("on-segment", |kit| settle(on_segment(kit))),
    ("base has the label", |kit| settle(base(kit))),
    ("same seed, same bytes", |kit| settle(same_seed(kit))),
    ("1 against 8 threads", |kit| settle(threads(kit))),
    ("empty class", |kit| settle(empty_class(kit))),
    ("one-row class", one_row),
    ("nothing wanted", |kit| settle(nothing(kit))),
    ("cancel within a second", cancel),
    ("panic contained", panic),
];

/// Why a test failed that must not.
enum Fault {
    Call(Error),
    Finding(String),
    Skipped(&'static str),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

fn settle(result: Result<String, Fault>) -> Verdict {
    match result {
        Ok(remark) => Verdict::Passed(remark),
        Err(Fault::Call(error)) => Verdict::Failed(error.to_string()),
        Err(Fault::Finding(finding)) => Verdict::Failed(finding),
        Err(Fault::Skipped(why)) => Verdict::Skipped(why.to_owned()),
    }
}

fn ensure(right: bool, finding: impl FnOnce() -> String) -> Result<(), Fault> {
    match right {
        true => Ok(()),
        false => Err(Fault::Finding(finding())),
    }
}

fn descriptor(kit: &Kit<'_>) -> Verdict {
    let plugin = kit.plugin;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if plugin.id().is_empty() || !plugin.id().chars().all(plain) {
        let id = plugin.id();
        return Verdict::Failed(format!(
            "its id is '{id}'; ids are made of a-z, 0-9 and '-'"
        ));
    }
    for (name, text) in [("version", plugin.version()), ("summary", plugin.summary())] {
        if text.trim().is_empty() || text.contains('\n') {
            return Verdict::Failed(format!("its {name} is {text:?}; it is one line of text"));
        }
    }
    let parameters = plugin.parameters();
    if let Some(silent) = parameters.iter().find(|p| p.doc.trim().is_empty()) {
        let name = &silent.name;
        return Verdict::Failed(format!("parameter '{name}' has no doc; say what it does"));
    }
    let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
    Verdict::Passed(match names.len() {
        0 => "takes nothing".to_owned(),
        _ => format!("takes {}", names.join(", ")),
    })
}

fn defaults(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::usual();
    let plain = kit.call(&scene, |_| {})?;
    let all = kit.plugin.resolve(&toml::Table::new())?;
    let given = kit.call(&scene, |ask| ask.params = all)?;
    ensure(same(&plain, &given), || {
        "with every default given it makes other rows than with none given".to_owned()
    })?;
    Ok(String::new())
}

fn unknown(kit: &Kit<'_>) -> Verdict {
    let key = toml::Table::from_iter([("no-such-parameter".to_owned(), true.into())]);
    let scene = Scene::usual();
    match kit.call(&scene, |ask| ask.params = key) {
        Err(Error::Params { message, .. }) if message.contains("no-such-parameter") => {}
        other => {
            return Verdict::Failed(format!("the host did not refuse it: {}", told(&other)));
        }
    }
    // The host refuses it by the description; this is what the plugin does by itself.
    match kit.call(&scene, |ask| ask.lines = "no-such-parameter = true\n") {
        Err(Error::Params { .. }) => Verdict::Passed(String::new()),
        Ok(_) => Verdict::Passed("refused by the host, passed over by the plugin".to_owned()),
        other => Verdict::Failed(format!(
            "it is neither refused as a bad parameter nor passed over: {}",
            told(&other)
        )),
    }
}

fn counts(kit: &Kit<'_>) -> Result<String, Fault> {
    let mut made = 0;
    for wanted in [
        [0, 30, 60, 110],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [3; 4],
        [0, 0, 0, 20_000],
    ] {
        let scene = Scene::usual().wanting(&wanted);
        let rows = kit.call(&scene, |_| {})?;
        for (class, &wanted) in (0u32..).zip(&wanted) {
            let got = rows.labels.iter().filter(|&&label| label == class).count() as u64;
            ensure(got == wanted, || {
                format!("{got} rows of class {class}, {wanted} were wanted")
            })?;
            made += got;
        }
    }
    Ok(format!("{made} rows"))
}

fn on_segment(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::usual();
    let made = kit.call(&scene, |_| {})?;
    let recipe = made
        .recipe
        .ok_or(Fault::Skipped("it makes rows, not recipes"))?;
    let mut between = 0;
    for (i, (row, r)) in made.rows.chunks(scene.dims).zip(&recipe).enumerate() {
        let [base, from, to] = [r.base, r.from, r.to].map(|row| scene.row(row));
        let right = (0..scene.dims).all(|d| {
            let value = base[d] + r.ratio * (to[d] - from[d]);
            value.to_bits() == row[d].to_bits()
        });
        ensure(right, || {
            format!("row {i} is not base + ratio · (to − from)")
        })?;
        between += usize::from(r.from == r.base && (0.0..=1.0).contains(&r.ratio));
    }
    Ok(format!(
        "{between} of {} between base and neighbour",
        recipe.len()
    ))
}

fn base(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::usual();
    let made = kit.call(&scene, |_| {})?;
    let recipe = made
        .recipe
        .ok_or(Fault::Skipped("it makes rows, not recipes"))?;
    for (i, (r, label)) in recipe.iter().zip(&made.labels).enumerate() {
        let class = scene.labels[r.base as usize];
        ensure(class == *label, || {
            format!("row {i} has label {label}, its base is of class {class}")
        })?;
    }
    Ok(String::new())
}

fn same_seed(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::usual();
    let make = |seed| kit.call(&scene, |ask| ask.seed = seed);
    let first = make(3)?;
    ensure(same(&first, &make(3)?), || {
        "two calls with one seed make different rows; draw everything from host.rng()".to_owned()
    })?;
    Ok(match same(&first, &make(4)?) {
        true => "another seed makes the same rows too".to_owned(),
        false => String::new(),
    })
}

fn threads(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::usual();
    let make = |threads| kit.call(&scene, |ask| ask.threads = threads);
    ensure(same(&make(1)?, &make(8)?), || {
        "1 and 8 threads make different rows; key every draw by its position, and add up in one \
         order"
            .to_owned()
    })?;
    Ok(String::new())
}

fn empty_class(kit: &Kit<'_>) -> Result<String, Fault> {
    let scene = Scene::clouds(&[40, 15, 0, 6], 3).wanting(&[0, 9, 0, 20]);
    let made = kit.call(&scene, |_| {})?;
    let wanted = [vec![1; 9], vec![3; 20]].concat();
    ensure(made.labels == wanted, || {
        "other classes than were wanted".to_owned()
    })?;
    Ok(String::new())
}

fn one_row(kit: &Kit<'_>) -> Verdict {
    let scene = Scene::clouds(&[40, 15, 1], 3).wanting(&[0, 5, 12]);
    match kit.call(&scene, |_| {}) {
        Ok(_) => Verdict::Passed(String::new()),
        Err(error) if is_refusal(&error) => Verdict::Passed(format!("refused: {error}")),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn nothing(kit: &Kit<'_>) -> Result<String, Fault> {
    let made = kit.call(&Scene::usual().wanting(&[0; 4]), |_| {})?;
    ensure(made.labels.is_empty(), || {
        format!("{} rows all the same", made.labels.len())
    })?;
    Ok(String::new())
}

fn cancel(kit: &Kit<'_>) -> Verdict {
    let scene = Scene::clouds(&[3000, 800, 200], 16).wanting(&[0, 100_000, 300_000]);
    let mut told_at = None;
    let mut calls = 0;
    let mut progress = |_, _| {
        calls += 1;
        if calls > 1 {
            told_at.get_or_insert_with(Instant::now);
        }
        calls <= 1
    };
    let result = kit.ask(&scene, &mut Ask::usual(&mut progress));
    let Some(told_at) = told_at else {
        return match result {
            Ok(_) => Verdict::Passed("it was done before it could be told to stop".to_owned()),
            Err(error) => Verdict::Failed(error.to_string()),
        };
    };
    let took = told_at.elapsed();
    match result {
        Err(Error::Cancelled) if took < Duration::from_secs(1) => {
            Verdict::Passed(format!("after {:.0} ms", took.as_secs_f64() * 1000.0))
        }
        Err(Error::Cancelled | Error::TimedOut { .. }) => Verdict::Failed(format!(
            "it went on for {:.1} s after it was told to stop; ask host.check() or \
             host.progress() about once a second",
            took.as_secs_f64()
        )),
        other => Verdict::Failed(told(&other)),
    }
}

fn panic(kit: &Kit<'_>) -> Verdict {
    match kit.call(&Scene::usual(), |ask| ask.provoke = true) {
        Err(Error::Panicked { .. }) => Verdict::Passed(String::new()),
        Ok(_) => Verdict::Skipped("it does not ask for eos.panic/1, as eos-plugin does".to_owned()),
        Err(Error::Died { how, .. }) => Verdict::Failed(format!(
            "a panic ends its process ({how}); build it with panic = \"unwind\", or have every \
             registry isolate it"
        )),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

/// Whether a plugin may say so of data that do not suit its method.
pub(super) fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Failed { message, .. }
        | Error::Params { message, .. }
        | Error::Unsupported { message, .. } => !message.contains("without a word"),
        _ => false,
    }
}

/// To the bit; a −0 is no 0.
fn same(a: &Synthetic, b: &Synthetic) -> bool {
    let bits = |rows: &[f32]| rows.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    a.labels == b.labels && a.recipe == b.recipe && bits(&a.rows) == bits(&b.rows)
}

fn told(result: &Result<Synthetic, Error>) -> String {
    match result {
        Ok(made) => format!("it made {} rows", made.labels.len()),
        Err(error) => error.to_string(),
    }
}
