//! Whether one task can be preempted by another inside the kernel. A program at a kernel function is skipped where it
//! already runs on the same CPU (kernel/bpf/trampoline.c `__bpf_prog_enter_recur`): with preemption, where another task
//! was interrupted inside it. A check skipped is a check passed.

use std::fs;

/// What the kernel lets be seen of it.
#[derive(Debug, Default)]
struct Seen {
    /// `/sys/kernel/debug/sched/preempt`: the modes, the present one in brackets.
    modes: Option<String>,
    /// The kernel's build, as in uname(2).
    version: String,
    command_line: String,
    /// The kernel's configuration.
    configuration: Option<String>,
}

/// Why a task may be preempted inside the kernel; none where it can't. What can't be known counts as preemptible.
#[must_use]
pub fn preemptible() -> Option<String> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    judge(&Seen {
        modes: read("/sys/kernel/debug/sched/preempt"),
        version: read("/proc/sys/kernel/version").unwrap_or_default(),
        command_line: read("/proc/cmdline").unwrap_or_default(),
        configuration: read(&format!("/boot/config-{}", release.trim())),
    })
}

fn judge(seen: &Seen) -> Option<String> {
    let mode = |mode: &str| match mode {
        "none" | "voluntary" => None,
        other => Some(format!("the kernel's preemption is {other}")),
    };
    if let Some(modes) = &seen.modes {
        let present = modes.split_whitespace().find_map(|word| word.strip_prefix('(')?.strip_suffix(')'));
        return mode(present.unwrap_or("unknown"));
    }
    let words: Vec<&str> = seen.version.split_whitespace().collect();
    if words.iter().any(|word| ["PREEMPT", "PREEMPT_RT", "PREEMPT_LAZY"].contains(word)) {
        return mode("full");
    }
    // The command line decides only where the kernel was built to ask it.
    let dynamic = words.contains(&"PREEMPT_DYNAMIC");
    let asked =
        seen.command_line.split_whitespace().filter_map(|word| word.strip_prefix("preempt=")).next_back();
    match (asked, &seen.configuration) {
        (Some(asked), _) if dynamic => mode(asked),
        (_, Some(text)) => {
            let has = |option: &str| text.lines().any(|line| line.strip_suffix("=y") == Some(option));
            let tame = has("CONFIG_PREEMPT_NONE") || has("CONFIG_PREEMPT_VOLUNTARY");
            mode(if tame { "voluntary" } else { "full" })
        }
        (_, None) if !dynamic && !words.is_empty() => None,
        _ => mode("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(modes: Option<&str>, version: &str, command_line: &str, configuration: Option<&str>) -> bool {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (modes, configuration) = (own(modes), own(configuration));
        judge(&Seen { modes, version: version.into(), command_line: command_line.into(), configuration })
            .is_some()
    }

    const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1";

    #[test]
    fn the_scheduler_knows_best() {
        assert!(!seen(Some("none (voluntary) full \n"), DYNAMIC, "preempt=full", None));
        assert!(!seen(Some("(none) voluntary full lazy"), DYNAMIC, "", None));
        assert!(seen(Some("none voluntary (full)"), DYNAMIC, "preempt=none", None));
        assert!(seen(Some("full (lazy)"), DYNAMIC, "", None));
        assert!(seen(Some("none voluntary full"), DYNAMIC, "", None));
    }

    #[test]
    fn the_command_line_decides_where_the_kernel_asks_it() {
        assert!(!seen(None, DYNAMIC, "preempt=full preempt=voluntary", None));
        assert!(seen(None, DYNAMIC, "preempt=voluntary preempt=full", None));
        assert!(seen(None, DYNAMIC, "preempt=lazy", Some("CONFIG_PREEMPT_VOLUNTARY=y")));
        assert!(seen(None, "#1 SMP PREEMPT x", "preempt=none", None));
        assert!(seen(None, "#1 SMP PREEMPT_RT x", "preempt=none", None));
        assert!(!seen(None, "#1 SMP Debian", "preempt=full", None));
    }

    #[test]
    fn what_is_unknown_counts_as_preemptible() {
        assert!(!seen(None, DYNAMIC, "", Some("CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y")));
        assert!(seen(None, DYNAMIC, "", Some("# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_LAZY=y")));
        assert!(seen(None, DYNAMIC, "", None));
        assert!(seen(None, "", "", None));
    }
}
