//! A small initramfs: busybox, the modules a guest needs, and the first init.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::cmd::cmd;

const INIT: &str = include_str!("../guest/first-init");

/// Loaded before the root file system is mounted.
const AT_BOOT: [&str; 3] = ["virtio_pci", "virtio_blk", "virtio_console"];

/// Copied into the root file system, for the kernel to load when asked.
const ON_DEMAND: [&str; 20] = [
    "overlay",
    "loop",
    "tun",
    "veth",
    "dummy",
    "vsock",
    "vsock_loopback",
    "inet_diag",
    "tcp_diag",
    "udp_diag",
    "unix_diag",
    "sctp",
    "tls",
    "binfmt_misc",
    "algif_hash",
    "algif_skcipher",
    "fuse",
    "squashfs",
    "nf_tables",
    "nfnetlink",
];

/// Whether an initramfs was built by this very code.
pub fn is_current(stamp: &Path) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == fingerprint())
}

/// Says that it was.
pub fn mark(stamp: &Path) -> Result<()> {
    fs::write(stamp, fingerprint()).context("cannot write the initramfs stamp")
}

fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    (INIT, AT_BOOT, ON_DEMAND).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Builds `initramfs.cpio` in `dir` from an unpacked modules folder.
pub fn build(modules: &Path, release: &str, busybox: &Path, dir: &Path) -> Result<()> {
    let tree = dir.join("initramfs");
    let _ = fs::remove_dir_all(&tree);
    let target = tree.join("lib/modules").join(release);
    for sub in ["bin", "proc", "dev", "sys", "root"] {
        fs::create_dir_all(tree.join(sub)).context("cannot create the initramfs tree")?;
    }
    fs::create_dir_all(&target).context("cannot create the initramfs tree")?;

    let load = select(modules, release, &target)?;
    fs::write(tree.join("load"), load.join("\n") + "\n").context("cannot write the list of modules")?;
    fs::copy(busybox, tree.join("bin/busybox")).context("cannot copy busybox")?;
    fs::write(tree.join("init"), INIT).context("cannot write the first init")?;
    cmd("chmod").arg("755").arg(tree.join("init")).quiet()?;
    cmd("sh")
        .args(["-c", "find . | cpio --quiet -o -H newc -R 0:0 > ../initramfs.cpio"])
        .dir(&tree)
        .quiet()?;
    fs::remove_dir_all(&tree).context("cannot remove the initramfs tree")
}

/// Copies the modules, plain, with what they depend on; returns those to load at boot, in order.
fn select(modules: &Path, release: &str, target: &Path) -> Result<Vec<String>> {
    // `…/lib/modules/RELEASE` → the folder that depmod calls its base.
    let base = |path: &Path| path.ancestors().nth(3).unwrap_or(path).to_path_buf();
    let depmod = |path: &Path| {
        // A `lib` that is `usr/lib` elsewhere: give depmod the base it expects.
        cmd("depmod").arg("-b").arg(base(path)).arg(release).quiet()
    };
    depmod(modules)?;
    let text = fs::read_to_string(modules.join("modules.dep")).context("cannot read modules.dep")?;
    let mut needs: HashMap<String, (String, Vec<String>)> = HashMap::new();
    for line in text.lines() {
        let Some((path, deps)) = line.split_once(':') else { continue };
        let deps = deps.split_whitespace().map(name_of).collect();
        needs.insert(name_of(path), (path.to_owned(), deps));
    }

    let (mut order, mut seen) = (Vec::new(), HashSet::new());
    for name in AT_BOOT {
        visit(name, &needs, &mut seen, &mut order);
    }
    let load = order.iter().map(|name| format!("{name}.ko")).collect();
    for name in ON_DEMAND {
        visit(name, &needs, &mut seen, &mut order);
    }
    for name in &order {
        let Some((path, _)) = needs.get(name) else { continue };
        let (from, to) = (modules.join(path), target.join(format!("{name}.ko")));
        match from.extension().and_then(|ext| ext.to_str()) {
            Some("xz") => {
                cmd("sh").args(["-c", "xz -dc \"$0\" > \"$1\""]).arg(&from).arg(&to).quiet()?;
            }
            Some("zst") => {
                cmd("zstd").args(["-q", "-d", "-o"]).arg(&to).arg(&from).quiet()?;
            }
            _ => drop(fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?),
        }
    }
    for file in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        if modules.join(file).is_file() {
            fs::copy(modules.join(file), target.join(file)).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    depmod(target)?;
    Ok(load)
}

/// Dependencies first. A module that is not there is built in.
fn visit(
    name: &str,
    needs: &HashMap<String, (String, Vec<String>)>,
    seen: &mut HashSet<String>,
    order: &mut Vec<String>,
) {
    let Some((_, deps)) = needs.get(name) else { return };
    if seen.insert(name.to_owned()) {
        // modules.dep lists the nearest dependency first.
        for dep in deps.iter().rev() {
            visit(dep, needs, seen, order);
        }
        order.push(name.to_owned());
    }
}

/// `virtio_blk` of `kernel/drivers/block/virtio_blk.ko.xz`.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}
