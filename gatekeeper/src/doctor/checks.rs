//! The checks. Each reads from the machine in one place and judges in another, which is tested.

use std::fs;
use std::path::Path;

use super::{Distribution, Finding};
use crate::session::cgroup;
use crate::sys::filesystem::{Kind, kind_of};
use crate::sys::process::effective_uid;
use gatekeeper_kernel::preemption::preemptible;

/// The oldest kernel that can do what we need: task storage in tracepoints and iterators over tasks.
const OLDEST: (u32, u32) = (6, 1);
/// From here on a look-up in task storage can't fail because another task was preempted in one.
const PREEMPTION_SAFE: (u32, u32) = (6, 2);

/// Every check, in the order in which a help makes sense.
pub fn all(distribution: Distribution) -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned());
    let name = rustix::system::uname();
    let (release, version) = (name.release().to_string_lossy(), name.version().to_string_lossy());
    let command_line = procfs::cmdline().unwrap_or_default().join(" ");
    vec![
        kernel(&release, distribution),
        preemption(&release, &version, &command_line, distribution),
        btf(Path::new("/sys/kernel/btf/vmlinux").exists()),
        lsm(read("/sys/kernel/security/lsm").ok().as_deref(), preemptible(), distribution),
        lockdown(read("/sys/kernel/security/lockdown").ok().as_deref(), distribution),
        unified(kind_of(Path::new(cgroup::ROOT)).ok(), distribution),
        bpffs(kind_of(Path::new("/sys/fs/bpf")).ok()),
        root(effective_uid()),
    ]
}

/// The first two numbers of a release.
fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kernel(release: &str, distribution: Distribution) -> Finding {
    let (major, minor) = OLDEST;
    match numbers(release) {
        Some(found) if found >= OLDEST => Finding::good("kernel", format!("Linux {release}")),
        Some(_) => Finding::bad(
            "kernel",
            format!("Linux {release}: {major}.{minor} is the oldest that will do"),
            distribution.newer_kernel(),
        ),
        None => Finding::warn("kernel", format!("release \"{release}\" is no version"), "check it by hand"),
    }
}

fn preemption(release: &str, version: &str, command_line: &str, distribution: Distribution) -> Finding {
    let last = command_line.split_whitespace().filter_map(|word| word.strip_prefix("preempt=")).next_back();
    let words: Vec<&str> = version.split_whitespace().collect();
    // PREEMPT_DYNAMIC says that the command line decides, PREEMPT alone that the kernel was built so.
    let full = last == Some("full") || words.contains(&"PREEMPT") || words.contains(&"PREEMPT_RT");
    if full && numbers(release).is_some_and(|found| found < PREEMPTION_SAFE) {
        return Finding::warn(
            "preemption",
            "fully preemptible, before Linux 6.2: a check can be refused because another was interrupted, which denies an operation now and then",
            distribution.add_to_command_line("preempt=voluntary"),
        );
    }
    Finding::good("preemption", if full { "full, and this kernel is safe with it" } else { "not full" })
}

fn btf(there: bool) -> Finding {
    if there {
        return Finding::good("btf", "the kernel describes its own types");
    }
    Finding::bad(
        "btf",
        "/sys/kernel/btf/vmlinux is not there",
        "use a kernel built with CONFIG_DEBUG_INFO_BTF=y; every distribution's own is",
    )
}

fn lsm(list: Option<&str>, preemptible: Option<String>, distribution: Distribution) -> Finding {
    let Some(list) = list else {
        return Finding::warn(
            "lsm",
            "the list of security modules can't be read",
            "mount it: `sudo mount -t securityfs securityfs /sys/kernel/security`",
        );
    };
    if list.split(',').any(|module| module == "bpf") {
        return Finding::good("lsm", format!("bpf is among the security modules: {list}"));
    }
    let word = format!("lsm={list},bpf");
    match preemptible {
        None => Finding::warn(
            "lsm",
            format!(
                "bpf is not among the security modules: {list}; programs are attached at the functions that ask these, \
                 which keeps policies just as well as long as the kernel's preemption stays as it is"
            ),
            format!("nothing needs to be done; better, {}", distribution.add_to_command_line(&word)),
        ),
        Some(why) => Finding::bad(
            "lsm",
            format!(
                "bpf is not among the security modules: {list}; programs at the functions that ask these could be \
                 skipped, because {why}"
            ),
            format!(
                "{}; where the kernel has it, preempt=voluntary will do, too",
                distribution.add_to_command_line(&word)
            ),
        ),
    }
}

fn lockdown(state: Option<&str>, distribution: Distribution) -> Finding {
    match state {
        Some(state) if state.contains("[confidentiality]") => Finding::bad(
            "lockdown",
            "the kernel is locked down for confidentiality: no program may read kernel memory",
            distribution.add_to_command_line("lockdown=integrity"),
        ),
        Some(_) => Finding::good("lockdown", "not in the way"),
        None => Finding::good("lockdown", "not there"),
    }
}

fn unified(kind: Option<Kind>, distribution: Distribution) -> Finding {
    if kind == Some(Kind::Cgroup2) {
        return Finding::good("cgroup", format!("cgroup v2 at {}", cgroup::ROOT));
    }
    let help = distribution.add_to_command_line("systemd.unified_cgroup_hierarchy=1");
    Finding::bad(
        "cgroup",
        format!("{} is not cgroup v2", cgroup::ROOT),
        format!("{help}; without systemd, `mount -t cgroup2 cgroup2 {}`", cgroup::ROOT),
    )
}

fn bpffs(kind: Option<Kind>) -> Finding {
    if kind == Some(Kind::Bpf) {
        return Finding::good("bpffs", "mounted at /sys/fs/bpf");
    }
    Finding::bad("bpffs", "nothing can be pinned at /sys/fs/bpf", "`sudo mount -t bpf bpf /sys/fs/bpf`")
}

fn root(uid: u32) -> Finding {
    if uid == 0 {
        return Finding::good("root", "this is root");
    }
    Finding::warn(
        "root",
        format!("this is user id {uid}: enough to look, and to run commands in sessions"),
        "the daemon and --probe need root",
    )
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus::{Fail, Pass, Warn};
    use super::*;

    const HERE: Distribution = Distribution::Debian;

    #[test]
    fn old_kernels_are_too_old() {
        assert_eq!(kernel("6.1.0-44-amd64", HERE).status, Pass);
        assert_eq!(kernel("7.3-rc1", HERE).status, Pass);
        assert_eq!(kernel("5.15.0-91-generic", HERE).status, Fail);
        assert_eq!(kernel("?", HERE).status, Warn);
    }

    #[test]
    fn full_preemption_is_a_risk_before_6_2_only() {
        let dynamic = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1";
        assert_eq!(preemption("6.1.0", dynamic, "quiet", HERE).status, Pass);
        assert_eq!(preemption("6.1.0", dynamic, "preempt=full quiet", HERE).status, Warn);
        assert_eq!(preemption("6.1.0", dynamic, "preempt=full preempt=none", HERE).status, Pass);
        assert_eq!(preemption("6.1.0", "#1 SMP PREEMPT x", "", HERE).status, Warn);
        assert_eq!(preemption("6.12.0", dynamic, "preempt=full", HERE).status, Pass);
    }

    #[test]
    fn the_lsm_list_is_read_word_by_word() {
        let full = || Some("its preemption is full".to_owned());
        assert_eq!(lsm(Some("lockdown,capability,bpf"), full(), HERE).status, Pass);
        assert_eq!(lsm(Some("capability,yama,bpfx"), None, HERE).status, Warn);
        let missing = lsm(Some("capability,yama,bpfx"), full(), HERE);
        assert_eq!(missing.status, Fail);
        assert!(missing.help.unwrap().contains("lsm=capability,yama,bpfx,bpf"));
        assert_eq!(lsm(None, None, HERE).status, Warn);
    }

    #[test]
    fn only_confidentiality_is_in_the_way() {
        assert_eq!(lockdown(Some("none [integrity] confidentiality"), HERE).status, Pass);
        assert_eq!(lockdown(Some("none integrity [confidentiality]"), HERE).status, Fail);
    }
}
