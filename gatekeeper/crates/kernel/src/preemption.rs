//! The kernel's preemption. A program at a kernel function is skipped where it already runs on the same CPU
//! (kernel/bpf/trampoline.c `__bpf_prog_enter_recur`, Linux 6.1 to 7.3): with preemption, where another task was interrupted
//! inside it. A check skipped is a check passed.

use std::fs;

/// The kernel's settings, as far as they can be read.
#[derive(Debug, Default)]
struct Settings {
    /// `/sys/kernel/debug/sched/preempt`: the modes, the present one in brackets.
    modes: Option<String>,
    /// The kernel's build, as in uname(2).
    version: String,
    command_line: String,
    /// The kernel's configuration.
    configuration: Option<String>,
}

/// Returns the reason why a task may be preempted inside the kernel; none where it can't. A setting that can't be read
/// counts as preemptible.
#[must_use]
pub fn preemptible() -> Option<String> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let name = rustix::system::uname();
    judge(&Settings {
        modes: read("/sys/kernel/debug/sched/preempt"),
        version: name.version().to_string_lossy().into_owned(),
        command_line: read("/proc/cmdline").unwrap_or_default(),
        configuration: read(&format!("/boot/config-{}", name.release().to_string_lossy())),
    })
}

fn judge(settings: &Settings) -> Option<String> {
    let mode = |mode: &str| match mode {
        "none" | "voluntary" => None,
        other => Some(format!("the kernel's preemption is {other}")),
    };
    if let Some(modes) = &settings.modes {
        let present = modes.split_whitespace().find_map(|word| word.strip_prefix('(')?.strip_suffix(')'));
        return mode(present.unwrap_or("unknown"));
    }
    let words: Vec<&str> = settings.version.split_whitespace().collect();
    if words.iter().any(|word| ["PREEMPT", "PREEMPT_RT", "PREEMPT_LAZY"].contains(word)) {
        return mode("full");
    }
    // The command line decides only where the kernel was built to ask it.
    let dynamic = words.contains(&"PREEMPT_DYNAMIC");
    let asked =
        settings.command_line.split_whitespace().filter_map(|word| word.strip_prefix("preempt=")).next_back();
    match (asked, &settings.configuration) {
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

    fn preemptible_with(
        modes: Option<&str>,
        version: &str,
        command_line: &str,
        configuration: Option<&str>,
    ) -> bool {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (modes, configuration) = (own(modes), own(configuration));
        judge(&Settings { modes, version: version.into(), command_line: command_line.into(), configuration })
            .is_some()
    }

    const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1";

    #[test]
    fn the_scheduler_knows_best() {
        assert!(!preemptible_with(Some("none (voluntary) full \n"), DYNAMIC, "preempt=full", None));
        assert!(!preemptible_with(Some("(none) voluntary full lazy"), DYNAMIC, "", None));
        assert!(preemptible_with(Some("none voluntary (full)"), DYNAMIC, "preempt=none", None));
        assert!(preemptible_with(Some("full (lazy)"), DYNAMIC, "", None));
        assert!(preemptible_with(Some("none voluntary full"), DYNAMIC, "", None));
    }

    #[test]
    fn the_command_line_decides_where_the_kernel_asks_it() {
        assert!(!preemptible_with(None, DYNAMIC, "preempt=full preempt=voluntary", None));
        assert!(preemptible_with(None, DYNAMIC, "preempt=voluntary preempt=full", None));
        assert!(preemptible_with(None, DYNAMIC, "preempt=lazy", Some("CONFIG_PREEMPT_VOLUNTARY=y")));
        assert!(preemptible_with(None, "#1 SMP PREEMPT x", "preempt=none", None));
        assert!(preemptible_with(None, "#1 SMP PREEMPT_RT x", "preempt=none", None));
        assert!(!preemptible_with(None, "#1 SMP Debian", "preempt=full", None));
    }

    #[test]
    fn an_unknown_model_counts_as_preemptible() {
        assert!(!preemptible_with(
            None,
            DYNAMIC,
            "",
            Some("CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y")
        ));
        assert!(preemptible_with(
            None,
            DYNAMIC,
            "",
            Some("# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_LAZY=y")
        ));
        assert!(preemptible_with(None, DYNAMIC, "", None));
        assert!(preemptible_with(None, "", "", None));
    }
}
