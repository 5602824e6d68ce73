//! Several plugins linked into one program keep apart, and do what their libraries do.

mod common;

use common::{built, data, sample};
use eos_registry::Plugin;

fn linked() -> [Plugin; 3] {
    [
        &eos_plugin_eos::ENTRY,
        &eos_plugin_random::ENTRY,
        &eos_plugin_smote::ENTRY,
    ]
    .map(|entry| Plugin::from_entry(entry).unwrap())
}

#[test]
fn plugins_in_one_program_keep_their_ids() {
    let ids = linked().map(|plugin| plugin.id().to_owned());
    assert_eq!(ids, ["eos", "random", "smote"]);
    let fourth = Plugin::from_entry(&eos_plugin_misbehaving::ENTRY).unwrap();
    assert_eq!(fourth.id(), "misbehaving");
}

#[test]
fn a_library_and_the_linked_plugin_give_the_same_bytes_at_any_number_of_threads() {
    let registry = built("EOS_TEST_PLUGINS");
    for plugin in linked() {
        let loaded = registry.load(plugin.id()).unwrap();
        let facts = |p: &Plugin| {
            (
                p.version().to_owned(),
                p.summary().to_owned(),
                p.parameters().to_vec(),
            )
        };
        assert_eq!(facts(&loaded), facts(&plugin));
        let made = sample(&plugin, "", 1).unwrap();
        assert_eq!(made.labels, [vec![1; 20], vec![2; 30]].concat());
        for threads in [1, 8] {
            assert_eq!(sample(&loaded, "", threads).unwrap(), made);
        }
    }
}

#[test]
fn every_row_lies_on_its_segment() {
    let (rows, labels) = data();
    for plugin in linked() {
        let made = sample(&plugin, "", 2).unwrap();
        for (row, r) in made.rows.chunks(common::DIMS).zip(made.recipe.unwrap()) {
            assert_eq!((labels[r.base as usize], r.from), (r.label, r.base));
            assert!((0.0..1.0).contains(&r.ratio));
            for (d, value) in row.iter().enumerate() {
                let [base, to] = [r.base, r.to].map(|i| rows[i as usize * common::DIMS + d]);
                assert_eq!(*value, base + r.ratio * (to - base));
            }
        }
    }
}
