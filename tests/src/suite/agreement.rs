//! Random policies and random paths: the kernel's verdict is `explain`'s and the oracle's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use gatekeeper_policy::explain::Question;
use gatekeeper_policy::links::Disk;
use gatekeeper_policy::{Compiled, SearchPath, Vars, load, reference};

use crate::fixtures::{self, OPEN, WORK};
use crate::policies::{fill, policy};
use crate::random::Random;
use crate::runner::Test;
use crate::session::Session;
use crate::world::{POLICIES, World, in_full};

mod tree;

use tree::{Leaf, dig};

const PATHS: usize = 150;
/// Policies that are tried, and how many of them where not all runs in full.
const POLICIES_TRIED: usize = 20;
const PART_OF_POLICIES: usize = 10;
/// Questions of each policy.
const QUESTIONS: usize = 60;

pub fn tests() -> Vec<Test> {
    vec![Test::new("policy::kernel_explain_and_reference_agree", agree)]
}

fn agree(world: &World) -> Result<()> {
    let seed = Random::seed();
    tried(world, &mut Random::new(seed)).with_context(|| format!("GATEKEEPER_SUITE_SEED={seed}"))
}

fn tried(world: &World, random: &mut Random) -> Result<()> {
    let base = format!("{OPEN}/agree");
    fixtures::folder(&base)?;
    let leaves = dig(&base, PATHS, random)?;
    world.policy("agree", &policy(random, &leaves, "allow"))?;
    let mut session = world.session("agree")?;
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut policies = 0;
    let tried = if in_full() { POLICIES_TRIED } else { PART_OF_POLICIES };
    for _ in 0..tried * 2 {
        if policies == tried {
            break;
        }
        let default = if random.below(4) == 0 { "allow" } else { "deny" };
        let text = policy(random, &leaves, default);
        // Random patterns can need a larger automaton than fits.
        let Ok(compiled) = compile(&text) else { continue };
        world.policy("agree", &text)?;
        world.ask(&["reload"])?;
        policies += 1;
        for (kind, passed) in one(random, &mut session, &leaves, &compiled).with_context(|| text.clone())? {
            *seen.entry((kind, passed)).or_default() += 1;
        }
    }
    println!("  {policies} policies: {seen:?}");
    ensure!(policies == tried, "only {policies} of the random policies could be compiled");
    for needed in [("shallow", true), ("shallow", false), ("deep", true), ("deep", false), ("beyond", false)]
    {
        ensure!(seen.contains_key(&needed), "no verdict of the kind {needed:?} came up");
    }
    Ok(())
}

/// Asks the kernel, `explain` and the oracle the same things; which kinds of path passed.
fn one(
    random: &mut Random,
    session: &mut Session,
    leaves: &[Leaf],
    compiled: &Compiled,
) -> Result<Vec<(&'static str, bool)>> {
    let mut asked = Vec::new();
    let mut words = Vec::new();
    for _ in 0..QUESTIONS {
        let leaf = random.pick(leaves);
        // A folder can't be opened for writing, whoever asks.
        let ways: &[(&str, &[Operation])] = &[
            ("r", &[Operation::Read]),
            ("w", &[Operation::Write]),
            ("b", &[Operation::Write, Operation::Read]),
        ];
        let (way, operations) = if leaf.is_folder { ways[0] } else { *random.pick(ways) };
        words.push(way.as_bytes().to_vec());
        words.push(leaf.path.clone());
        asked.push((leaf, operations));
    }
    let answers = session.must("open-each-way", &words)?;
    ensure!(answers.len() == asked.len(), "{} answers to {} questions", answers.len(), asked.len());
    let mut seen = Vec::new();
    for ((leaf, operations), answer) in asked.into_iter().zip(answers) {
        let question = Question::File(leaf.path.clone(), operations.to_vec());
        let explained = compiled.explain(&question);
        let passes = explained.passes();
        let kernel = match answer {
            b'l' => true,
            b'r' => false,
            other => anyhow::bail!("{:?} failed otherwise: {}", leaf.shown(), other as char),
        };
        ensure!(
            kernel == passes,
            "{operations:?} of {:?}: the kernel answered {kernel}, explain {:?} by {:?} ({:?})",
            leaf.shown(),
            explained.verdict,
            explained.rule.map(|rule| &rule.id),
            explained.cause
        );
        if question.unresolved().is_none() {
            let oracle = reference::judge(compiled.rules.iter(), &compiled.defaults, &question).verdict();
            let oracle = oracle.is_some_and(|verdict| verdict <= Verdict::Audit);
            ensure!(kernel == oracle, "{operations:?} of {:?}: the oracle answers {oracle}", leaf.shown());
        }
        seen.push((leaf.kind(), kernel));
    }
    Ok(seen)
}

fn compile(text: &str) -> Result<Compiled> {
    let file = Path::new("/run/gatekeeper-suite/agree.toml");
    fs::write(file, text).context("writing a policy")?;
    let vars = Vars::new(Path::new(WORK), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s");
    let search = SearchPath { directories: vec![POLICIES.into()] };
    let name = file.to_string_lossy();
    Ok(load(&name, &search)?.resolve(&vars, &Disk::default())?.compile()?)
}

/// A policy whose patterns are made of paths that are there.
fn policy(random: &mut Random, leaves: &[Leaf], default: &str) -> String {
    let mut text = fill(policy!("agreement"), &[("DEFAULT", default)]);
    for _ in 0..2 + random.below(6) {
        let verdict = *random.pick(&["allow", "allow", "allow", "audit", "deny", "ask"]);
        let patterns: Vec<String> = (0..=random.below(3))
            .map(|_| {
                let path = random.pick(leaves).path.clone();
                quoted(&pattern(random, &path))
            })
            .collect();
        text += &format!("[[file]]\nverdict = \"{verdict}\"\npath = [{}]\n", patterns.join(", "));
        if random.below(2) == 0 {
            text +=
                &format!("access = [{}]\n", random.pick(&["\"read\"", "\"write\"", "\"read\", \"write\""]));
        }
    }
    text
}

/// A pattern that matches the path or comes near.
fn pattern(random: &mut Random, path: &[u8]) -> String {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').skip(1).collect();
    let mut pieces: Vec<String> = Vec::new();
    // The folders above the fixtures are always there, so that patterns don't all miss.
    let fixed = 4;
    let (mut deep, mut at) = (0, 0);
    while at < names.len() {
        let left = names.len() - at;
        // Long paths have to be cut short: a pattern has its limits, too.
        if at >= fixed && deep < 2 && (left > 12 || random.below(5) == 0) {
            pieces.push("**".into());
            deep += 1;
            at += 1 + if left > 12 { left - 3 } else { random.below(left) };
            continue;
        }
        pieces.push(if at < fixed { literal(names[at]) } else { piece(random, names[at]) });
        at += 1;
    }
    if random.below(4) == 0 && pieces.last().is_some_and(|last| last != "**") {
        pieces.push("**".into());
    }
    format!("/{}", pieces.join("/"))
}

/// A component that matches the name or comes near.
fn piece(random: &mut Random, name: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(name) else {
        return (*random.pick(&["*", "?*", "[!a]*"])).to_owned();
    };
    let first = text.chars().next().unwrap_or('x');
    let rest = &text[first.len_utf8()..];
    match random.below(8) {
        0 => "*".into(),
        1 => format!("{}*", literal(first.to_string().as_bytes())),
        2 => format!("?{}", literal(rest.as_bytes())),
        3 => "[!b-d]*".into(),
        4 => format!("{{{},zzz}}", literal(name)),
        5 if first.is_ascii_alphanumeric() => format!("[{first}x]{}", literal(rest.as_bytes())),
        _ => literal(name),
    }
}

/// Text that stands for itself in a pattern; for what is no text, something that matches it.
fn literal(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) => text
            .chars()
            .flat_map(|c| {
                let plain = c.is_alphanumeric() || !c.is_ascii() || c == '.' || c == '_';
                (!plain).then_some('\\').into_iter().chain([c])
            })
            .collect(),
        Err(_) => "*".into(),
    }
}

/// Returns text as a TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\U{:08x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
