//! Sets that tempt a search to be wrong, and the comparison with the plain definition. Shared by the emulator's tests and
//! the GPU check.

use eos_cuda::{CudaBackend, FirstPass, Proven, ScoreError};
use eos_tensor::{Backend, Classes, PhiloxRng, Recipe, Rows, exact};

/// How the values of a set come about.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Uniform in [0, 1).
    Uniform,
    /// Uniform, 100 from the origin.
    Far,
    /// Whole numbers below 3: many equal distances.
    Grid,
    /// Every row ten times.
    Duplicates,
    /// All rows equal.
    Equal,
    /// Tight clusters, one a class.
    Clusters,
    /// All but one column constant.
    Constant,
    /// Below the least normal number.
    Subnormal,
    /// Up to 10¹⁸: squares leave f32.
    Huge,
}

/// A set and what is asked about it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub kind: Kind,
    pub n: usize,
    pub dims: usize,
    pub classes: u32,
    pub k: usize,
    /// Every so-manieth row is a query.
    pub every: usize,
}

const fn case(kind: Kind, n: usize, dims: usize, classes: u32, k: usize, every: usize) -> Case {
    Case {
        kind,
        n,
        dims,
        classes,
        k,
        every,
    }
}

/// Small enough for the emulator.
pub const SMALL: &[Case] = &[
    case(Kind::Uniform, 1000, 64, 3, 10, 7),
    case(Kind::Uniform, 1201, 13, 4, 40, 30),
    case(Kind::Uniform, 700, 30, 2, 300, 40),
    case(Kind::Uniform, 1400, 3, 2, 1024, 200),
    case(Kind::Uniform, 12, 8, 2, 10, 1),
    case(Kind::Uniform, 1, 5, 1, 3, 1),
    case(Kind::Uniform, 300, 1, 40, 10, 3),
    case(Kind::Uniform, 150, 600, 3, 5, 11),
    case(Kind::Far, 600, 64, 3, 10, 12),
    case(Kind::Grid, 900, 6, 5, 10, 15),
    case(Kind::Duplicates, 800, 16, 2, 25, 20),
    case(Kind::Equal, 500, 9, 3, 10, 25),
    case(Kind::Clusters, 900, 20, 6, 12, 11),
    case(Kind::Constant, 400, 33, 2, 10, 19),
    case(Kind::Subnormal, 300, 17, 2, 10, 14),
    case(Kind::Huge, 300, 17, 2, 10, 14),
];

/// Numbers from 1 down that no two classes share evenly: the last is rare.
fn labels(case: &Case) -> Vec<u32> {
    let mut random = PhiloxRng::new(3, 5, 7);
    let label = |_| {
        let a = random.below(case.classes);
        // Labels with gaps: they are names, not indices.
        5 + 3 * a.min(random.below(case.classes))
    };
    (0..case.n).map(label).collect()
}

fn data(case: &Case, labels: &[u32]) -> Vec<f32> {
    let mut random = PhiloxRng::new(1, 2, 3);
    let mut data = Vec::with_capacity(case.n * case.dims);
    for row in 0..case.n {
        for column in 0..case.dims {
            let unit = random.unit();
            data.push(match case.kind {
                Kind::Uniform => unit,
                Kind::Far => 100.0 + unit,
                Kind::Grid => (unit * 3.0).floor(),
                Kind::Duplicates if row % 10 != 0 => data[(row - row % 10) * case.dims + column],
                Kind::Duplicates => unit,
                Kind::Equal => 0.3 + column as f32,
                Kind::Clusters => {
                    ((labels[row] * 31 + column as u32 * 17) % 11) as f32 + 1e-3 * unit
                }
                Kind::Constant => match column {
                    0 => unit,
                    _ => 7.25,
                },
                Kind::Subnormal => unit * 1e-39,
                Kind::Huge => (unit - 0.5) * 1e18,
            });
        }
    }
    data
}

/// What the queries of a case took, summed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Took {
    pub queries: usize,
    pub proven: Proven,
}

impl Took {
    /// Counts another case.
    pub fn add(&mut self, more: Self) {
        self.queries += more.queries;
        self.proven.first += more.proven.first;
        self.proven.direct += more.proven.direct;
        self.proven.exact += more.proven.exact;
    }
}

/// Compares a backend with the plain definition, for all three class filters.
pub fn check(backend: &CudaBackend, case: &Case) -> Result<Took, String> {
    let labels = labels(case);
    let data = data(case, &labels);
    let rows = Rows::new(&data, case.dims).map_err(|e| e.to_string())?;
    // From the end, and one twice.
    let mut queries: Vec<u32> = (0..case.n as u32).rev().step_by(case.every).collect();
    queries.push(queries[0]);
    let search = backend.searching(rows, &labels);
    let mut took = Took::default();
    for classes in [Classes::Any, Classes::Same, Classes::Other] {
        let (found, proven) = search
            .proven(&queries, case.k, classes)
            .map_err(|e| e.to_string())?;
        let wanted = exact::neighbours(rows, &labels, &queries, case.k, classes)
            .map_err(|e| e.to_string())?;
        took.add(Took {
            queries: queries.len(),
            proven,
        });
        if proven.first + proven.direct + proven.exact != queries.len() {
            return Err(format!(
                "{case:?}, {classes:?}: {proven:?} of {}",
                queries.len()
            ));
        }
        for slot in 0..found.index.len() {
            let got = (found.index[slot], found.distance[slot].to_bits());
            let want = (wanted.index[slot], wanted.distance[slot].to_bits());
            if got != want {
                let (query, place) = (queries[slot / case.k], slot % case.k);
                return Err(format!(
                    "{case:?}, {classes:?}: query {query}, place {place}: row and bits {got:?}, not {want:?}"
                ));
            }
        }
    }
    Ok(took)
}

/// The greatest error of a form's scores beside what its certificate allows, over the cases.
pub fn score_errors(backend: &CudaBackend) -> Result<ScoreError, String> {
    let mut greatest = ScoreError {
        scores: 0,
        measured: 0.0,
        allowed: f64::INFINITY,
    };
    for case in SMALL.iter().filter(|case| !matches!(case.kind, Kind::Huge)) {
        let labels = labels(case);
        let data = data(case, &labels);
        let rows = Rows::new(&data, case.dims).map_err(|e| e.to_string())?;
        let queries: Vec<u32> = (0..case.n as u32).step_by(case.every).collect();
        let search = backend.searching(rows, &labels);
        let error = search
            .score_error(&queries, case.k)
            .map_err(|e| e.to_string())?;
        if error.measured > error.allowed {
            return Err(format!("{case:?}: {error:?}"));
        }
        // The case in which most of what is allowed is used.
        greatest.scores += error.scores;
        if error.measured / error.allowed >= greatest.measured / greatest.allowed {
            (greatest.measured, greatest.allowed) = (error.measured, error.allowed);
        }
    }
    Ok(greatest)
}

/// Compares interpolation with the plain definition.
pub fn check_interpolation(backend: &CudaBackend, dims: usize, m: usize) -> Result<(), String> {
    let mut random = PhiloxRng::new(9, 8, 7);
    let n = 300;
    let data: Vec<f32> = (0..n * dims).map(|_| random.normal()).collect();
    let rows = Rows::new(&data, dims).map_err(|e| e.to_string())?;
    let mut row = || random.below(n as u32);
    let recipe: Vec<Recipe> = (0..m)
        .map(|_| Recipe {
            label: 0,
            base: row(),
            from: row(),
            to: row(),
            ratio: row() as f32 / 211.0,
        })
        .collect();
    let (mut got, mut wanted) = (vec![f32::NAN; m * dims], vec![0.0; m * dims]);
    let making = backend.interpolation(rows);
    // In two calls: the second finds the rows on the card.
    let half = m / 2;
    let (first, second) = got.split_at_mut(half * dims);
    let made = making
        .interpolate(&recipe[..half], first)
        .and_then(|()| making.interpolate(&recipe[half..], second));
    made.map_err(|e| e.to_string())?;
    exact::interpolate(rows, &recipe, &mut wanted).map_err(|e| e.to_string())?;
    let same = got
        .iter()
        .zip(&wanted)
        .all(|(a, b)| a.to_bits() == b.to_bits());
    same.then_some(())
        .ok_or(format!("{m} rows of {dims} values differ"))
}

/// Every form of the first pass.
pub const FORMS: [FirstPass; 4] = [
    FirstPass::Tf32,
    FirstPass::Tf32x3,
    FirstPass::Expanded,
    FirstPass::Direct,
];
