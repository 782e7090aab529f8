//! An attack, read from the header of its file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::worker::{POLICY, ROOT_POLICY};
use crate::world::User;

/// The attacker's goal; the runner checks it itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The attack prints the token that it must not be able to read.
    Read,
    /// A program of the attacker's own runs: it prints the mark backwards.
    Run,
    /// Something that is guarded or watched is no longer as it was.
    Change,
    /// A listener outside, or the wire, has seen the mark.
    Reach,
    /// The victim, a process outside, has ended, stopped or been changed.
    Harm,
    /// The daemon does not do its work any more.
    Daemon,
    /// The attacker has a descriptor whose name in /proc begins so, or a socket of this family's number.
    Hold(String),
}

/// The language of an attack, which decides how it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    C,
    Python,
    Bash,
}

/// One file below `tests/escapes`.
#[derive(Clone, Debug)]
pub struct Attack {
    /// `door/name`.
    pub name: String,
    pub goal: Goal,
    pub user: User,
    pub kind: Kind,
    /// A shell command that succeeds where this kernel has what the attack needs.
    pub needs: Option<String>,
    /// Shell commands of root's, before and after.
    pub first: Option<String>,
    pub undo: Option<String>,
    /// Further places that may not change.
    pub watch: Vec<String>,
    /// Whether it is after the victim.
    pub victim: bool,
    /// Whether it comes after all others, in a session first: its effect outside is not repaired.
    pub last: bool,
    /// Nothing else may run meanwhile.
    pub alone: bool,
    /// The policy of the session that it runs in.
    pub policy: &'static str,
    /// The reason why no event records it where it is blocked.
    pub unrecorded: Option<String>,
}

impl Attack {
    pub fn door(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// All attacks below a folder, by name.
pub fn all(folder: &Path) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for door in fs::read_dir(folder).with_context(|| format!("the attacks in {}", folder.display()))? {
        let door = door?.path();
        if !door.is_dir() {
            continue;
        }
        for file in fs::read_dir(&door)? {
            let file = file?.path();
            attacks.push(read(&file).with_context(|| format!("attack {}", file.display()))?);
        }
    }
    attacks.sort_by(|one, other| one.name.cmp(&other.name));
    let twice = attacks.windows(2).find(|pair| pair[0].name == pair[1].name);
    ensure!(twice.is_none(), "two attacks are called {}", twice.map_or("", |pair| &pair[0].name));
    Ok(attacks)
}

fn read(file: &Path) -> Result<Attack> {
    let part =
        |part: Option<&std::ffi::OsStr>| part.and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let door = part(file.parent().and_then(Path::file_name));
    let name = format!("{door}/{}", part(file.file_stem()));
    let kind = match part(file.extension()).as_str() {
        "c" => Kind::C,
        "py" => Kind::Python,
        "sh" => Kind::Bash,
        other => bail!("no attack ends in {other:?}"),
    };
    parse(name, kind, &fs::read_to_string(file)?)
}

/// The keys that a header may have.
const KEYS: [&str; 14] = [
    "tries",
    "works",
    "see",
    "goal",
    "user",
    "needs",
    "first",
    "undo",
    "watch",
    "alone",
    "capability",
    "last",
    "unrecorded",
    "note",
];

fn parse(name: String, kind: Kind, text: &str) -> Result<Attack> {
    let fields = header(text, if kind == Kind::C { "//" } else { "#" });
    if let Some((key, _)) = fields.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
        bail!("unknown key {key:?}");
    }
    let field = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    for key in ["tries", "works", "see"] {
        ensure!(field(key).is_some_and(|text| text.len() > 5), "has no {key}");
    }
    let goal = field("goal").context("has no goal")?;
    let goal = match goal.split_once(' ').unwrap_or((&goal, "")) {
        ("read", "") => Goal::Read,
        ("run", "") => Goal::Run,
        ("change", "") => Goal::Change,
        ("reach", "") => Goal::Reach,
        ("harm", "") => Goal::Harm,
        ("daemon", "") => Goal::Daemon,
        ("hold", what) if !what.is_empty() => Goal::Hold(what.to_owned()),
        _ => bail!("unknown goal {goal:?}"),
    };
    let user = match field("user").as_deref() {
        None | Some("dev") => User::Dev,
        Some("root") => User::Root,
        Some(other) => bail!("unknown user {other:?}"),
    };
    let watch: Vec<String> =
        field("watch").map(|list| list.split(' ').map(str::to_owned).collect()).unwrap_or_default();
    Ok(Attack {
        name,
        user,
        kind,
        needs: field("needs"),
        first: field("first"),
        undo: field("undo"),
        victim: goal == Goal::Harm || text.contains("VICTIM") || text.contains("WORKER"),
        last: field("last").is_some(),
        // What is outside the worker's folders is everybody's.
        alone: field("alone").is_some()
            || field("last").is_some()
            || watch.iter().any(|place| !place.starts_with('$')),
        // Where a rule about a capability is what blocks it, not all are allowed.
        policy: if user == User::Root && field("capability").is_none() { ROOT_POLICY } else { POLICY },
        unrecorded: field("unrecorded"),
        watch,
        goal,
    })
}

/// `key: value` lines of the comment that a file begins with; a line without a key goes on with the last.
fn header(text: &str, comment: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip_while(|line| line.starts_with("#!")) {
        let Some(line) = line.strip_prefix(comment) else { break };
        match line.trim().split_once(": ") {
            Some((key, value)) if key.bytes().all(|byte| byte.is_ascii_lowercase()) && !key.is_empty() => {
                fields.push((key.to_owned(), value.trim().to_owned()));
            }
            _ => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_has_a_header() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("escapes");
        let attacks = all(&folder).unwrap();
        assert!(attacks.len() >= 120, "{} attacks", attacks.len());
        super::super::known::read(&folder.join("KNOWN"), &attacks).unwrap();
    }

    #[test]
    fn a_header_names_all_its_keys() {
        let good = "// tries: one thing and another\n//   and more\n// works: because nobody looks\n\
                    // see: open(2), of course\n// goal: hold socket:17\nint main;";
        let attack = parse("a/b".into(), Kind::C, good).unwrap();
        assert_eq!(attack.goal, Goal::Hold("socket:17".into()));
        assert!(parse("a/b".into(), Kind::C, &good.replace("goal", "gaol")).is_err());
        assert!(parse("a/b".into(), Kind::C, &good.replace("hold", "wish")).is_err());
        assert!(parse("a/b".into(), Kind::C, &good.replace("// see", "// ")).is_err());
    }
}
