//! Rules of every compiled policy, whoever wrote it: gatekeeper protects itself.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Verdict;

use crate::approval::Terms;
use crate::document::Severity;
use crate::error::PolicyError;
use crate::links::{Follow, Links};
use crate::pattern::{Pattern, escape};
use crate::rules::{Rule, Subject, Written, all_of};

/// The places that no session may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Files and folders (with all below) that may be read and never changed.
    pub guarded: Vec<PathBuf>,
    /// Of those, the ones that may not be read either.
    pub secret: Vec<PathBuf>,
}

impl Default for Places {
    fn default() -> Self {
        let guarded = [
            "/etc/gatekeeper",
            "/usr/share/gatekeeper",
            "/usr/bin/gatekeeper",
            "/var/lib/gatekeeper",
            "/run/gatekeeper",
            "/sys/fs/bpf",
            "/sys/fs/cgroup",
            "/etc/systemd/system/gatekeeper.service",
            "/etc/systemd/system/gatekeeper.service.d",
            "/usr/lib/systemd/system/gatekeeper.service",
            "/usr/lib/systemd/system/gatekeeper.service.d",
            "/run/systemd",
        ];
        Self { guarded: guarded.map(PathBuf::from).to_vec(), secret: vec!["/var/lib/gatekeeper".into()] }
    }
}

const REASON: &str = "gatekeeper protects itself";

/// The rules, numbered from 0.
///
/// # Errors
/// Where a place is no path that a pattern can be made of.
pub fn rules(places: &Places, links: &dyn Links) -> Result<Vec<Rule>, PolicyError> {
    let below = |path: &PathBuf| [quoted(path), b"/**".to_vec()].concat();
    let guarded = places.guarded.iter().map(below).collect();
    let secret = places.secret.iter().map(below).collect();
    // Renaming a folder above would carry what is below out of its rule.
    let above =
        |path: &PathBuf| path.ancestors().skip(1).map(quoted).filter(|p| !p.is_empty()).collect::<Vec<_>>();
    let mut above: Vec<Vec<u8>> = places.guarded.iter().flat_map(above).collect();
    above.sort();
    above.dedup();
    let look = Operation::Read.bit() | Operation::Map.bit();
    let change = all_of(Family::File) & !look;
    let lists =
        [("guarded", guarded, change), ("secret", secret, look), ("above", above, Operation::Rename.bit())];
    let filled = lists.into_iter().filter(|(_, paths, _): &(_, Vec<Vec<u8>>, _)| !paths.is_empty());
    filled.zip(0..).map(|((name, paths, bits), number)| rule(number, name, paths, bits, links)).collect()
}

/// The pattern that matches this path alone; nothing for the root directory.
fn quoted(path: impl AsRef<Path>) -> Vec<u8> {
    let mut text = Vec::new();
    let bytes = path.as_ref().as_os_str().as_bytes();
    escape(bytes.strip_suffix(b"/").unwrap_or(bytes), &mut text);
    text
}

fn rule(
    number: u32,
    name: &str,
    paths: Vec<Vec<u8>>,
    operations: u32,
    links: &dyn Links,
) -> Result<Rule, PolicyError> {
    let mut written = Vec::new();
    for text in paths {
        let patterns = Pattern::parse(&text).map_err(|error| {
            PolicyError::whole("", format!("gatekeeper's own places: {error}"), "correct the configuration")
        })?;
        written.push(Written::new(
            String::from_utf8_lossy(&text).into_owned(),
            text,
            patterns,
            links,
            Follow::All,
        ));
    }
    Ok(Rule {
        number,
        id: format!("gatekeeper/{name}"),
        verdict: Verdict::Deny,
        required: false,
        operations,
        subject: Subject::Paths(written),
        reason: Some(REASON.to_owned()),
        severity: Severity::Critical,
        tags: Vec::new(),
        terms: Terms::default(),
        file: "(built in)".to_owned(),
        line: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::NoLinks;

    #[test]
    fn folders_above_may_not_be_renamed() {
        let rules = rules(&Places::default(), &NoLinks).unwrap();
        let Subject::Paths(above) = &rules[2].subject else { panic!("paths") };
        let texts: Vec<_> = above.iter().map(|written| written.text.as_str()).collect();
        assert!(texts.contains(&"/etc") && texts.contains(&"/sys/fs") && !texts.contains(&"/"), "{texts:?}");
        assert_eq!(rules[2].operations, Operation::Rename.bit());
    }

    #[test]
    fn places_with_odd_names_are_literal() {
        let places = Places { guarded: vec!["/srv/a*b/".into()], secret: Vec::new() };
        let rules = rules(&places, &NoLinks).unwrap();
        let Subject::Paths(written) = &rules[0].subject else { panic!("paths") };
        assert_eq!(written[0].text, r"/srv/a\*b/**");
    }
}
