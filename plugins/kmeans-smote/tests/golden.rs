//! k-means SMOTE against imbalanced-learn: with the peer's clusters, the places, sparsities and
//! weights are the peer's.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, numbers, rows_of};
use eos_plugin_kmeans_smote::{
    Part, auto_exponent, auto_threshold, log_sparsity, look, mean_distance, parts, shares, weights,
};
use serde_json::Value;

/// One class at one threshold.
struct Case<'a> {
    set: &'a Set,
    clusters: &'a [u32],
    k: usize,
    class: u32,
    wanted: u64,
    threshold: f64,
    expect: &'a Value,
}

impl Case<'_> {
    fn mean_distance(&self, part: &Part) -> f64 {
        let (rows, dims) = (&self.set.rows, self.set.dims);
        let views = (0..part.rows.len()).map(|q| look(rows, dims, &part.rows, q, self.k));
        mean_distance(&views.collect::<Vec<_>>())
    }

    fn check(&self) {
        let members = self.set.members(self.class);
        let good: Vec<Part> = parts(&members, self.clusters)
            .into_iter()
            .filter(|part| part.is_eligible(self.threshold, self.k))
            .collect();
        let ids: Vec<u32> = good.iter().map(|part| part.cluster).collect();
        assert_eq!(ids, rows_of(&self.expect["valid_clusters"]));
        let sizes: Vec<usize> = good.iter().map(|part| part.rows.len()).collect();
        let sparsities: Vec<f64> = good
            .iter()
            .map(|part| {
                let n = part.rows.len();
                log_sparsity(self.mean_distance(part), auto_exponent(n), n)
            })
            .collect();
        let close = |got: f64, wanted: f64| {
            assert!((got / wanted - 1.0).abs() < 1e-9, "{got} {wanted}");
        };
        for (got, wanted) in sparsities.iter().zip(numbers(&self.expect["sparsity"])) {
            close(got.exp(), wanted);
        }
        let weights = weights(&sparsities, &sizes);
        for (got, wanted) in weights.iter().zip(numbers(&self.expect["weights"])) {
            close(*got, wanted);
        }
        // The peer rounds each up. One that is a whole number but for rounding is.
        let up: Vec<u32> = weights
            .iter()
            .map(|weight| (weight * self.wanted as f64 - 1e-9).ceil() as u32)
            .collect();
        assert_eq!(up, rows_of(&self.expect["n_per_cluster"]));
        let shares = shares(self.wanted, &weights);
        assert_eq!(shares.iter().sum::<u64>(), self.wanted);
        for (share, up) in shares.iter().zip(up) {
            assert!(*share == u64::from(up) || *share + 1 == u64::from(up));
        }
    }
}

#[test]
fn with_the_peers_clusters_the_weights_are_the_peers() {
    let (mut files, mut cases, mut overshot) = (0, 0, 0);
    for case in golden("kmeans_smote.json") {
        let set = Set::of(&case);
        let clusters = rows_of(&case["expect"]["cluster_labels"]);
        let k = case["params"]["k_neighbors"].as_u64().unwrap() as usize;
        for (name, classes) in case["expect"]["per_threshold"].as_object().unwrap() {
            let classes = classes.as_object().unwrap();
            let wanted = |expect: &Value| expect["n"].as_u64().unwrap();
            let of_all = classes.values().map(wanted).sum();
            for (class, expect) in classes {
                assert!(expect["error"].is_null());
                let wanted = wanted(expect);
                let threshold = name.parse();
                Case {
                    set: &set,
                    clusters: &clusters,
                    k,
                    class: class.parse().unwrap(),
                    wanted,
                    threshold: threshold.unwrap_or(auto_threshold(wanted, of_all)),
                    expect,
                }
                .check();
                let theirs = rows_of(&expect["n_per_cluster"]).iter().sum::<u32>();
                overshot += usize::from(u64::from(theirs) > wanted);
                cases += 1;
            }
        }
        files += 1;
    }
    assert_eq!((files, cases), (4, 21));
    assert!(overshot > 3, "the peer made too many {overshot} times");
}
