//! Borderline-SMOTE against imbalanced-learn: who is in danger, and where each may go.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, rows_of};
use eos_plugin::Draw;
use eos_plugin_borderline_smote::{ENTRY, Standing, enemies, half_way, standing, step};
use eos_tensor::Classes;
use serde_json::Value;
use std::collections::BTreeMap;

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[test]
fn danger_noise_and_safe_are_the_peers() {
    let (mut classes, mut seen) = (0, [0; 3]);
    for case in golden("borderline.json") {
        let (set, m) = (Set::of(&case), number(&case["params"]["m_neighbors"]));
        let Some(per_class) = case["expect"]["per_class"].as_object() else {
            continue;
        };
        for (class, expect) in per_class {
            let label = class.parse().unwrap();
            let members = set.members(label);
            assert_eq!(members, rows_of(&expect["class_indices"]));
            let near = set.neighbours(&members, m, Classes::Any);
            let counts: Vec<u32> = (0..members.len())
                .map(|q| enemies(label, near.of(q), &set.labels) as u32)
                .collect();
            assert_eq!(counts, rows_of(&expect["n_enemies"]), "{}", case["name"]);
            let standings = [Standing::Danger, Standing::Noise, Standing::Safe];
            for (i, (wanted, name)) in standings
                .iter()
                .zip(["danger", "noise", "safe"])
                .enumerate()
            {
                let of = members.iter().zip(&counts);
                let of = of.filter(|(_, e)| standing(**e as usize, m) == *wanted);
                let of: Vec<u32> = of.map(|(row, _)| *row).collect();
                assert_eq!(of, rows_of(&expect[name]), "{} {name}", case["name"]);
                seen[i] += of.len();
            }
            classes += 1;
        }
    }
    assert!(
        classes > 30 && seen.iter().all(|n| *n > 10),
        "{classes} {seen:?}"
    );
}

/// Allowed targets of each base in danger, of the classes that the peer grew.
fn allowed(expect: &Value, k: usize) -> BTreeMap<u32, BTreeMap<u32, Vec<u32>>> {
    let classes = expect["in_danger_indices"].as_object().unwrap();
    let of = |(class, bases): (&String, &Value)| {
        let lists = &expect[format!("danger_neighbors_k{k}")][class];
        let lists = lists.as_array().unwrap().iter().map(rows_of);
        (
            class.parse().unwrap(),
            rows_of(bases).into_iter().zip(lists).collect(),
        )
    };
    classes.iter().map(of).collect()
}

#[test]
fn through_the_boundary_every_row_goes_from_danger_to_one_of_the_peers_neighbours() {
    let mut cases = 0;
    for case in golden("borderline.json") {
        let (set, params) = (Set::of(&case), &case["params"]);
        let (m, k) = (
            number(&params["m_neighbors"]),
            number(&params["k_neighbors"]),
        );
        for (kind, name) in [("1", "borderline-1"), ("2", "borderline-2")] {
            let expect = &case["expect"][name];
            if expect.is_null() {
                continue;
            }
            for (class, targets) in allowed(expect, k) {
                let mut wanted = vec![0; *set.labels.iter().max().unwrap() as usize + 1];
                wanted[class as usize] = 200;
                let params = format!("kind = '{kind}'\nm = {m}\nk = {k}");
                let made = set.sample(&ENTRY, &wanted, &params).unwrap();
                let recipes = made.recipe.unwrap();
                for r in &recipes {
                    assert!(r.from == r.base && targets[&r.base].contains(&r.to));
                    let enemy = set.labels[r.to as usize] != class;
                    assert!(kind == "2" || !enemy);
                    assert!(r.ratio < if enemy { 0.5 } else { 1.0 });
                }
                let far = recipes.iter().map(|r| r.ratio).fold(0.0, f32::max);
                assert!(far > 0.8, "class-mates are gone towards all the way");
                assert!(made.notes.is_empty(), "{:?}", made.notes);
                cases += 1;
            }
        }
    }
    assert!(cases > 30, "{cases} classes were grown");
}

#[test]
fn where_the_peer_leaves_a_class_unchanged_the_wanted_rows_are_made_with_a_note() {
    let mut silent = 0;
    for case in golden("borderline.json") {
        let set = Set::of(&case);
        let (m, expect) = (
            &case["params"]["m_neighbors"],
            &case["expect"]["borderline-1"],
        );
        let counts = &expect["counts"];
        let grown = expect["in_danger_indices"].as_object().unwrap();
        let most = counts
            .as_object()
            .unwrap()
            .values()
            .map(number)
            .max()
            .unwrap();
        for (class, count) in counts.as_object().unwrap() {
            if grown.contains_key(class) || number(count) == most {
                continue;
            }
            let class: usize = class.parse().unwrap();
            let mut wanted = vec![0; *set.labels.iter().max().unwrap() as usize + 1];
            wanted[class] = (most - number(count)) as u64;
            let sample = |extra: &str| set.sample(&ENTRY, &wanted, &format!("m = {m}\n{extra}"));
            let made = sample("").unwrap();
            assert_eq!(made.labels.len() as u64, wanted[class]);
            assert!(made.notes[0].contains("is in danger") && made.notes[0].contains("\"smote\""));
            let labels = made.recipe.unwrap();
            assert!(
                labels
                    .iter()
                    .all(|r| set.labels[r.to as usize] as usize == class)
            );
            let copies = sample("no-danger = 'duplicate'").unwrap().recipe.unwrap();
            assert!(copies.iter().all(|r| r.to == r.base));
            let said = sample("no-danger = 'error'").unwrap_err().to_string();
            assert!(
                said.contains("set no-danger to \"smote\" or \"duplicate\""),
                "{said}"
            );
            silent += 1;
        }
    }
    assert!(silent >= 3, "{silent} classes");
}

#[test]
fn towards_an_enemy_a_row_goes_less_than_half_way() {
    let draw = |ratio, half| Draw {
        words: [0, 0, ratio, half],
    };
    let (labels, near) = ([1, 1, 0], [2, 1]);
    let r = step(1, 0, &near, &labels, &draw(u32::MAX, u32::MAX));
    assert!(r.to == 2 && r.ratio < 0.5 && r.ratio > 0.4999, "{r:?}");
    assert_eq!(
        step(1, 0, &near[1..], &labels, &draw(1 << 31, 0)).ratio,
        0.5
    );
    assert_eq!(half_way(0.5, 0.5), 0.125);
    let alone = step(1, 0, &[], &labels, &draw(1 << 31, 0));
    assert_eq!((alone.to, alone.ratio), (0, 0.0));
}
