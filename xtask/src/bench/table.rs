//! The table of a group: a row a piece of work, ours first and each peer with its ratio to ours.

use super::measured::Side;

/// `ours` with its least seconds and share of the peak, each peer with its least seconds and ratio of medians.
pub fn table(title: &str, ours: &Side, peers: &[Side]) -> String {
    let shares = ours.entries.iter().any(|entry| entry.share().is_some());
    let mut head = vec!["seconds".to_owned(), ours.name.clone(), "least".to_owned()];
    head.extend(shares.then(|| "of peak".to_owned()));
    for peer in peers {
        head.extend([peer.name.clone(), "least".to_owned(), "ratio".to_owned()]);
    }
    let mut lines = vec![head];
    for entry in &ours.entries {
        let mut line = vec![
            entry.work.clone(),
            figure(entry.median()),
            figure(entry.least()),
        ];
        let share = entry.share().map(|share| format!("{:.0} %", 100.0 * share));
        line.extend(shares.then(|| share.unwrap_or_default()));
        for peer in peers {
            let other = peer.of(&entry.work);
            let (median, least) = match other {
                Some(other) if other.refused.is_some() => ("refused".to_owned(), String::new()),
                Some(other) => (figure(other.median()), figure(other.least())),
                None => Default::default(),
            };
            let ratio = other.and_then(|other| Some(other.median()? / entry.median()?));
            let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}"));
            line.extend([median, least, ratio]);
        }
        lines.push(line);
    }
    format!("{title}\n{}{}", aligned(&lines), notes(ours, peers))
}

fn figure(seconds: Option<f64>) -> String {
    seconds.map_or_else(String::new, |seconds| match seconds {
        s if s < 1.0 => format!("{s:.4}"),
        s if s < 100.0 => format!("{s:.2}"),
        s => format!("{s:.0}"),
    })
}

/// The first column to the left, the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| lines.iter().filter_map(move |line| line.get(at));
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            width(at)
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let row = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).enumerate();
        let shown: Vec<String> = cells
            .map(|(at, (cell, width))| match at {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        shown.join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(row).collect()
}

/// What each side ran on, and why there is no figure.
fn notes(ours: &Side, peers: &[Side]) -> String {
    let mut out = String::new();
    for side in std::iter::once(ours).chain(peers) {
        if let Some(on) = &side.on {
            out += &format!("{} on {on}\n", side.name);
        }
        for entry in &side.entries {
            if let Some(why) = &entry.refused {
                out += &format!("{} refuses {}: {why}\n", side.name, entry.work);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::measured::Line;
    use super::*;

    fn side(name: &str, lines: &[(&str, Option<f64>, Option<&str>)]) -> Side {
        let mut side = Side::new(name);
        for (work, seconds, refused) in lines {
            side.add(Line {
                work: (*work).to_owned(),
                seconds: *seconds,
                refused: refused.map(str::to_owned),
                ..Line::default()
            });
        }
        side
    }

    #[test]
    fn medians_and_ratios_stand_side_by_side() {
        let ours = side(
            "eos",
            &[
                ("smote", Some(0.1), None),
                ("adasyn", Some(0.2), None),
                ("smote", Some(0.3), None),
                ("smote", Some(0.2), None),
            ],
        );
        let peer = side(
            "imbalanced-learn",
            &[
                ("smote", Some(0.5), None),
                ("adasyn", None, Some("too few rows")),
            ],
        );
        let text = table("methods", &ours, &[peer]);
        let words = |name: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.starts_with(name));
            line.map(|line| line.split_whitespace().collect())
                .unwrap_or_default()
        };
        assert_eq!(
            words("smote"),
            ["smote", "0.2000", "0.1000", "0.5000", "0.5000", "2.5"]
        );
        assert_eq!(words("adasyn"), ["adasyn", "0.2000", "0.2000", "refused"]);
        assert!(
            text.contains("imbalanced-learn refuses adasyn: too few rows"),
            "{text}"
        );
    }

    #[test]
    fn a_share_is_of_the_least_seconds() {
        let mut ours = side("eos", &[("all", Some(0.2), None)]);
        ours.add(Line {
            work: "all".into(),
            seconds: Some(0.1),
            floor: Some(0.05),
            ..Line::default()
        });
        assert!(table("neighbours", &ours, &[]).contains("50 %"));
    }
}
