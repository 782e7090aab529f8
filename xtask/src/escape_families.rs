//! The table of the escape suite's results: a row for each family of attacks, a column for each kernel or peer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result};

/// The result of each attack, by its name.
pub type Verdicts = BTreeMap<String, String>;

/// The line for programs in what `gatekeeper-escapes` printed.
pub fn printed(output: &str) -> Result<Verdicts> {
    let line = output.lines().rev().find_map(|line| line.strip_prefix("escapes: "));
    let list: Vec<serde_json::Value> = serde_json::from_str(line.context("no table was printed")?)?;
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(list.iter().map(|row| (text(row, "attack"), text(row, "verdict"))).collect())
}

/// Attacks by family, and how many of them are blocked in each column.
pub fn table(columns: &[(String, Verdicts)]) -> String {
    let family = |attack: &str| attack.split('/').next().unwrap_or_default().to_owned();
    let families: BTreeSet<String> =
        columns.iter().flat_map(|(_, verdicts)| verdicts.keys().map(|attack| family(attack))).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut table =
        format!("| family | attacks | {} |\n|---|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for wanted in families.iter().map(String::as_str).chain(["all"]) {
        let of = |verdicts: &Verdicts| -> Vec<String> {
            let here = |attack: &&String| wanted == "all" || family(attack) == wanted;
            verdicts.iter().filter(|(attack, _)| here(attack)).map(|(_, verdict)| verdict.clone()).collect()
        };
        let most = columns.iter().map(|(_, verdicts)| of(verdicts).len()).max().unwrap_or(0);
        let cells: Vec<String> = columns.iter().map(|(_, verdicts)| cell(&of(verdicts))).collect();
        let _ = writeln!(table, "| {wanted} | {most} | {} |", cells.join(" | "));
    }
    table
}

/// How many are blocked, and what the others came to.
fn cell(verdicts: &[String]) -> String {
    let count =
        |wanted: &[&str]| verdicts.iter().filter(|verdict| wanted.contains(&verdict.as_str())).count();
    let mut text = count(&["blocked"]).to_string();
    for (number, words) in [
        (count(&["known", "escaped"]), "succeed"),
        (count(&["impossible"]), "not possible there"),
        (count(&["broken"]), "unproved"),
    ] {
        if number > 0 {
            let _ = write!(text, ", {number} {words}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_counts_its_own() {
        let output = "x\nescapes: [{\"attack\":\"file/a\",\"verdict\":\"blocked\"},{\"attack\":\"net/b\",\"verdict\":\"escaped\"}]\n";
        let one = printed(output).unwrap();
        let other = printed(&output.replace("escaped", "impossible")).unwrap();
        let table = table(&[("6.1".to_owned(), one), ("7.3".to_owned(), other)]);
        assert!(table.contains("| file | 1 | 1 | 1 |\n"), "{table}");
        assert!(table.contains("| net | 1 | 0, 1 succeed | 0, 1 not possible there |\n"), "{table}");
        assert!(table.contains("| all | 2 | 1, 1 succeed | 1, 1 not possible there |\n"), "{table}");
        assert!(printed("nothing").is_err());
    }
}
