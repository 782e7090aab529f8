//! Debian packages: from the machine's own sources, and from other suites of the same mirror
//! without changing the machine's sources.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cmd::{Cmd, cmd, sudo};
use crate::paths;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The fields of /etc/os-release we need.
pub struct Release {
    /// `debian`, `ubuntu`, …
    pub id: String,
    /// `bookworm`, …
    pub codename: String,
    /// For people.
    pub name: String,
}

/// This machine's release.
pub fn release() -> Result<Release> {
    let text = std::fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let field = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    Ok(Release { id: field("ID"), codename: field("VERSION_CODENAME"), name: field("PRETTY_NAME") })
}

/// Those of the packages that are not installed.
pub fn missing(packages: &[&str]) -> Vec<String> {
    let list = cmd("dpkg-query").args(["-W", "-f", "${db:Status-Abbrev} ${Package}\n"]).read();
    let list = list.unwrap_or_default();
    let installed: HashSet<&str> =
        list.lines().filter_map(|line| line.strip_prefix("ii")?.split_whitespace().next()).collect();
    packages.iter().filter(|name| !installed.contains(*name)).map(|&name| name.to_owned()).collect()
}

/// Installs packages from the machine's own sources.
pub fn install(packages: &[String]) -> Result<()> {
    apt_get().arg("update").quiet()?;
    apt_get()
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages)
        .help(&format!("apt-get install {}", packages.join(" ")))
        .quiet()
}

fn apt_get() -> Cmd {
    // Another apt may be at work: wait for it.
    sudo("env").args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=600"])
}

/// Suites of the machine's mirror, with lists of their own.
pub struct Suites {
    dir: PathBuf,
    /// apt's one-line source entries.
    pub lines: Vec<String>,
}

impl Suites {
    /// `suites` as `bookworm`, `trixie-backports`, `bookworm-security`, …; lists fetched when
    /// they are missing or older than a day.
    pub fn open(name: &str, suites: &[&str]) -> Result<Suites> {
        let dir = paths::guest("apt")?.join(name);
        let lines = source_lines(suites)?;
        let this = Suites { dir, lines };
        for sub in ["lists/partial", "cache/archives/partial"] {
            let sub = this.dir.join(sub);
            std::fs::create_dir_all(&sub).with_context(|| format!("cannot create {}", sub.display()))?;
        }
        let list = this.dir.join("sources.list");
        let text = this.lines.join("\n") + "\n";
        let stamp = this.dir.join("updated");
        let fresh = std::fs::metadata(&stamp)
            .and_then(|meta| meta.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() < 86_400));
        if !fresh || std::fs::read_to_string(&list).ok().as_ref() != Some(&text) {
            std::fs::write(&list, &text).with_context(|| format!("write {}", list.display()))?;
            this.apt("apt-get").arg("update").help("check the machine's apt sources").quiet()?;
            std::fs::write(&stamp, "").with_context(|| format!("write {}", stamp.display()))?;
        }
        Ok(this)
    }

    /// An apt command that sees these suites only.
    pub fn apt(&self, program: &str) -> Cmd {
        let option = |key: &str, value: &str| format!("{key}={}/{value}", self.dir.display());
        sudo("env").args(["DEBIAN_FRONTEND=noninteractive", program]).args([
            "-o",
            &option("Dir::Etc::sourcelist", "sources.list"),
            "-o",
            "Dir::Etc::sourceparts=/dev/null",
            "-o",
            &option("Dir::State::lists", "lists"),
            "-o",
            &option("Dir::Cache", "cache"),
            "-o",
            // The lists lie where apt's own user may not look.
            "APT::Sandbox::User=root",
            "-o",
            "DPkg::Lock::Timeout=600",
        ])
    }

    /// Every package whose name matches, with its newest version first.
    pub fn versions(&self, regex: &str) -> Result<Vec<(String, String)>> {
        let names = self.apt("apt-cache").args(["search", "--names-only", regex]).read()?;
        let names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().next()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let text = self.apt("apt-cache").arg("madison").args(names).read()?;
        let fields = |line: &str| {
            let mut fields = line.split('|').map(|field| field.trim().to_owned());
            Some((fields.next()?, fields.next()?))
        };
        Ok(text.lines().filter_map(fields).collect())
    }

    /// Downloads packages without installing them and unpacks them into `into`.
    pub fn unpack(&self, packages: &[String], into: &std::path::Path) -> Result<()> {
        let debs = self.dir.join("debs");
        let _ = std::fs::remove_dir_all(&debs);
        for dir in [debs.as_path(), into] {
            std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        }
        self.apt("apt-get").arg("download").args(packages).dir(&debs).quiet()?;
        for deb in std::fs::read_dir(&debs).context("cannot list the packages")? {
            cmd("dpkg-deb").arg("-x").arg(deb?.path()).arg(into).quiet()?;
        }
        std::fs::remove_dir_all(&debs).context("cannot remove the packages")
    }
}

/// Source entries for suites, on the mirror that the machine's own sources name.
fn source_lines(suites: &[&str]) -> Result<Vec<String>> {
    let own = sources();
    let codename = release()?.codename;
    let uri = |suite: &str| own.iter().find(|(_, have)| have == suite).map(|(uri, _)| uri.as_str());
    let base = uri(&codename).with_context(|| {
        format!("no entry for suite {codename} in /etc/apt: the mirror of other suites is unknown")
    })?;
    let security = own.iter().find(|(_, have)| have.ends_with("-security")).map(|(uri, _)| uri);
    let mut lines = Vec::new();
    for suite in suites {
        let uri = match security {
            _ if !suite.ends_with("-security") => base,
            Some(uri) => uri,
            None => continue,
        };
        lines.push(format!("deb [signed-by={KEYRING}] {uri} {suite} main"));
    }
    if lines.is_empty() {
        bail!("none of the suites {suites:?} is known here");
    }
    Ok(lines)
}

/// Every (URI, suite) of the machine's own sources.
fn sources() -> Vec<(String, String)> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(dir) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(dir.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|ext| ext.to_str()) {
            Some("list") => found.extend(one_line(&text)),
            Some("sources") => found.extend(deb822(&text)),
            _ => {}
        }
    }
    found
}

/// `deb [options] URI suite component…`
fn one_line(text: &str) -> Vec<(String, String)> {
    let entry = |line: &str| {
        let line = line.split('#').next()?.trim();
        let rest = line.strip_prefix("deb ")?.trim_start();
        let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
        let mut words = rest.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    text.lines().filter_map(entry).collect()
}

/// Stanzas of `Field: values`, as in sources.list.d/*.sources.
fn deb822(text: &str) -> Vec<(String, String)> {
    let text: String =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line.trim_end(), "\n"]).collect();
    let mut found = Vec::new();
    for stanza in text.split("\n\n") {
        // A line that starts with a blank continues the field before it.
        let stanza = stanza.replace("\n ", " ").replace("\n\t", " ");
        let field = |key: &str| {
            stanza.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(key).then(|| value.trim().to_owned())
            })
        };
        let on = field("Enabled").is_none_or(|value| value != "no");
        let (Some(types), Some(uris), Some(suites)) = (field("Types"), field("URIs"), field("Suites")) else {
            continue;
        };
        if on && types.split_whitespace().any(|kind| kind == "deb") {
            for uri in uris.split_whitespace() {
                found.extend(suites.split_whitespace().map(|suite| (uri.to_owned(), suite.to_owned())));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(uri: &str, suite: &str) -> (String, String) {
        (uri.to_owned(), suite.to_owned())
    }

    #[test]
    fn one_line_format() {
        let text = "# deb http://a/ x main\ndeb [arch=amd64 signed-by=/k] http://m/debian bookworm main\ndeb-src http://m/debian bookworm main\n";
        assert_eq!(one_line(text), [pair("http://m/debian", "bookworm")]);
    }

    #[test]
    fn deb822_format() {
        let text = "Types: deb\n# a note\nURIs: http://m/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n\nEnabled: no\nTypes: deb\nURIs: http://n/\nSuites: sid\n\nTypes: deb-src\nURIs: http://o/\nSuites: sid\n";
        assert_eq!(
            deb822(text),
            [pair("http://m/debian", "bookworm"), pair("http://m/debian", "bookworm-updates")]
        );
    }
}
