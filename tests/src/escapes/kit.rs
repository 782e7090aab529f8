//! Makes attacks ready: all those in C become one program, for starting a compiler takes longer than
//! compiling does.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::KIT;
use super::attack::{Attack, Kind};
use super::worker::{POLICY, ROOT_POLICY};
use crate::world::POLICIES;

/// A developer's machine where every attack has its chance: what distributions shut is open.
const SETTINGS: &[(&str, &str)] = &[
    ("kernel/yama/ptrace_scope", "0"),
    ("kernel/unprivileged_userns_clone", "1"),
    ("kernel/perf_event_paranoid", "-1"),
    ("kernel/io_uring_disabled", "0"),
    ("kernel/keys/maxkeys", "2000"),
    ("kernel/kptr_restrict", "0"),
    ("kernel/dmesg_restrict", "0"),
    ("dev/tty/legacy_tiocsti", "1"),
    ("fs/protected_hardlinks", "0"),
    ("fs/protected_symlinks", "0"),
    ("fs/protected_fifos", "0"),
    ("fs/protected_regular", "0"),
    ("vm/unprivileged_userfaultfd", "1"),
    ("net/ipv4/tcp_fastopen", "1027"),
    ("net/ipv4/ping_group_range", "0 2000"),
];

/// Copies and compiles what the attacks need, and installs their policy.
pub fn prepare(from: &Path, attacks: &[Attack]) -> Result<()> {
    for (name, value) in SETTINGS {
        // A kernel that lacks one does not shut what it would open.
        let _ = fs::write(format!("/proc/sys/{name}"), value);
    }
    for word in ["dummy", "vsock_loopback", "sctp"] {
        let _ = Command::new("modprobe").arg(word).status();
    }
    // An address that is not loopback's, and is on this machine.
    let lay =
        "ip link add escapes0 type dummy; ip addr add 10.77.0.1/24 dev escapes0; ip link set escapes0 up";
    let _ = Command::new("/usr/bin/bash").args(["-c", lay]).status();

    // Root's sessions work in the developer's workspace.
    fs::write("/etc/gitconfig", "[safe]\n\tdirectory = *\n").context("git's settings")?;
    let _ = fs::remove_dir_all("/srv/escapes");
    fs::create_dir_all(KIT).context(KIT)?;
    let copied =
        Command::new("cp").arg("-r").arg(from).arg(format!("{KIT}/attacks")).status().context("cp")?;
    ensure!(copied.success(), "copying the attacks failed");
    fs::create_dir_all(POLICIES)?;
    for (file, name) in [("policy.toml", POLICY), ("root.toml", ROOT_POLICY)] {
        fs::copy(from.join(file), format!("{POLICIES}/{name}.toml")).context("the attacks' policies")?;
    }

    let (mut source, mut table) = (String::from("#include \"attacks/kit.h\"\n"), String::new());
    for attack in attacks.iter().filter(|attack| attack.kind == Kind::C) {
        let word: String =
            attack.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = &attack.name;
        writeln!(source, "#define main a_{word}\n#include \"attacks/{name}.c\"\n#undef main")?;
        writeln!(table, "\t{{ \"{name}\", (int (*)())a_{word} }},")?;
    }
    write!(
        source,
        "static const struct {{ const char *name; int (*attack)(); }} attacks[] = {{\n{table}\t{{ 0 }}\n}};\n\
         int main(int count, char **words)\n{{\n\
         \tfor (int i = 0; count > 1 && attacks[i].name; i++)\n\
         \t\tif (!strcmp(attacks[i].name, words[1]))\n\
         \t\t\treturn attacks[i].attack(count - 1, words + 1);\n\
         \treturn 99;\n}}\n"
    )?;
    fs::write(format!("{KIT}/kit.c"), source)?;
    let compile = |words: &[&str]| -> Result<std::process::Child> {
        Command::new("gcc").args(["-w", "-O0", "-pipe"]).args(words).current_dir(KIT).spawn().context("gcc")
    };
    let jobs = [
        compile(&["-o", "kit", "kit.c", "-lpthread", "-lrt"])?,
        compile(&["-o", "payload", "attacks/payload.c"])?,
        compile(&["-shared", "-fPIC", "-o", "payload-library", "attacks/payload.c"])?,
    ];
    for mut job in jobs {
        ensure!(job.wait()?.success(), "an attack does not compile");
    }
    Ok(())
}
