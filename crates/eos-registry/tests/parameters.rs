//! Parameters: described by the plugin, merged by the host, read by the plugin.

mod common;

use common::{Folder, call, manifest};
use eos_plugin::params::{Field, Kind, Parameters};
use eos_plugin::{Dataset, Error, Host, Mode, Oversampler, Sink, choice, entry, params};
use eos_registry::{ParameterDescription, ParameterKind, Plugin};
use toml::Value;

choice! {
    /// Words with everything that TOML has to escape.
    pub enum Word {
        /// Plain.
        Plain = "plain",
        /// Not.
        Odd = "a \"b\" \\ \u{7} ü",
    }
}

params! {
    /// One of each type.
    pub struct Params {
        k: int = 10, min 1, max 1_000, "neighbours \"to look at\"";
        step_size: float = 0.5, min -1e-3, max 2.0, "how far";
        any: int = -3, "a number without limits";
        exact: bool = false, "whether to be exact";
        title: text = "plain", "what to call it";
        word: choice(Word) = "a \"b\" \\ \u{7} ü", "which word";
    }
}

/// Says what it was given: a row for class 0 and the values as its notes.
struct Echo(Params);

impl Oversampler for Echo {
    const ID: &'static str = "echo";
    const SUMMARY: &'static str = "notes its parameters";
    const MODE: Mode = Mode::Rows;
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        if params.k == 13 {
            return Err(Error::params("'k' = 13 is bad luck; take 12 or 14"));
        }
        Ok(Self(params))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let Params {
            k,
            step_size,
            any,
            exact,
            title,
            word,
        } = &self.0;
        host.note(&format!(
            "{k} {step_size:?} {any} {exact} {title:?} {word:?}"
        ));
        out.push_row(0, data.row(1))
    }
}

static ECHO: eos_plugin::abi::Entry = entry::<Echo>("0.1.0", false);

fn echo() -> Plugin {
    Plugin::from_entry(&ECHO).unwrap()
}

#[test]
fn declaration_and_description_agree() {
    let plugin = echo();
    assert_eq!(plugin.parameters().len(), Params::FIELDS.len());
    for (field, described) in Params::FIELDS.iter().zip(plugin.parameters()) {
        assert_eq!(
            (field.key(), field.doc),
            (described.name.clone(), described.doc.as_str())
        );
        check(field, described);
    }
}

/// The declared kind, as the description ought to read.
fn check(field: &Field, described: &ParameterDescription) {
    let ParameterDescription {
        kind,
        default,
        min,
        max,
        choices,
        ..
    } = described;
    match &field.kind {
        Kind::Int(range) => {
            let value = |l: &eos_plugin::params::Literal<i64>| Value::Integer(l.value);
            assert_eq!(
                (*kind, default),
                (ParameterKind::Int, &value(&range.default))
            );
            assert_eq!(
                (min, max),
                (
                    &range.min.as_ref().map(value),
                    &range.max.as_ref().map(value)
                )
            );
        }
        Kind::Float(range) => {
            let value = |l: &eos_plugin::params::Literal<f64>| Value::Float(l.value);
            assert_eq!(
                (*kind, default),
                (ParameterKind::Float, &value(&range.default))
            );
            assert_eq!(
                (min, max),
                (
                    &range.min.as_ref().map(value),
                    &range.max.as_ref().map(value)
                )
            );
        }
        Kind::Bool { default: declared } => {
            assert_eq!(
                (*kind, default),
                (ParameterKind::Bool, &Value::Boolean(*declared))
            );
        }
        Kind::Text { default: declared } => {
            assert_eq!(
                (*kind, default.as_str()),
                (ParameterKind::Text, Some(*declared))
            );
        }
        Kind::Choice {
            default: declared,
            choices: words,
        } => {
            assert_eq!(
                (*kind, default.as_str()),
                (ParameterKind::Choice, Some(*declared))
            );
            assert_eq!(choices, words);
        }
    }
}

#[test]
fn values_cross_as_they_are() {
    let notes = |params: &str| call(&[1, 0], params).run(&echo()).unwrap().notes;
    assert_eq!(notes(""), ["10 0.5 -3 false \"plain\" Odd"]);
    let odd = "k = 1000\nstep-size = 2\nany = -9223372036854775808\nexact = true\n\
               title = \"a = \\\"b\\\"\\n\\t\\\\ \\u0007 ü\"\nword = 'plain'";
    assert_eq!(
        notes(odd),
        ["1000 2.0 -9223372036854775808 true \"a = \\\"b\\\"\\n\\t\\\\ \\u{7} ü\" Plain"]
    );
    assert_eq!(
        notes("step-size = 1.25e-300"),
        ["10 1.25e-300 -3 false \"plain\" Odd"]
    );
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    for (params, said) in [
        (
            "kk = 3",
            "unknown parameter 'kk'; it takes: k, step-size, any, exact, title, word",
        ),
        (
            "step_size = 1.0",
            "unknown parameter 'step_size'; it takes: k, step-size, any, exact, title, word",
        ),
        ("k = 0", "parameter 'k' is 0; it is at least 1"),
        ("k = 1001", "parameter 'k' is 1001; it is at most 1000"),
        ("k = 'x'", "parameter 'k' is \"x\"; it is a whole number"),
        ("k = 2.0", "parameter 'k' is 2.0; it is a whole number"),
        (
            "step-size = -1",
            "parameter 'step-size' is -1.0; it is at least -0.001",
        ),
        (
            "step-size = nan",
            "parameter 'step-size' is nan; it is a finite number",
        ),
        ("exact = 1", "parameter 'exact' is 1; it is true or false"),
        ("title = 1", "parameter 'title' is 1; it is text"),
        (
            "word = 'plane'",
            "parameter 'word' is \"plane\"; it is one of: plain, a \"b\" \\ \u{7} ü",
        ),
        ("k = 13", "'k' = 13 is bad luck; take 12 or 14"),
    ] {
        let refused = call(&[1, 0], params).refusal(&echo());
        assert_eq!(refused, format!("plugin 'echo': bad parameters: {said}"));
    }
}

#[test]
fn the_run_is_over_the_registry_and_the_registry_over_the_plugin() {
    let folder = Folder::new();
    folder.compile("halfway", &manifest().join("tests/c/halfway.c"), &[]);
    let listed = "[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\n";
    let ratio = |registry: &str, run: &str| {
        let plugin = folder
            .open(&format!("{listed}{registry}"))
            .load("halfway")
            .unwrap();
        let run: toml::Table = run.parse().unwrap();
        plugin.resolve(&run).unwrap()["ratio"].as_float().unwrap()
    };
    assert_eq!(ratio("", ""), 0.5);
    assert_eq!(ratio("params = { ratio = 0.25 }", ""), 0.25);
    assert_eq!(ratio("params = { ratio = 0.25 }", "ratio = 0.125"), 0.125);
    assert_eq!(
        folder.refusal(&format!("{listed}params = {{ ratio = 2 }}"), "halfway"),
        "plugin 'halfway': bad parameters in '<folder>/registry.toml': parameter 'ratio' is 2.0; \
         it is at most 1.0"
    );
}
