//! One support vector machine for each pair of classes, as libsvm divides several classes.

use crate::kernel::{Kernel, LANES, Scale, gamma};
use crate::smo::{Machine, Problem, Solution, solve};
use eos_plugin::{Dataset, Error, Host, Members, Poll};

/// Elementary operations from which on a kernel row is worth the start of threads, a millisecond.
const WORTH_THREADS: u64 = 1 << 21;

/// What the machines are fitted with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// C, the cost of a row on the wrong side of the margin.
    pub cost: f64,
    /// γ of the kernel; 0 for [`gamma`].
    pub gamma: f64,
    /// By how much the conditions of optimality may be missed.
    pub tolerance: f64,
    /// Bytes for rows of kernel matrices, over all machines that run at once.
    pub cache: usize,
}

/// Which rows are support vectors of any machine between a class that wants rows and another.
pub(crate) fn support(
    data: &Dataset<'_>,
    members: &Members,
    host: &Host<'_>,
    settings: &Settings,
) -> Result<Vec<bool>, Error> {
    let (values, dims) = (data.rows(), data.dims());
    let gamma = match settings.gamma {
        0.0 => gamma(values, dims),
        given => given,
    };
    let scale = Scale::new(values, dims, gamma);
    let pairs = pairs(data, members);
    let fit = |i: usize, run: &mut dyn FnMut(&Pair, &Problem<'_>) -> Result<Solution, Error>| {
        let pair = Pair::new(data, members, &scale, pairs[i]);
        let problem = Problem {
            signs: &pair.signs,
            cost: settings.cost,
            tolerance: settings.tolerance,
            cache: settings.cache,
        };
        Ok(pair.support(&run(&pair, &problem)?))
    };
    let found = if pairs.len() >= host.threads() {
        let share = settings.cache / host.threads();
        host.parallel_polled(pairs.len(), |i, poll| {
            fit(i, &mut |pair, problem| {
                let problem = Problem {
                    cache: share,
                    ..*problem
                };
                solve(&problem, &mut Alone { pair, poll })
            })
        })?
    } else {
        let all = (0..pairs.len()).map(|i| {
            fit(i, &mut |pair, problem| {
                solve(problem, &mut Shared { pair, host })
            })
        });
        all.collect::<Result<_, Error>>()?
    };
    let mut support = vec![false; data.len()];
    for (pair, (rows, converged)) in pairs.iter().zip(found) {
        if !converged {
            host.warn(&format!(
                "the support vector machine of classes {} and {} stopped before its tolerance of \
                 {}; a lower c or a higher tolerance ends sooner",
                pair.0, pair.1, settings.tolerance
            ));
        }
        rows.iter().for_each(|&row| support[row as usize] = true);
    }
    Ok(support)
}

/// The pairs of classes with rows of which one wants more, the largest first: whatever is left at
/// the end of a parallel run is small then.
fn pairs(data: &Dataset<'_>, members: &Members) -> Vec<(u32, u32)> {
    let classes = 0..data.classes() as u32;
    let classes: Vec<u32> = classes.filter(|&c| !members.of(c).is_empty()).collect();
    let wants = |c: u32| data.wanted()[c as usize] > 0;
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (at, &a) in classes.iter().enumerate() {
        let others = classes[at + 1..].iter();
        pairs.extend(others.filter(|&&b| wants(a) || wants(b)).map(|&b| (a, b)));
    }
    pairs.sort_by_key(|&(a, b)| std::cmp::Reverse(members.of(a).len() + members.of(b).len()));
    pairs
}

/// The rows of two classes.
struct Pair {
    rows: Vec<u32>,
    signs: Vec<f64>,
    kernel: Kernel,
}

impl Pair {
    fn new(data: &Dataset<'_>, members: &Members, scale: &Scale, (a, b): (u32, u32)) -> Self {
        let (first, second) = (members.of(a), members.of(b));
        let rows = [first, second].concat();
        let mut signs = vec![1.0; first.len()];
        signs.resize(rows.len(), -1.0);
        Self {
            kernel: Kernel::new(data.rows(), data.dims(), scale, &rows),
            rows,
            signs,
        }
    }

    fn width(&self) -> usize {
        self.kernel.panels() * LANES
    }

    fn effort(&self) -> u64 {
        self.width() as u64 * (self.kernel.dims() as u64 + 8)
    }

    /// Row numbers of the support vectors, and whether the solution is one.
    fn support(&self, solution: &Solution) -> (Vec<u32>, bool) {
        let rows = self.rows.iter().zip(&solution.alpha);
        let rows = rows.filter(|(_, alpha)| **alpha > 0.0).map(|(row, _)| *row);
        (rows.collect(), solution.converged)
    }
}

/// A machine that has one thread, beside others.
struct Alone<'a, 'p> {
    pair: &'a Pair,
    poll: &'a mut Poll<'p>,
}

impl Machine for Alone<'_, '_> {
    fn width(&self) -> usize {
        self.pair.width()
    }

    fn effort(&self) -> u64 {
        self.pair.effort()
    }

    fn fill(&mut self, q: usize, out: &mut [f32]) -> Result<(), Error> {
        let kernel = &self.pair.kernel;
        kernel.fill(q, 0..kernel.panels(), out);
        Ok(())
    }

    fn check(&mut self) -> Result<(), Error> {
        self.poll.check()
    }
}

/// A machine that has all threads for its kernel rows.
struct Shared<'a, 'h> {
    pair: &'a Pair,
    host: &'a Host<'h>,
}

impl Machine for Shared<'_, '_> {
    fn width(&self) -> usize {
        self.pair.width()
    }

    fn effort(&self) -> u64 {
        self.pair.effort()
    }

    fn fill(&mut self, q: usize, out: &mut [f32]) -> Result<(), Error> {
        let kernel = &self.pair.kernel;
        let threads = self.host.threads();
        if threads == 1 || self.effort() < WORTH_THREADS {
            kernel.fill(q, 0..kernel.panels(), out);
            return Ok(());
        }
        let part = kernel.panels().div_ceil(threads);
        let parts = self.host.parallel(threads, |i| {
            let panels = (i * part).min(kernel.panels())..((i + 1) * part).min(kernel.panels());
            let mut kernels = vec![0.0; panels.len() * LANES];
            kernel.fill(q, panels, &mut kernels);
            Ok(kernels)
        })?;
        out.copy_from_slice(&parts.concat());
        Ok(())
    }

    fn check(&mut self) -> Result<(), Error> {
        self.host.check()
    }
}
