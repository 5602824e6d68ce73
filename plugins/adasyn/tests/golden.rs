//! ADASYN against imbalanced-learn: its counts, and ours.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, numbers, rows_of};
use eos_plugin_adasyn::{ENTRY, rounded, settled, shares};
use eos_tensor::Classes;

#[test]
fn counts_rounded_are_the_peers_and_those_settled_are_what_is_wanted() {
    let (mut classes, mut missed, mut halves) = (0, 0, 0);
    for case in golden("adasyn.json") {
        let set = Set::of(&case);
        let k = case["params"]["n_neighbors"].as_u64().unwrap() as usize;
        let Some(per_class) = case["expect"]["per_class"].as_object() else {
            continue;
        };
        for (class, expect) in per_class {
            let label: u32 = class.parse().unwrap();
            let members = set.members(label);
            assert_eq!(members, rows_of(&expect["class_indices"]));
            let near = set.neighbours(&members, k, Classes::Any);
            let other = |row: &&u32| set.labels[**row as usize] != label;
            let enemies: Vec<usize> = (0..members.len())
                .map(|q| near.of(q).iter().filter(other).count())
                .collect();
            let r: Vec<f64> = enemies.iter().map(|e| *e as f64 / k as f64).collect();
            assert_eq!(r, numbers(&expect["ratio"]), "{}", case["name"]);
            let (wanted, r_sum) = (expect["G"].as_u64().unwrap(), r.iter().sum::<f64>());
            let theirs = rounded(&r, wanted);
            let as_u32: Vec<u32> = theirs.iter().map(|n| *n as u32).collect();
            assert_eq!(as_u32, rows_of(&expect["n_i"]), "{}", case["name"]);
            let made = theirs.iter().sum::<u64>();
            assert_eq!(made, expect["total"].as_u64().unwrap());
            for counts in [
                shares(&enemies, wanted),
                settled(theirs.clone(), &enemies, wanted),
            ] {
                assert_eq!(counts.iter().sum::<u64>(), wanted);
                let quota = |r: &f64| wanted as f64 * r / r_sum;
                let apart = |(n, r): (&u64, &f64)| *n as f64 - quota(r);
                assert!(
                    counts
                        .iter()
                        .zip(&r)
                        .all(|pair| apart(pair).abs() <= 1.0 + 1e-9)
                );
            }
            classes += 1;
            missed += usize::from(made != wanted);
            halves += expect["half_ties"].as_array().unwrap().len();
        }
    }
    assert!(
        classes > 10 && missed > 5 && halves > 0,
        "{classes} {missed} {halves}"
    );
}

#[test]
fn through_the_boundary_each_row_is_the_base_of_its_count() {
    let mut classes = 0;
    for case in golden("adasyn.json") {
        let (set, k) = (Set::of(&case), &case["params"]["n_neighbors"]);
        let Some(per_class) = case["expect"]["per_class"].as_object() else {
            continue;
        };
        for (class, expect) in per_class {
            let label: usize = class.parse().unwrap();
            let mut wanted = vec![0; *set.labels.iter().max().unwrap() as usize + 1];
            wanted[label] = expect["G"].as_u64().unwrap();
            let r = numbers(&expect["ratio"]);
            let k_number = k.as_u64().unwrap() as f64;
            let enemies: Vec<usize> = r.iter().map(|r| (r * k_number).round() as usize).collect();
            let peer = rounded(&r, wanted[label]);
            let missed = peer.iter().sum::<u64>() != wanted[label];
            for (compat, counts) in [
                ("none", shares(&enemies, wanted[label])),
                (
                    "imbalanced-learn",
                    settled(peer.clone(), &enemies, wanted[label]),
                ),
            ] {
                let params = format!("k = {k}\ncompat = '{compat}'");
                let made = set.sample(&ENTRY, &wanted, &params).unwrap();
                let recipes = made.recipe.unwrap();
                let of = |row: &u32| recipes.iter().filter(|r| r.base == *row).count() as u64;
                let got: Vec<u64> = rows_of(&expect["class_indices"]).iter().map(of).collect();
                assert_eq!(got, counts, "{} class {class} {compat}", case["name"]);
                let noted = made
                    .notes
                    .iter()
                    .any(|n| n.contains("imbalanced-learn would make"));
                assert_eq!(noted, compat != "none" && missed);
            }
            classes += 1;
        }
    }
    assert!(classes > 10, "{classes}");
}

#[test]
fn what_the_peer_refuses_is_made_with_a_note() {
    let mut refused = 0;
    for case in golden("adasyn.json") {
        let said = &case["expect"]["error"];
        if said.is_null() {
            continue;
        }
        let set = Set::of(&case);
        let made = set.sample(&ENTRY, &[0, 1], "").unwrap();
        assert_eq!(made.labels, [1]);
        if said
            .as_str()
            .unwrap()
            .contains("neigbours belong to the majority")
        {
            let rows = set.members(1).len();
            assert_eq!(
                made.notes[0],
                format!(
                    "class 1: none of its {rows} rows has another class among its 5 nearest: its \
                     1 synthetic rows start from any of its rows (no-enemies = \"smote\")"
                )
            );
            let refusal = set
                .sample(&ENTRY, &[0, 1], "no-enemies = 'error'")
                .unwrap_err();
            assert!(
                refusal
                    .to_string()
                    .ends_with("raise k, or set no-enemies to \"smote\"")
            );
        } else {
            // The peer rounds every share of one extra row to zero.
            assert!(made.notes.is_empty(), "{:?}", made.notes);
        }
        refused += 1;
    }
    assert_eq!(refused, 2);
}
