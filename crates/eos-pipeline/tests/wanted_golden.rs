//! The rules for class sizes against imbalanced-learn 0.14.2's `sampling_strategy`, all cases of
//! tests/golden/sampling_strategy.json: equal counts, and an error wherever it refuses a rule.

use eos_pipeline::wanted::Wanted;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn cases() -> Vec<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/sampling_strategy.json"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    golden["cases"].as_array().unwrap().clone()
}

/// Names of the classes in rising order, as imbalanced-learn numbers them, and their counts.
fn classes(labels: &[Value]) -> (Vec<String>, Vec<usize>) {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut names: Vec<String> = labels
        .iter()
        .map(text)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    names.sort_by_key(|name| name.parse::<i64>().unwrap_or(0));
    let counts = names
        .iter()
        .map(|name| labels.iter().filter(|v| text(v) == *name).count());
    let counts = counts.collect();
    (names, counts)
}

/// What our rule makes of a case: rows to add by class, or the refusal.
fn ours(strategy: &Value, names: &[String], counts: &[usize]) -> Result<Vec<u64>, String> {
    let strategy = match strategy.as_str() {
        Some(word) => json!(word.replace(' ', "-")),
        None => strategy.clone(),
    };
    let wanted: Wanted = serde_json::from_value(strategy).map_err(|e| e.to_string())?;
    wanted.rows(counts, names).map_err(|e| e.to_string())
}

#[test]
fn counts_equal_imbalanced_learn_s_and_what_it_refuses_is_refused() {
    let mut checked = 0;
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        if case["params"]["kind"] == "callable" {
            continue; // A rule that is a function has no counterpart in a configuration.
        }
        let (names, counts) = classes(case["y"].as_array().unwrap());
        let got = ours(&case["params"]["sampling_strategy"], &names, &counts);
        let sampler = &case["expect"]["RandomOverSampler"];
        match sampler.get("counts") {
            None => assert!(got.is_err(), "{name}: refused by the peer, here {got:?}"),
            Some(afterwards) => {
                let afterwards: BTreeMap<String, u64> =
                    serde_json::from_value(afterwards.clone()).unwrap();
                let expect: Vec<u64> = names
                    .iter()
                    .zip(&counts)
                    .map(|(name, n)| afterwards[name] - *n as u64)
                    .collect();
                assert_eq!(got, Ok(expect), "{name}");
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 297);
}
