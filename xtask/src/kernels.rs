//! The kernel matrix: Debian's kernels, unpacked but never installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::apt::Suites;
use crate::cmd::cmd;
use crate::{initramfs, paths};

/// The series that every test runs on.
pub const SERIES: [&str; 4] = ["6.1", "6.12", "6.18", "7.3"];

/// Where those series are to be found.
const SUITES: [&str; 5] =
    ["bookworm", "bookworm-updates", "bookworm-security", "bookworm-backports", "trixie-backports"];

/// Debian's cloud flavour has all we need (BTF, BPF LSM, Landlock, AppArmor, virtio) and boots
/// faster than the plain one.
const FLAVOUR: &str = "cloud-amd64";

/// A kernel ready to boot.
pub struct Kernel {
    /// The series asked for; a stand-in may have taken its place.
    pub series: String,
    /// As `uname -r` says it.
    pub release: String,
    /// The compressed image.
    pub image: PathBuf,
    /// Modules and our first init.
    pub initramfs: PathBuf,
}

impl Kernel {
    /// The name in output: the series that really runs.
    pub fn name(&self) -> String {
        series_of(&self.release).unwrap_or_else(|| self.series.clone())
    }
}

/// Those of the matrix that were asked for; all when none was.
pub fn choose(wanted: &[String]) -> Result<Vec<&'static str>> {
    if let Some(name) = wanted.iter().find(|name| !SERIES.contains(&name.as_str())) {
        bail!("kernel {name} is not in the matrix ({})", SERIES.join(", "));
    }
    let asked = |series: &str| wanted.is_empty() || wanted.iter().any(|name| name == series);
    Ok(SERIES.into_iter().filter(|series| asked(series)).collect())
}

/// A kernel of the cache.
pub fn get(series: &str) -> Result<Kernel> {
    let dir = paths::guest("kernels")?.join(series);
    choose(&[series.to_owned()])?;
    let release = fs::read_to_string(dir.join("release"))
        .with_context(|| format!("kernel {series} is not here yet\n  help: cargo xtask setup"))?;
    let kernel = Kernel {
        series: series.to_owned(),
        release: release.trim().to_owned(),
        image: dir.join("vmlinuz"),
        initramfs: dir.join("initramfs.cpio"),
    };
    for file in [&kernel.image, &kernel.initramfs] {
        if !file.is_file() {
            bail!("{} is missing\n  help: cargo xtask setup", file.display());
        }
    }
    Ok(kernel)
}

/// Whether every kernel is there with today's initramfs.
pub fn ready() -> bool {
    SERIES.iter().all(|series| {
        let stamp = paths::guest("kernels").map(|dir| dir.join(series).join("stamp"));
        get(series).is_ok() && stamp.is_ok_and(|stamp| initramfs::is_current(&stamp))
    })
}

/// Downloads what is missing; returns a line for each kernel.
pub fn fetch(refresh: bool) -> Result<Vec<String>> {
    let suites = Suites::open("kernels", &SUITES)?;
    let available = available(&suites)?;
    let mut lines = Vec::new();
    for series in SERIES {
        let found = pick(series, &available)
            .with_context(|| format!("no kernel at all in the suites {}", SUITES.join(", ")))?;
        let dir = paths::guest("kernels")?.join(series);
        let have = fs::read_to_string(dir.join("release")).unwrap_or_default();
        let current = initramfs::is_current(&dir.join("stamp")) && get(series).is_ok();
        if !current || (refresh && have.trim() != found.release) {
            unpack(&suites, found, &dir)?;
        }
        let release = fs::read_to_string(dir.join("release")).unwrap_or_default();
        let stand_in = series_of(release.trim()).is_some_and(|real| real != series);
        let note =
            if stand_in { " (the series has vanished from the suites: this one stands in)" } else { "" };
        lines.push(format!("{series}: {}{note}", release.trim()));
    }
    Ok(lines)
}

struct Found {
    release: String,
    version: String,
}

/// The newest release of each series.
fn available(suites: &Suites) -> Result<BTreeMap<Vec<u64>, Found>> {
    let mut newest: BTreeMap<Vec<u64>, Found> = BTreeMap::new();
    let pattern = format!("^linux-(image|binary)-[0-9]+[.][0-9]+[.][0-9].*-{FLAVOUR}$");
    for (package, version) in suites.versions(&pattern)? {
        let Some(release) = package.splitn(3, '-').nth(2) else { continue };
        let Some(series) = series_of(release) else { continue };
        let found = Found { release: release.to_owned(), version };
        match newest.get(&numbers(&series)) {
            Some(have) if numbers(&have.version) >= numbers(&found.version) => {}
            _ => drop(newest.insert(numbers(&series), found)),
        }
    }
    Ok(newest)
}

/// The series itself, else the next one, else the last before it.
fn pick<'a>(series: &str, available: &'a BTreeMap<Vec<u64>, Found>) -> Option<&'a Found> {
    let wanted = numbers(series);
    let free = |key: &Vec<u64>| *key == wanted || !SERIES.iter().any(|other| numbers(other) == *key);
    let next = available.range(wanted.clone()..).find(|(key, _)| free(key));
    next.or_else(|| available.range(..wanted.clone()).rev().find(|(key, _)| free(key)))
        .map(|(_, found)| found)
}

fn unpack(suites: &Suites, found: &Found, dir: &PathBuf) -> Result<()> {
    let _ = fs::remove_dir_all(dir);
    let tree = dir.join("tree");
    // Since 7.x the image and the modules are packages of their own.
    let all = suites.versions(&format!("^linux-(image|binary|modules)-{}$", regex_escape(&found.release)))?;
    let mut packages: Vec<String> =
        all.into_iter().filter(|(_, version)| *version == found.version).map(|(name, _)| name).collect();
    packages.sort();
    packages.dedup();
    suites.unpack(&packages, &tree)?;
    let images = [
        tree.join(format!("boot/vmlinuz-{}", found.release)),
        tree.join(format!("usr/lib/modules/{}/vmlinuz", found.release)),
        tree.join(format!("lib/modules/{}/vmlinuz", found.release)),
    ];
    let image = images
        .iter()
        .find(|path| path.is_file())
        .with_context(|| format!("no kernel image in {}", packages.join(", ")))?;
    fs::copy(image, dir.join("vmlinuz")).context("cannot copy the kernel image")?;
    let modules = ["usr/lib/modules", "lib/modules"].map(|sub| tree.join(sub).join(&found.release));
    let modules = modules
        .iter()
        .find(|path| path.join("kernel").is_dir())
        .with_context(|| format!("no modules in {}", packages.join(", ")))?;
    let busybox = busybox()?;
    initramfs::build(modules, &found.release, &busybox, dir)?;
    cmd("rm").arg("-rf").arg(&tree).quiet()?;
    fs::write(dir.join("release"), &found.release).context("cannot write the kernel's release")?;
    initramfs::mark(&dir.join("stamp"))
}

/// A static busybox for the initramfs.
fn busybox() -> Result<PathBuf> {
    let dir = paths::guest("busybox")?;
    let binary = dir.join("bin/busybox");
    if !binary.is_file() {
        Suites::open("kernels", &SUITES)?.unpack(&["busybox-static".to_owned()], &dir)?;
    }
    Ok(binary)
}

/// `6.12` of `6.12.117+deb12-cloud-amd64`.
fn series_of(release: &str) -> Option<String> {
    let mut parts = release.split('.');
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}

/// The numbers in a version, the only difference between two of one series.
pub fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn regex_escape(text: &str) -> String {
    text.replace('.', "[.]").replace('+', "[+]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(releases: &[&str]) -> BTreeMap<Vec<u64>, Found> {
        let found = |release: &&str| Found { release: (*release).to_owned(), version: (*release).to_owned() };
        releases.iter().map(|r| (numbers(&series_of(r).unwrap()), found(r))).collect()
    }

    #[test]
    fn vanished_series_has_a_stand_in() {
        let have = table(&["6.1.0-56", "6.12.117", "6.19.14", "7.1.13"]);
        assert_eq!(pick("6.12", &have).unwrap().release, "6.12.117");
        assert_eq!(pick("6.18", &have).unwrap().release, "6.19.14");
        assert_eq!(pick("7.3", &have).unwrap().release, "7.1.13");
    }

    #[test]
    fn newer_patch_release_is_greater() {
        assert!(numbers("6.12.117-1~bpo12+1") > numbers("6.12.43-1~bpo12+1"));
    }
}
