//! Other files and links on this machine by which the program of a rule about arguments can be started.
//!
//! A rule names real paths. A second file with the same content is another program to it, and a link with another name
//! can make one program do something else with the same arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Serialize;

use crate::pattern::{Component, Pattern};
use crate::programs::{Found, Programs};
use crate::reference::matches_text;
use crate::rules::{Rule, Subject, Written};

/// The relation of another name to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same file under another path.
    HardLink,
    /// Another file with the same content.
    Copy,
    /// A symbolic link with another name.
    Link,
}

/// The other names of one kind that a rule's programs have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherNames {
    /// The rule's id.
    pub rule: String,
    /// Their relation to the program.
    pub kind: Kind,
    /// The paths, in order.
    pub paths: Vec<String>,
}

/// The other names by which a rule can be passed; none of a rule that lets its programs start.
#[must_use]
pub fn beside(found: &Programs, rule: &Rule) -> Vec<OtherNames> {
    let Subject::Arguments(programs, asked) = &rule.subject else { return Vec::new() };
    if !rule.forbids() {
        return Vec::new();
    }
    let rules_own = Named::of(programs);
    let (own, others): (Vec<&Found>, Vec<&Found>) =
        found.all().iter().partition(|found| rules_own.contains(&found.real));
    // A rule that says what each name means, or names one, has thought of the others.
    let any_name = asked.names.is_none() && asked.subcommand.is_none();
    let mut names: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let mut add = |kind, found: &Found| names.entry(kind).or_default().push(found.path.display().to_string());
    for link in own.iter().filter(|found| any_name && found.path != found.real) {
        if !rules_own.contains(&link.path) && link.path.file_name() != link.real.file_name() {
            add(Kind::Link, link);
        }
    }
    for other in others.into_iter().filter(|other| other.path == other.real) {
        if own.iter().any(|program| program.identity == other.identity) {
            add(Kind::HardLink, other);
        } else if own.iter().any(|program| is_same_content(program, other)) {
            add(Kind::Copy, other);
        }
    }
    names.into_iter().map(|(kind, paths)| OtherNames { rule: rule.id.clone(), kind, paths }).collect()
}

/// The programs that a rule names.
struct Named {
    literal: BTreeSet<Vec<u8>>,
    patterns: Vec<Vec<u8>>,
}

impl Named {
    fn of(programs: &[Written]) -> Self {
        let all = programs.iter().flat_map(Written::all);
        let (literal, patterns): (Vec<&Pattern>, Vec<&Pattern>) =
            all.partition(|pattern| pattern.components.iter().all(Component::is_literal));
        Self {
            literal: literal.into_iter().map(|pattern| pattern.prefix().1).collect(),
            patterns: patterns.into_iter().map(Pattern::text).collect(),
        }
    }

    fn contains(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_bytes();
        self.literal.contains(path) || self.patterns.iter().any(|pattern| matches_text(pattern, path))
    }
}

fn is_same_content(one: &Found, other: &Found) -> bool {
    let read = |found: &Found| fs::read(&found.real).ok();
    one.bytes > 0 && one.bytes == other.bytes && read(one).is_some_and(|bytes| Some(bytes) == read(other))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::testing::compile;

    /// The names that a rule's program has beside its own, by kind.
    fn names(folder: &Path, rule: &str) -> Vec<(Kind, Vec<String>)> {
        let place = fs::canonicalize(folder).unwrap();
        let place = place.to_str().unwrap();
        let compiled = compile(&format!("version = 1\nname = 't'\n{}", rule.replace("DIR", place))).unwrap();
        let rule = compiled.rules.iter().last().unwrap();
        let found = beside(&Programs::of(&[place]), rule);
        let base = |path: &String| path.rsplit('/').next().unwrap().to_owned();
        found.into_iter().map(|other| (other.kind, other.paths.iter().map(base).collect())).collect()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, text, mode) in
            [("tool", "a", 0o755), ("copy", "a", 0o755), ("notes", "a", 0o644), ("other", "b", 0o755)]
        {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::hard_link(at("tool"), at("second")).unwrap();
        symlink("tool", at("applet")).unwrap();
        folder
    }

    const RULE: &str = "[[exec]]\nverdict = 'deny'\nprogram = ['DIR/tool']\nargs = ['x', '**']\n";

    #[test]
    fn files_and_links_that_pass_a_rule_are_named() {
        let folder = folder();
        let all = [(Kind::HardLink, "second"), (Kind::Copy, "copy"), (Kind::Link, "applet")];
        let all = all.map(|(kind, name)| (kind, vec![name.to_owned()]));
        assert_eq!(names(folder.path(), RULE), all);
        let named = RULE.replace("args", "name = ['tool']\nargs");
        assert_eq!(names(folder.path(), &named), all[..2], "it says which name it is about");
        let wider = RULE.replace("DIR/tool'", "DIR/{tool,copy,second,applet}'");
        assert_eq!(names(folder.path(), &wider), []);
        assert_eq!(names(folder.path(), &RULE.replace("DIR/tool'", "DIR/{t,c,s,a}*'")), []);
    }

    #[test]
    fn a_rule_that_lets_start_or_looks_at_no_arguments_has_none() {
        let folder = folder();
        assert_eq!(names(folder.path(), &RULE.replace("deny", "allow")), []);
        assert_eq!(names(folder.path(), &RULE.replace("args = ['x', '**']\n", "")), []);
    }
}
