//! The table of a comparison: plain text, Markdown and CSV.

use super::summary::{ComparisonSummary, Line, Spread};
use crate::table::columns;
use std::fmt::Write as _;

/// Metrics: name, what is shown, whether more is better.
pub(crate) type Metric = (&'static str, fn(&Line) -> &Spread, bool);
pub(crate) const METRICS: [Metric; 6] = [
    ("BAC", |line| &line.bac, true),
    ("three rarest", |line| &line.rare_recall, true),
    ("macro-F1", |line| &line.macro_f1, true),
    ("G-mean", |line| &line.g_mean, true),
    ("G-mean (macro)", |line| &line.g_mean_macro, true),
    ("gap", |line| &line.gap, false),
];

impl ComparisonSummary {
    /// A line a loss and method: figures in per cent but for the gap, the best of each column marked with `*`.
    pub fn table(&self) -> String {
        let mut lines = vec![self.header()];
        lines.extend(
            self.lines
                .iter()
                .map(|line| self.cells(line, |cell| cell + "*")),
        );
        columns(&lines, 2)
    }

    fn header(&self) -> Vec<String> {
        let metrics = METRICS.iter().map(|(name, ..)| *name);
        let names = ["loss", "method"].into_iter().chain(metrics).chain([
            "BAC vs baseline [95 %]",
            "seconds",
            "MiB",
        ]);
        names.map(str::to_owned).collect()
    }

    fn cells(&self, line: &Line, mark: impl Fn(String) -> String) -> Vec<String> {
        let mut cells = vec![line.loss.clone(), line.method.clone()];
        for (at, (_, figure, _)) in METRICS.iter().enumerate() {
            let cell = shown(at, figure(line));
            cells.push(match self.is_best(at, line) {
                true => mark(cell),
                false => cell,
            });
        }
        cells.push(difference(line));
        cells.push(format!("{:.1}", line.cost.seconds()));
        let memory = line.cost.peak_memory_bytes;
        cells.push(memory.map_or("—".to_owned(), |bytes| (bytes >> 20).to_string()));
        cells
    }

    /// Whether a line's figure, as it is shown, is the best of its column.
    pub(crate) fn is_best(&self, metric: usize, line: &Line) -> bool {
        let (_, figure, more) = METRICS[metric];
        let rounded = |line: &Line| (figure(line).mean * 1e4).round() as i64;
        let all = self.lines.iter().map(rounded);
        let best = if more { all.max() } else { all.min() };
        best == Some(rounded(line)) && self.lines.len() > 1
    }
}

/// A figure with its deviation: in per cent, but for the gap.
pub(crate) fn shown(metric: usize, spread: &Spread) -> String {
    let (factor, digits) = if METRICS[metric].0 == "gap" {
        (1.0, 4)
    } else {
        (100.0, 2)
    };
    let mean = format!("{:.digits$}", factor * spread.mean);
    match spread.deviation {
        Some(deviation) => format!("{mean} ± {:.digits$}", factor * deviation),
        None => mean,
    }
}

/// The difference to the baseline in points, with its interval.
pub(crate) fn difference(line: &Line) -> String {
    match &line.difference {
        None => "baseline".to_owned(),
        Some(d) => {
            let [mean, low, high] = [d.mean, d.low, d.high].map(|v| format!("{:+.2}", 100.0 * v));
            format!("{mean} [{low}, {high}]")
        }
    }
}

/// The same table in Markdown, the best in bold.
pub(crate) fn markdown(summary: &ComparisonSummary) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let header = summary.header();
    let rule: Vec<String> = (0..header.len())
        .map(|at| if at < 2 { "---" } else { "--:" }.to_owned())
        .collect();
    let mut text = row(&header) + &row(&rule);
    for line in &summary.lines {
        text += &row(&summary.cells(line, |cell| format!("**{cell}**")));
    }
    let seeds: Vec<String> = summary.seeds.iter().map(u64::to_string).collect();
    let of = match seeds.len() {
        1 => "Seed",
        _ => "Mean ± standard deviation over seeds",
    };
    let _ = write!(
        text,
        "\n{of} {}; baseline {}; intervals by paired bootstrap over the {} {} rows.\n",
        seeds.join(", "),
        summary.baseline,
        summary.setting.test_rows,
        summary.setting.measured_on
    );
    text
}

/// Every figure, a row a loss and method: shares in [0, 1], seconds, bytes; recalls and gaps by class last.
pub(crate) fn csv(summary: &ComparisonSummary) -> String {
    let mut text = "loss,method,place,seeds,added".to_owned();
    for (name, ..) in METRICS {
        let name = name
            .to_lowercase()
            .replace([' ', '-'], "_")
            .replace(['(', ')'], "");
        let _ = write!(text, ",{name},{name}_deviation");
    }
    text += ",difference,difference_low,difference_high,network_seconds,sample_seconds,head_seconds,\
             network_parameters,network_steps,extra_parameters,extra_steps,peak_memory_bytes";
    for what in ["recall", "gap", "head_norm"] {
        for class in &summary.setting.classes {
            text += &quoted(&format!("{what} {class}"));
        }
    }
    text.push('\n');
    for line in &summary.lines {
        let _ = write!(
            text,
            "{}{},{},{},{}",
            &quoted(&line.loss)[1..],
            quoted(&line.method),
            line.place,
            line.bac.values.len(),
            line.added
        );
        for (_, figure, _) in METRICS {
            let spread = figure(line);
            let deviation = spread.deviation.map_or(String::new(), |d| d.to_string());
            let _ = write!(text, ",{},{deviation}", spread.mean);
        }
        let _ = match &line.difference {
            Some(d) => write!(text, ",{},{},{}", d.mean, d.low, d.high),
            None => write!(text, ",,,"),
        };
        let cost = &line.cost;
        let _ = write!(
            text,
            ",{:.3},{:.3},{:.3},{},{},{},{},{}",
            cost.network_seconds,
            cost.sample_seconds,
            cost.head_seconds,
            cost.network_parameters,
            cost.network_steps,
            cost.extra_parameters,
            cost.extra_steps,
            cost.peak_memory_bytes
                .map_or(String::new(), |bytes| bytes.to_string())
        );
        for values in [&line.recall, &line.gap_per_class, &line.head_norms] {
            for value in values {
                let _ = write!(text, ",{value}");
            }
        }
        text.push('\n');
    }
    text
}

/// A field behind a comma, in quotes where it needs them.
fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n']) {
        true => format!(",\"{}\"", field.replace('"', "\"\"")),
        false => format!(",{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::summary::summarise;
    use crate::compare::tests::named_outcome;

    fn summary() -> ComparisonSummary {
        let labels = [0, 0, 1, 1];
        let one =
            |method: &str, named: &[u32]| vec![named_outcome("ce", method, 3, &labels, named)];
        let groups = [
            one("as-trained", &[0, 0, 0, 0]),
            one("eos:compat=reference,k=5", &[0, 0, 1, 1]),
        ];
        summarise(&groups, None, Vec::new()).unwrap()
    }

    #[test]
    fn the_best_of_each_column_is_marked() {
        let table = summary().table();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].starts_with("ce    as-trained "), "{table}");
        assert!(
            lines[1].contains(" 50.00  ") && lines[1].contains("baseline"),
            "{table}"
        );
        assert!(
            lines[2].contains("100.00*") && lines[2].contains("+50.00 [+50.00, +50.00]"),
            "{table}"
        );
        let markdown = markdown(&summary());
        assert!(
            markdown.contains("| ce | eos:compat=reference,k=5 | **100.00** |"),
            "{markdown}"
        );
    }

    #[test]
    fn each_row_of_csv_has_as_many_fields_as_the_header() {
        let text = csv(&summary());
        // The one quoted field holds one comma.
        let fields: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!((fields[1], fields[2]), (fields[0], fields[0] + 1), "{text}");
        assert!(
            text.contains("ce,\"eos:compat=reference,k=5\",embedding,1,0,1,,"),
            "{text}"
        );
        assert!(text.starts_with("loss,method,place,seeds,added,bac,bac_deviation,three_rarest,"));
        assert!(text.lines().next().unwrap().contains(",g_mean_macro,"));
    }
}
