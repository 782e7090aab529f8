//! The suites of a guest: the suite and the escape suite, one after the other in the same guest, and their results.

use std::time::Duration;

use anyhow::Result;

use crate::build::Profile;
use crate::guest::{Echo, End, GuestOutcome, GuestRun, LSM_WITHOUT_BPF};
use crate::tally::Tally;
use crate::test::Test;
use crate::{escapes, kernels, paths, vm};

/// The program that runs inside the guest.
pub const SUITE: &str = "gatekeeper-suite";

/// One guest to run a suite in.
pub struct Place {
    /// For people.
    pub name: String,
    kernel: String,
    /// Without bpf in its LSM list.
    pub without_bpf: bool,
}

impl Place {
    /// A kernel, with bpf in its LSM list or without.
    pub fn new(kernel: &str, without_bpf: bool) -> Place {
        let mark = if without_bpf { " without bpf in its LSM list" } else { "" };
        Place { name: format!("kernel {kernel}{mark}"), kernel: kernel.to_owned(), without_bpf }
    }
}

/// Where the daemon keeps its records.
const STATE: &str = "/var/lib/gatekeeper";

/// The line between one suite's end and the next one's beginning; the exit status follows.
const ENDED: &str = "suite ended: ";

/// The suites that one guest runs, one after another: its start and the daemon's take longer than many tests.
pub struct Job {
    /// Where.
    pub place: Place,
    /// The profile of the programs.
    pub profile: Profile,
    suites: Vec<Suite>,
}

/// A suite, and how it is called.
struct Suite {
    name: &'static str,
    words: Vec<String>,
}

/// The suite everywhere and, unless some tests are picked, the escape suite.
pub fn jobs(test: &Test, profile: Profile) -> Result<Vec<Job>> {
    let mut all: Vec<Job> = places(&test.kernel)?
        .into_iter()
        .map(|place| {
            let mut suites = vec![suite(test, &place)];
            if test.filter.is_none() {
                suites.push(escape_suite(test, &place));
            }
            Job { place, suites, profile }
        })
        .collect();
    // The longest first, so that none of them is left for the end, alone.
    all.sort_by_key(|job| match job.place.kernel.as_str() {
        _ if job.place.without_bpf => 3,
        "6.12" => 0,
        "6.18" => 1,
        "7.3" => 2,
        _ => 4,
    });
    Ok(all)
}

fn suite(test: &Test, place: &Place) -> Suite {
    let mut words = vec![SUITE.to_owned()];
    if place.without_bpf {
        words.push("--no-bpf-lsm".to_owned());
    }
    if test.whole {
        words.push("--whole".to_owned());
    }
    words.extend(test.filter.clone());
    Suite { name: "", words }
}

fn escape_suite(test: &Test, place: &Place) -> Suite {
    let share = if test.whole { &[] } else { share(place) };
    let words = [&[escapes::ESCAPES], share].concat();
    Suite { name: "escapes, ", words: words.into_iter().map(str::to_owned).collect() }
}

/// Every kernel chosen, and 6.12 once more without bpf in its LSM list.
pub fn places(only: &[String]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for kernel in kernels::choose(only)? {
        places.push(Place::new(kernel, false));
        if kernel == "6.12" {
            places.push(Place::new(kernel, true));
        }
    }
    Ok(places)
}

/// The families of attacks that are tried in a place: all on 6.12, and a share on each of the others and on 6.12 without
/// bpf in its LSM list, or this would take too long. `cargo xtask escapes` tries all everywhere.
fn share(place: &Place) -> &'static [&'static str] {
    match place.kernel.as_str() {
        "6.1" => &["file/"],
        // Flags by path came with 6.17.
        "6.18" => &["file/flags_by_path", "hold/killed", "hold/ring", "hold/t", "hold/vfork", "self/"],
        "7.3" => &["exec/", "kernel/"],
        _ if place.without_bpf => &["net/", "process/"],
        _ => &[],
    }
}

impl Job {
    /// The guest that runs them.
    pub fn guest(&self, test: &Test) -> GuestRun {
        let calls =
            self.suites.iter().map(|suite| format!("{}; echo \"{ENDED}$?\"", vm::quote(&suite.words)));
        // A daemon reads back what was recorded last, and tests leave much of that.
        let anew = format!("\nrm -rf {STATE}\n");
        self.place.script(calls.collect::<Vec<_>>().join(&anew), test.timeout, self.profile)
    }

    /// The result of each suite, for people and counted.
    pub fn judge(&self, outcome: &GuestOutcome) -> Vec<(String, Tally)> {
        let mut rest = outcome.output.as_str();
        let mut judged = Vec::new();
        for suite in &self.suites {
            let (output, status, behind) = first_part(rest);
            judged.push(judge(&format!("{}{}", suite.name, self.place.name), output, status));
            rest = behind;
        }
        // After its suites, too: what they did may have brought it down.
        if let (End::GuestFailed(_), Some((line, tally))) = (&outcome.end, judged.last_mut()) {
            line.push_str(" (the guest itself failed)");
            tally.failed += 1;
        }
        if let Some((line, _)) = judged.first_mut() {
            line.push_str(&format!("; its guest took {:.0} s", outcome.wall.as_secs_f64()));
        }
        judged
    }
}

/// The first suite's output, its exit status where it came to its end, and the rest.
fn first_part(output: &str) -> (&str, Option<i32>, &str) {
    let mut from = 0;
    for line in output.split_inclusive('\n') {
        if let Some(status) = line.strip_prefix(ENDED) {
            return (&output[..from], status.trim().parse().ok(), &output[from + line.len()..]);
        }
        from += line.len();
    }
    (output, None, "")
}

impl Place {
    /// A guest here that runs these words.
    pub fn guest(&self, words: &[String], timeout: u64, profile: Profile) -> GuestRun {
        self.script(format!("exec {}", vm::quote(words)), timeout, profile)
    }

    /// A guest here that runs a script of the shell's.
    fn script(&self, script: String, timeout: u64, profile: Profile) -> GuestRun {
        let mark = if self.without_bpf { "-bpf" } else { "" };
        let mut run = GuestRun {
            copies: vec![paths::root().join("tests")],
            timeout: Duration::from_secs(timeout),
            echo: Echo::Prefixed(format!("{}{mark} | ", self.kernel)),
            ..GuestRun::new(&self.kernel, profile, script)
        };
        if self.without_bpf {
            run.lsm = LSM_WITHOUT_BPF.to_owned();
        }
        run
    }
}

/// Believes the suite's closing line only when its exit status, where it came to an end, agrees.
pub fn judge(name: &str, output: &str, status: Option<i32>) -> (String, Tally) {
    let counted = Tally::of_closing_line(output);
    let mut tally = counted.unwrap_or_default();
    let note = match (counted, status) {
        (None, _) | (_, None) => " (the suite did not finish)",
        (Some(counted), Some(status)) if status != 0 && counted.failed == 0 => {
            " (the suite's exit status is not 0)"
        }
        _ => "",
    };
    if !note.is_empty() {
        tally.failed += 1;
    }
    let reported = |line: &&str| line.starts_with("FAILED ") || line.starts_with("AGAIN ");
    let failures: String = output.lines().filter(reported).map(|line| format!("\n    {line}")).collect();
    (format!("{name}: {tally}{note}{failures}"), tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(output: &str) -> Vec<u64> {
        failures_where(output, End::Exit(0))
    }

    fn failures_where(output: &str, end: End) -> Vec<u64> {
        let outcome = GuestOutcome { end, output: output.to_owned(), boot: None, wall: Duration::ZERO };
        let suites = ["", "escapes, "].map(|name| Suite { name, words: Vec::new() });
        let job = Job { place: Place::new("6.12", false), profile: Profile::Quick, suites: suites.into() };
        job.judge(&outcome).into_iter().map(|(_, tally)| tally.failed).collect()
    }

    #[test]
    fn a_guest_that_fails_after_its_suites_fails() {
        let passed = "1 passed, 0 failed\nsuite ended: 0\n2 passed, 0 failed\nsuite ended: 0\n";
        assert_eq!(failures_where(passed, End::GuestFailed("it panicked".into())), [0, 1]);
    }

    #[test]
    fn each_suite_of_a_guest_is_judged_by_itself() {
        assert_eq!(
            failures("1 passed, 0 failed\nsuite ended: 0\n2 passed, 0 failed\nsuite ended: 0\n"),
            [0, 0]
        );
        assert_eq!(
            failures("1 passed, 1 failed\nsuite ended: 1\n2 passed, 0 failed\nsuite ended: 0\n"),
            [1, 0]
        );
        assert_eq!(
            failures("1 passed, 0 failed\nsuite ended: 1\n2 passed, 0 failed\nsuite ended: 0\n"),
            [1, 0]
        );
        assert_eq!(failures("1 passed, 0 failed\nsuite ended: 0\n2 passed, 0 failed\n"), [0, 1]);
        assert_eq!(failures("1 passed, 0 failed\nsuite ended: 0\nno end\nsuite ended: 139\n"), [0, 1]);
        assert_eq!(failures(""), [1, 1]);
    }
}
