//! How many instructions the verifier went through for each program: a committed table, and what has changed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use crate::cmd::cmd;
use crate::{kernels, paths};

const TABLE: &str = "docs/verified.md";

const HEAD: &str = "# Instructions verified\n\n\
    Instructions that the kernel's verifier processes for each program at its load; the limit is 1,000,000.\n\
    `cargo xtask bench -- verify` counts again and shows what has changed since the last commit;\n\
    `cargo xtask bench --write -- verify` writes this table.\n\n\
    The verifier of 7.3 links a register to a copy from which it differs by a constant (kernel/bpf/verifier.c\n\
    `sync_linked_regs`, `BPF_ADD_CONST32`). It does so for 32 bits and for a subtraction, too. Linked states are rarely equal. So\n\
    `state - 1 >= from - 1` in an unrolled walk cost 36,000 instructions for each of the two walks, in 31 programs: three\n\
    times the sum of 6.18. `is_settled` compares negations instead, which the verifier does not link.\n\n";

/// Counts by program, by kernel.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// The counts of one kernel in what `gatekeeper-bench` printed: pairs of name and number after its heading. A
/// long name stands right behind the number before it.
pub fn printed(output: &str) -> BTreeMap<String, u64> {
    let lines = output.lines().skip_while(|line| !line.starts_with("instructions verified")).skip(1);
    let mut counts = BTreeMap::new();
    for line in lines {
        let mut rest = line.trim_start();
        while let Some((name, behind)) = rest.split_once(' ') {
            let behind = behind.trim_start();
            let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            let Ok(count) = behind[..end].parse() else { return counts };
            counts.insert(name.to_owned(), count);
            rest = behind[end..].trim_start();
        }
    }
    counts
}

/// Says what has changed since the last commit; rewrites the table where that is wanted.
pub fn compare(fresh: &BTreeMap<&str, BTreeMap<String, u64>>, write: bool) -> Result<()> {
    let file = paths::root().join(TABLE);
    let committed = cmd("git").args(["show", &format!("HEAD:{TABLE}")]).dir(paths::root()).read();
    let committed = committed.map(|text| read(&text)).unwrap_or_default();
    for (kernel, counts) in fresh {
        let before = |name: &String| committed.get(name)?.get(*kernel).copied();
        print!("{}", changes(kernel, counts, before));
        let gone =
            committed.iter().filter(|(name, on)| on.contains_key(*kernel) && !counts.contains_key(*name));
        gone.for_each(|(name, _)| println!("  {name}: gone"));
    }
    if write {
        let table = fs::read_to_string(&file).map(|text| read(&text)).unwrap_or_default();
        fs::write(&file, spell(&merged(table, fresh))).with_context(|| file.display().to_string())?;
        println!("written: {TABLE}");
    }
    Ok(())
}

/// A line for the kernel, and one for each program that has changed.
fn changes(kernel: &str, counts: &BTreeMap<String, u64>, before: impl Fn(&String) -> Option<u64>) -> String {
    let sum: u64 = counts.values().sum();
    let known: Option<u64> = counts.keys().map(&before).sum();
    let largest = counts.iter().max_by_key(|(_, count)| **count);
    let largest = largest.map(|(name, count)| format!(", most {count} ({name})")).unwrap_or_default();
    let change = known.map_or_else(|| "not all counted before".to_owned(), |old| difference(old, sum));
    let mut text = format!("kernel {kernel}: {sum} instructions verified in all{largest}; {change}\n");
    for (name, count) in counts {
        match before(name) {
            Some(old) if old == *count => {}
            Some(old) => text += &format!("  {name}: {old} → {count}, {}\n", difference(old, *count)),
            None => text += &format!("  {name}: {count}, new\n"),
        }
    }
    text
}

fn difference(old: u64, new: u64) -> String {
    let percent = (new as f64 - old as f64) / (old.max(1) as f64) * 100.0;
    if old == new { "no change".to_owned() } else { format!("{percent:+.1} %") }
}

/// The table with a kernel's column filled afresh: programs that are gone are gone from it.
fn merged(mut table: Counts, fresh: &BTreeMap<&str, BTreeMap<String, u64>>) -> Counts {
    for (kernel, counts) in fresh {
        table.values_mut().for_each(|on| on.retain(|other, _| other != kernel));
        for (name, count) in counts {
            table.entry(name.clone()).or_default().insert((*kernel).to_owned(), *count);
        }
    }
    table.retain(|_, on| !on.is_empty());
    table
}

fn spell(table: &Counts) -> String {
    let columns = kernels::SERIES.map(|series| format!(" {series} |")).concat();
    let mut text = format!("{HEAD}| program |{columns}\n|---|{}\n", "---:|".repeat(kernels::SERIES.len()));
    let mut sums = BTreeMap::<&str, u64>::new();
    for (name, on) in table {
        let _ = write!(text, "| {name} |");
        for series in kernels::SERIES {
            let count = on.get(series);
            *sums.entry(series).or_default() += count.copied().unwrap_or(0);
            let _ = write!(text, " {} |", count.map(u64::to_string).unwrap_or_default());
        }
        text.push('\n');
    }
    let all = kernels::SERIES.map(|series| format!(" {} |", sums.get(series).unwrap_or(&0))).concat();
    text + "| *all* |" + &all + "\n"
}

fn read(text: &str) -> Counts {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let mut rows = rows.map(|row| row.split('|').map(str::trim));
    let series: Vec<&str> = rows.next().map(|head| head.skip(1).collect()).unwrap_or_default();
    let mut table = Counts::new();
    for mut row in rows {
        let Some(name) = row.next().filter(|name| !name.starts_with('*')) else { continue };
        let counts = series
            .iter()
            .zip(row)
            .filter_map(|(series, count)| Some(((*series).to_owned(), count.parse().ok()?)));
        table.insert(name.to_owned(), counts.collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "loading the programs: 3.1 G instructions\n\ninstructions verified, 1102 in all:\n  \
                            file_open     700              bpf     402syslog       0\n== kernel 6.12\n";

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let counts = printed(PRINTED);
        assert_eq!(counts.len(), 3);
        let table = merged(Counts::new(), &BTreeMap::from([("6.1", counts.clone()), ("7.3", counts)]));
        assert_eq!(read(&spell(&table)), table);
        assert!(spell(&table).ends_with("| *all* | 1102 | 0 | 0 | 1102 |\n"));
    }

    #[test]
    fn the_committed_table_is_one() {
        let text = fs::read_to_string(paths::root().join(TABLE)).unwrap();
        let table = read(&text);
        // Not every kernel has every hook.
        for kernel in kernels::SERIES {
            assert!(table.values().filter(|on| on.contains_key(kernel)).count() > 50, "{kernel}");
        }
        assert_eq!(spell(&table), text);
    }

    #[test]
    fn programs_that_are_gone_leave_the_table() {
        let old = BTreeMap::from([("6.1", printed(PRINTED))]);
        let mut fewer = printed(PRINTED);
        fewer.remove("bpf");
        let table = merged(merged(Counts::new(), &old), &BTreeMap::from([("6.1", fewer)]));
        assert_eq!(table.keys().collect::<Vec<_>>(), ["file_open", "syslog"]);
    }

    #[test]
    fn changes_are_named() {
        let counts = printed(PRINTED);
        let text = changes("6.1", &counts, |name| match name.as_str() {
            "file_open" => Some(350),
            "bpf" => Some(402),
            _ => None,
        });
        assert!(text.contains("file_open: 350 → 700, +100.0 %"), "{text}");
        assert!(text.contains("syslog: 0, new") && !text.contains("bpf:"), "{text}");
        assert!(changes("6.1", &counts, |name| counts.get(name).copied()).contains("no change"));
    }
}
