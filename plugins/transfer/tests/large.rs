//! Many samples: in order, the same on any number of threads, and stopped when asked to.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::Set;
use contract::{check, sample_on};
use eos_plugin_transfer::ENTRY;
use eos_registry::{Plugin, Request, Services};
use eos_tensor::CpuBackend;
use eos_tensor::philox::{Philox, below};
use std::time::{Duration, Instant};

fn set() -> Set {
    Set {
        rows: (0..600).map(|i| (i as f32).sin()).collect(),
        dims: 3,
        labels: (0..200).map(|i| u32::from(i >= 150)).collect(),
    }
}

/// More than are held at once: 2¹⁶.
#[test]
fn the_last_of_many_samples_reads_its_own_words() {
    let (set, words) = (set(), Philox::new(7));
    let wanted = vec![0, 150_001];
    let made = check(&ENTRY, &(set, wanted), "", |_, _| true);
    let recipes = made.recipe.unwrap();
    for i in [0, 511, 512, 65_535, 65_536, 131_072, 150_000] {
        let base = 150 + below(words.block(i, 1, 0)[0], 50);
        assert_eq!(recipes[i as usize].base, base, "sample {i}");
    }
}

#[test]
fn it_stops_within_a_second_of_being_asked_to() {
    let set = set();
    let request = Request {
        rows: set.view(),
        labels: &set.labels,
        wanted: &[0, 5_000_000],
        seed: 7,
        params: &"t = 500".parse().unwrap(),
    };
    let mut asked = None;
    let services = &mut Services {
        backend: &CpuBackend::new(),
        threads: 2,
        progress: &mut |done, _| {
            asked = (done > 0).then(Instant::now).or(asked);
            done == 0
        },
    };
    let stopped = Plugin::from_entry(&ENTRY)
        .unwrap()
        .sample(&request, services);
    assert!(stopped.unwrap_err().to_string().contains("cancelled"));
    assert!(asked.unwrap().elapsed() < Duration::from_secs(1));
    assert!(sample_on(1, &ENTRY, &set, &[0, 3], "").is_ok());
}
