//! k-means SMOTE (Last, Douzas, Bacao 2018): rows are made inside clusters that the class has
//! ground in, and most where its rows lie far apart.
//!
//! All rows are divided into clusters by k-means. A class is made in the clusters of which it has
//! the share `balance-threshold` at least and where it has more than k rows. With its n rows there,
//! of mean distance d to each other, a cluster's sparsity is dᵉ / n, e = `density-exponent`; the
//! wanted rows are divided among the clusters in proportion to it. In a cluster a base is drawn
//! uniformly among the n rows, then one of its k nearest among them, then a ratio r in [0, 1):
//! `base + r · (mate − base)`.
//!
//! Differences from imbalanced-learn 0.14, whose `KMeansSMOTE` this follows, each with a test:
//! - Exactly the wanted rows are made: shares are rounded to the largest remainders, ties to the
//!   lower cluster. The peer rounds each up and so makes too many.
//! - Equal rows are no end: the peer fails where all of a class's rows in its clusters are equal.
//!   Such clusters are weighted by 1 / n here.
//! - A class without such a cluster goes by `no-cluster`, where the peer stops.
//! - The rows of a class in a cluster are counted. The peer multiplies the class's share with the
//!   cluster's size again, which may round below the rows that there are.
//! - A row's neighbours are all but itself. The peer leaves out the nearest of them, which is
//!   another row where rows are equal.
//! - The clusters come from k-means++ and full iterations until nothing changes, not from
//!   mini-batches, and are the same for every number of threads.

mod kmeans;
mod near;
mod weights;

pub use near::{View, look, mean_distance};
pub use weights::{Part, auto_exponent, auto_threshold, log_sparsity, parts, shares, weights};

use eos_plugin::{
    Classes, Dataset, Draw, Error, GrowingClass, Host, Oversampler, Recipe, Sink, SmallClass,
    choice, export_oversampler, params,
};

/// Samples drawn between two reports of progress.
const SAMPLES_A_REPORT: u64 = 1 << 14;

choice! {
    /// What to do with a class that has ground in no cluster.
    #[derive(PartialEq, Eq)]
    pub enum NoCluster {
        /// Take the whole class for one cluster, which is SMOTE.
        Class = "class",
        /// Refuse, as imbalanced-learn does.
        Error = "error",
    }
}

params! {
    /// Parameters of [`KMeansSmote`].
    pub struct Params {
        k: int = 2, min 1, "neighbours of the same class and cluster to draw from";
        clusters: int = 8, min 1, max 65536, "clusters to divide all rows into";
        balance_threshold: float = -1.0, min -1.0, max 1.0, "least share of a cluster; below 0: half of the class's share of all rows wanted";
        density_exponent: float = -1.0, min -1.0, "of the mean distance; below 0: 0.16 * log1.6(n)^1.8";
        iterations: int = 300, min 1, max 1000000, "of k-means at most";
        no_cluster: choice(NoCluster) = "class", "for a class that has ground in no cluster";
        small_class: choice(SmallClass) = "shrink-k", "what no-cluster = class does with k rows or fewer";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct KMeansSmote {
    params: Params,
    k: usize,
}

impl Oversampler for KMeansSmote {
    const ID: &'static str = "kmeans-smote";
    const SUMMARY: &'static str = "interpolates within clusters, most where a class is sparse";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let k = usize::try_from(params.k).unwrap_or(usize::MAX);
        Ok(Self { params, k })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        if data.wanting().next().is_none() {
            return Ok(());
        }
        let (clusters, iterations) = (self.params.clusters, self.params.iterations);
        let clusters = kmeans::cluster(data, host, clusters as usize, iterations as usize)?;
        let (members, rng) = (data.members(), host.rng()?);
        let total = data.wanted().iter().sum();
        for (label, wanted) in data.wanting() {
            let class = GrowingClass {
                method: "k-means SMOTE",
                label,
                rows: members.of(label).len(),
                wanted,
            };
            let places = self.places(data, host, &class, parts(members.of(label), &clusters))?;
            let mut sample = 0;
            for (place, share) in places {
                for _ in 0..share {
                    if sample % SAMPLES_A_REPORT == 0 {
                        host.progress(total - out.room(), total)?;
                    }
                    out.push(place.recipe(label, rng.draw(label, sample)))?;
                    sample += 1;
                }
            }
        }
        Ok(())
    }
}

/// Rows among which a class is made.
struct Place {
    rows: Vec<u32>,
    views: Vec<View>,
}

impl Place {
    fn new(data: &Dataset<'_>, host: &Host<'_>, rows: Vec<u32>, k: usize) -> Result<Self, Error> {
        let (values, dims) = (data.rows(), data.dims());
        let views = host.parallel(rows.len(), |q| Ok(look(values, dims, &rows, q, k)))?;
        Ok(Self { rows, views })
    }

    /// A whole class. Nobody asks for its distances.
    fn whole(members: &[u32], k: usize, host: &Host<'_>) -> Result<Self, Error> {
        let near = (k > 0).then(|| host.neighbours(members, k, Classes::Same));
        let near = near.transpose()?;
        let view = |q| View {
            distances: 0.0,
            nearest: near.as_ref().map_or(Vec::new(), |near| near.of(q).to_vec()),
        };
        Ok(Self {
            rows: members.to_vec(),
            views: (0..members.len()).map(view).collect(),
        })
    }

    /// Of the drawn base towards the drawn one of its neighbours; the base again where it has
    /// none.
    fn recipe(&self, label: u32, draw: Draw) -> Recipe {
        let q = draw.base(self.rows.len());
        let base = self.rows[q];
        let mates = &self.views[q].nearest;
        let mate = mates.get(draw.neighbour(mates.len()));
        Recipe {
            label,
            base,
            from: base,
            to: mate.copied().unwrap_or(base),
            ratio: mate.map_or(0.0, |_| draw.ratio()),
        }
    }
}

impl KMeansSmote {
    /// Where a class is made, and how many of its rows in each place.
    fn places(
        &self,
        data: &Dataset<'_>,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        parts: Vec<Part>,
    ) -> Result<Vec<(Place, u64)>, Error> {
        let threshold = match self.params.balance_threshold {
            auto if auto < 0.0 => auto_threshold(class.wanted, data.wanted().iter().sum()),
            given => given,
        };
        let good: Vec<Part> = parts
            .into_iter()
            .filter(|part| part.is_eligible(threshold, self.k))
            .collect();
        if good.is_empty() {
            let k = self.without_cluster(host, class, threshold)?;
            let all = Place::whole(data.members().of(class.label), k, host)?;
            return Ok(vec![(all, class.wanted)]);
        }
        let places = good.into_iter();
        let places: Vec<Place> = places
            .map(|part| Place::new(data, host, part.rows, self.k))
            .collect::<Result<_, Error>>()?;
        let sparsity = |place: &Place| {
            let n = place.rows.len();
            let exponent = match self.params.density_exponent {
                auto if auto < 0.0 => auto_exponent(n),
                given => given,
            };
            log_sparsity(mean_distance(&place.views), exponent, n)
        };
        let sparsities: Vec<f64> = places.iter().map(sparsity).collect();
        let sizes: Vec<usize> = places.iter().map(|place| place.rows.len()).collect();
        let shares = shares(class.wanted, &weights(&sparsities, &sizes));
        Ok(places.into_iter().zip(shares).collect())
    }

    /// Neighbours to draw from where the whole class is one cluster. Says so, or refuses.
    fn without_cluster(
        &self,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        threshold: f64,
    ) -> Result<usize, Error> {
        let (label, wanted, k) = (class.label, class.wanted, self.k);
        let why = format!(
            "class {label}: in none of the clusters it has a share of {threshold:.3} and more than \
             {k} rows"
        );
        if self.params.no_cluster == NoCluster::Error {
            return Err(Error::failed(format_args!(
                "{why} (no-cluster = \"error\"); lower balance-threshold or k, change clusters, \
                 or set no-cluster to \"class\""
            )));
        }
        host.note(&format!(
            "{why}: its {wanted} synthetic rows were interpolated within the whole class \
             (no-cluster = \"class\")"
        ));
        self.params.small_class.neighbours_of(host, class, k)
    }
}

export_oversampler!(KMeansSmote);
