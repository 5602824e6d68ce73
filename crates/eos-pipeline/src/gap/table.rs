//! An analysis as plain text.

use super::{Analysis, ByClass, Correlation, Measured, OUTCOMES, OfSet};
use crate::table::Table;

/// A column: a figure of each class, and those of the whole below.
struct Column {
    name: String,
    cells: Vec<String>,
    whole: Vec<String>,
}

/// What stands below columns of gaps.
const GAP: [&str; 4] = ["mean over classes", "sum over dimensions", RHO, P];
/// What stands below other columns.
const FIGURE: [&str; 2] = [RHO, P];
const RHO: &str = "rank correlation with class size";
const P: &str = "p";

/// Tables of the gap of every set, by outcome where a set has a head, of the geometry and the norms of
/// the heads, classes from the largest to the smallest, and what they say in a few sentences.
pub fn render(analysis: &Analysis) -> String {
    let mut out = String::new();
    let mut table = |title: &str, whole: &[&str], columns: Vec<Column>| {
        if !columns.is_empty() {
            out += &section(analysis, title, whole, &columns);
            out.push('\n');
        }
    };
    let sets = &analysis.sets;
    let gaps = |of: &dyn Fn(&OfSet) -> Option<&Measured>| -> Vec<Column> {
        let column = |set: &OfSet| Some(gap(&set.name, of(set)?, false));
        sets.iter().filter_map(column).collect()
    };
    table("generalization gap", &GAP, gaps(&|set| Some(&set.gap)));
    table(
        "gap, equally many rows",
        &GAP,
        gaps(&|set| set.equal_rows.as_ref()),
    );
    for (title, columns) in outcomes(sets) {
        table(&title, &GAP, columns);
    }
    table("geometry", &FIGURE, geometry(analysis));
    let norms = sets.iter().filter_map(|set| {
        let norms = set.head_norms.as_ref()?;
        Some(figure(&set.name, norms, |v| format!("{v:.3}")))
    });
    table("norm of head weights", &FIGURE, norms.collect());
    out + &notes(analysis)
}

fn section(analysis: &Analysis, title: &str, whole: &[&str], columns: &[Column]) -> String {
    let line = |first: String, cell: &dyn Fn(&Column) -> String| -> Vec<String> {
        std::iter::once(first)
            .chain(columns.iter().map(cell))
            .collect()
    };
    let names = line("unseen".to_owned(), &|column| column.name.clone());
    let mut table = Table::new(title, "training", names);
    for c in analysis.largest_first() {
        let cells = line(analysis.test_counts[c].to_string(), &|column| {
            column.cells[c].clone()
        });
        table.class(&analysis.classes[c], analysis.train_counts[c], cells);
    }
    for (at, name) in whole.iter().enumerate() {
        table.whole(
            name,
            line(String::new(), &|column| column.whole[at].clone()),
        );
    }
    table.text()
}

/// Columns by outcome: those of a single head side by side, else those of all heads for each outcome.
fn outcomes(sets: &[OfSet]) -> Vec<(String, Vec<Column>)> {
    let with_head: Vec<_> = sets
        .iter()
        .filter_map(|set| {
            let by = set.by_outcome.as_ref()?;
            Some((
                set,
                [&by.true_positives, &by.false_negatives, &by.false_positives],
            ))
        })
        .collect();
    if let [(_, by)] = with_head[..] {
        let columns = OUTCOMES
            .iter()
            .zip(by)
            .map(|(name, of)| gap(name, of, true));
        return vec![("gap by outcome (rows)".to_owned(), columns.collect())];
    }
    let of_outcome = |(at, outcome): (usize, &&str)| {
        let columns = with_head
            .iter()
            .map(|(set, by)| gap(&set.name, by[at], true));
        (format!("gap of {outcome} (rows)"), columns.collect())
    };
    OUTCOMES.iter().enumerate().map(of_outcome).collect()
}

fn geometry(analysis: &Analysis) -> Vec<Column> {
    let of = &analysis.geometry;
    let length = |v: f64| format!("{v:.4}");
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    vec![
        figure("shift of mean", &of.shift, length),
        plain("by chance", &of.shift_by_chance, length),
        figure("shift / spread", &of.relative_shift, |v| format!("{v:.3}")),
        figure("to global mean", &of.towards_global_mean, percent),
        plain("by chance", &of.towards_by_chance, percent),
        figure("spread ratio", &of.spread_ratio, |v| format!("{v:.3}")),
    ]
}

fn gap(name: &str, of: &Measured, rows: bool) -> Column {
    let figure = |v: f64| told(v, |v| format!("{v:.4}"));
    let cell = |(gap, count): (&f64, &usize)| match rows {
        true => format!("{} ({count})", figure(*gap)),
        false => figure(*gap),
    };
    let [rho, p] = correlation(of.correlation);
    Column {
        name: name.to_owned(),
        cells: of.gap.per_class.iter().zip(&of.rows).map(cell).collect(),
        whole: vec![figure(of.gap.mean), figure(of.gap.sum), rho, p],
    }
}

fn figure(name: &str, of: &ByClass, shown: impl Fn(f64) -> String) -> Column {
    Column {
        whole: correlation(of.correlation).to_vec(),
        ..plain(name, &of.per_class, shown)
    }
}

/// A figure without a correlation.
fn plain(name: &str, per_class: &[f64], shown: impl Fn(f64) -> String) -> Column {
    Column {
        name: name.to_owned(),
        cells: per_class.iter().map(|v| told(*v, &shown)).collect(),
        whole: vec![String::new(); FIGURE.len()],
    }
}

fn correlation(found: Option<Correlation>) -> [String; 2] {
    match found {
        None => [MISSING.to_owned(), MISSING.to_owned()],
        Some(found) => [format!("{:+.3}", found.rho), probability(found.p)],
    }
}

/// A figure that is not there.
const MISSING: &str = "—";

fn told(value: f64, shown: impl Fn(f64) -> String) -> String {
    if value.is_nan() {
        MISSING.to_owned()
    } else {
        shown(value)
    }
}

fn probability(p: f64) -> String {
    match p {
        _ if p < 1e-12 => "< 1e-12".to_owned(),
        _ if p < 1e-3 => format!("{p:.1e}"),
        _ => format!("{p:.3}"),
    }
}

/// The usual level: a p above it is no clear relation.
const LEVEL: f64 = 0.05;

fn notes(analysis: &Analysis) -> String {
    let first = &analysis.sets[0];
    let mut lines = vec![format!("All rows: {}.", relation(&first.gap))];
    lines.push(match (&first.equal_rows, &analysis.subsets) {
        (Some(equal), Some(subsets)) => format!(
            "Equally many rows ({} training and {} unseen of each class, mean of {} draws): {}.",
            subsets.train_rows,
            subsets.test_rows,
            subsets.draws,
            relation(equal)
        ),
        _ => {
            "Few rows span less than many, whatever the network does: --equal-rows measures every \
              class with the same number."
                .to_owned()
        }
    });
    lines.push(match analysis.quantile {
        0.0 => "Ranges are from the least to the greatest value.".to_owned(),
        q => format!("Ranges are from quantile {q} to quantile {}.", 1.0 - q),
    });
    lines.push(
        match first.gap.correlation {
            Some(found) if !found.exact => {
                "Correlations are Spearman's, p two-sided by Student's t."
            }
            _ => "Correlations are Spearman's, p two-sided over all orders of the classes.",
        }
        .to_owned(),
    );
    lines.push(
        "Geometry is that of the unseen rows against the training rows; \"by chance\" is what so few \
         rows give where nothing moves."
            .to_owned(),
    );
    lines.join("\n") + "\n"
}

/// What the correlation of a gap with class size says.
fn relation(of: &Measured) -> String {
    let Some(found) = of.correlation else {
        return "no correlation, as sizes or gaps are all equal".to_owned();
    };
    let words = match (found.p <= LEVEL, found.rho < 0.0) {
        (true, true) => "smaller classes have the wider gap",
        (true, false) => "larger classes have the wider gap",
        (false, _) => "no clear relation of gap and class size",
    };
    let p = probability(found.p);
    format!("{words} (rank correlation {:+.3}, p {p})", found.rho)
}
