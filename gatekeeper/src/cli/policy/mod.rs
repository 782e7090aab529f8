//! `gatekeeper policy`: check, explain, test, show, schema. Printing only.

mod print;
mod question;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::Verdict;

use self::print::{paint, print_answer, print_other_names, print_rule};
use self::question::Asked;
use crate::config::Config;
use crate::session::policy::guard;
use gatekeeper_kernel::unsupported;
use gatekeeper_policy::caller::Given;
use gatekeeper_policy::links::Disk;
use gatekeeper_policy::other_names;
use gatekeeper_policy::programs::{FOLDERS, Programs};
use gatekeeper_policy::question::Question;
use gatekeeper_policy::selftest;
use gatekeeper_policy::view::{AnswerView, RuleView, object};
use gatekeeper_policy::{self, Compiled, Policy, PolicyError, Resolved, SearchPath, Vars};

/// Look at policies without enforcing them.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    given: GivenArgs,
}

#[derive(Debug, Args)]
struct GivenArgs {
    /// Print JSON Lines, one object a line.
    #[arg(long, global = true)]
    json: bool,
    /// The workspace, ${workspace} [default: the current folder].
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The user, ${user} [default: the caller].
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// The home folder, ${home} [default: the user's].
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The folder for temporary files, ${tmp} [default: /tmp].
    #[arg(long, global = true, value_name = "DIR")]
    tmp: Option<PathBuf>,
    /// The session's name, ${session}.
    #[arg(long, global = true, value_name = "NAME")]
    session: Option<String>,
    /// Look for policies by name here; may be repeated [default: gatekeeper's policy directories].
    #[arg(long, global = true, value_name = "DIR")]
    policies: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load and compile policies, run their tests, and say whether they are fit to enforce.
    Check {
        /// Policies, by file or by name.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Explain a policy's verdict on one operation, and the rules that gave it.
    Explain {
        /// The policy, by file or by name.
        #[arg(value_name = "FILE")]
        file: String,
        #[command(subcommand)]
        question: Asked,
    },
    /// Run a policy's tests and list each.
    Test {
        /// The policy, by file or by name.
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// A policy as it is enforced: variables put in, links followed, what it extends merged in.
    Show {
        /// The policy, by file or by name.
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// The grammar as JSON Schema, for editors.
    Schema,
}

/// Runs the command; a policy that is refused is an answer, printed, with a failing exit status.
///
/// # Errors
/// Where the options are wrong, the policies can't be read, or standard output fails.
pub fn run(config: Config, args: PolicyArgs) -> anyhow::Result<ExitCode> {
    let setting = Setting::new(config, args.given)?;
    match args.command {
        Command::Check { files } => check(&setting, &files),
        Command::Explain { file, question } => explain(&setting, &file, question),
        Command::Test { file } => test(&setting, &file),
        Command::Show { file } => show(&setting, &file),
        Command::Schema => {
            anstream::println!("{}", serde_json::to_string_pretty(&gatekeeper_policy::schema::schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Context of every command: the policies' directories, the variables' values, the form of output.
struct Setting {
    config: Config,
    search: SearchPath,
    vars: Vars,
    links: Disk,
    json: bool,
}

impl Setting {
    fn new(config: Config, given: GivenArgs) -> anyhow::Result<Self> {
        let named = !given.policies.is_empty();
        let directories = if named { given.policies } else { config.policies.clone() };
        let search = SearchPath { directories };
        let (workspace, user, home) = (given.workspace, given.user, given.home);
        let vars = Given { workspace, user, home, tmp: given.tmp, session: given.session }.vars()?;
        Ok(Self { config, search, vars, links: Disk::default(), json: given.json })
    }

    fn load(&self, file: &str) -> Result<(Policy, Resolved), PolicyError> {
        let mut policy = gatekeeper_policy::load(file, &self.search)?;
        guard(&mut policy.places, &self.config);
        let resolved = policy.resolve(&self.vars, &self.links)?;
        Ok((policy, resolved))
    }

    fn compiled(&self, file: &str) -> Result<Compiled, PolicyError> {
        Ok(self.load(file)?.1.compile_untested()?.0)
    }
}

fn line(value: &impl serde::Serialize) -> anyhow::Result<()> {
    anstream::println!("{}", serde_json::to_string(value).context("writing JSON")?);
    Ok(())
}

/// Whether a policy lets its sessions use a capability, by its number.
fn allows(compiled: &Compiled, capability: u8) -> bool {
    let (_, cell) = compiled.judge(&Question::Capability(capability));
    matches!(cell.verdict(), Some(Verdict::Allow | Verdict::Audit))
}

fn check(setting: &Setting, files: &[String]) -> anyhow::Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    let unsupported = unsupported::here();
    let mut programs = None;
    for file in files {
        let checked = setting.load(file).and_then(|(_, resolved)| {
            let tests = resolved.tests.len();
            Ok((resolved.compile()?, tests))
        });
        match checked {
            Ok((compiled, tests)) => {
                let (rules, image) = (compiled.rules.len(), &compiled.image);
                let gaps: Vec<_> = unsupported
                    .iter()
                    .filter(|one| one.concerns(|capability| allows(&compiled, capability)))
                    .collect();
                let few: Vec<_> = compiled
                    .rules
                    .iter()
                    .filter(|rule| rule.verdict == Verdict::Ask)
                    .filter_map(|rule| Some((rule, rule.terms.too_few()?)))
                    .collect();
                let programs = programs.get_or_insert_with(|| Programs::of(FOLDERS));
                let others: Vec<_> =
                    compiled.rules.iter().flat_map(|rule| other_names::beside(programs, rule)).collect();
                if setting.json {
                    let few: Vec<_> = few
                        .iter()
                        .map(|(rule, why)| serde_json::json!({ "rule": rule.id, "reason": why }))
                        .collect();
                    line(&serde_json::json!({
                        "file": file, "ok": true, "name": compiled.name, "rules": rules, "tests": tests,
                        "rows": image.rows(), "edges": image.edges(),
                        "size": format!("{:?}", image.size()).to_lowercase(), "not_enforced": gaps,
                        "too_few_approvers": few, "other_names": others,
                    }))?;
                } else {
                    let good = paint("ok", "allow");
                    anstream::println!(
                        "{good}  {}  {rules} rules, {tests} tests passed, {} table entries",
                        compiled.name,
                        image.edges()
                    );
                    for gap in gaps {
                        let mark = paint("not enforced by this kernel", "audit");
                        anstream::println!("    {mark}  {}: {}", gap.operation, gap.description);
                    }
                    for (rule, why) in few {
                        let mark = paint("too few may approve", "audit");
                        anstream::println!("    {mark}  {} ({}:{}): {why}", rule.id, rule.file, rule.line);
                    }
                    others.iter().for_each(print_other_names);
                }
            }
            Err(error) => {
                status = ExitCode::FAILURE;
                if setting.json {
                    line(&serde_json::json!({ "file": file, "ok": false, "error": error }))?;
                } else {
                    anstream::eprintln!("{error}");
                }
            }
        }
    }
    Ok(status)
}

fn explain(setting: &Setting, file: &str, asked: Asked) -> anyhow::Result<ExitCode> {
    let compiled = setting.compiled(file)?;
    for question in asked.questions(&setting.links)? {
        let answer = AnswerView::new(&question, &compiled.explain(&question));
        if setting.json {
            line(&answer)?;
            continue;
        }
        print_answer(&answer);
    }
    Ok(ExitCode::SUCCESS)
}

fn test(setting: &Setting, file: &str) -> anyhow::Result<ExitCode> {
    let (_, resolved) = setting.load(file)?;
    let (compiled, tests) = resolved.compile_untested()?;
    let mut failed = 0;
    for test in &tests {
        let outcome = selftest::ask(&compiled, test);
        failed += usize::from(outcome.is_err());
        if setting.json {
            line(&serde_json::json!({
                "test": test.shown, "object": object(&test.question), "expect": test.expect.name(),
                "file": test.file, "line": test.line, "ok": outcome.is_ok(), "error": outcome.err(),
            }))?;
            continue;
        }
        match outcome {
            Ok(()) => anstream::println!("{}  {} {}", paint("ok", "allow"), test.expect.name(), test.shown),
            Err(error) => anstream::println!("{}  {error}", paint("failed", "deny")),
        }
    }
    if !setting.json {
        anstream::println!("{} tests, {failed} failed", tests.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(setting: &Setting, file: &str) -> anyhow::Result<ExitCode> {
    let (policy, resolved) = setting.load(file)?;
    let (compiled, _) = resolved.compile_untested()?;
    let parts: Vec<_> = policy.documents.iter().map(|part| (&part.name, &part.source.name)).collect();
    let defaults = compiled.defaults.named();
    let required: Vec<_> = compiled.defaults.required.classes().map(Family::name).collect();
    let vars =
        || setting.vars.iter().map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
    if setting.json {
        let words: serde_json::Map<_, _> =
            defaults.iter().map(|(kind, verdict)| ((*kind).to_owned(), verdict.name().into())).collect();
        let vars: serde_json::Map<_, _> =
            vars().map(|(name, value)| (name.to_owned(), value.into())).collect();
        line(&serde_json::json!({
            "policy": policy.name, "description": policy.description, "documents": parts,
            "defaults": words, "arguments": compiled.defaults.arguments, "record_required": required, "vars": vars,
        }))?;
        for rule in &compiled.rules {
            line(&RuleView::from(rule))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let about = policy.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    anstream::println!("{}{about}", policy.name);
    for (name, source) in parts {
        anstream::println!("  from  {name}  {source}");
    }
    for (name, value) in vars() {
        anstream::println!("  ${{{name}}} = {value}");
    }
    for (kind, verdict) in defaults {
        anstream::println!("  default  {kind}  {}", paint(verdict.name(), verdict.name()));
    }
    anstream::println!("  arguments  {} bytes", compiled.defaults.arguments);
    if !required.is_empty() {
        anstream::println!("  record required  {}", required.join(" "));
    }
    for rule in &compiled.rules {
        print_rule(&RuleView::from(rule));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_allowed_where_a_rule_allows_it() {
        const CAP_PERFMON: u8 = 38;
        let policy = |rules: &str| {
            let text = format!("version = 1\nname = \"x\"\n{rules}");
            gatekeeper_policy::testing::compile(&text).unwrap()
        };
        assert!(!allows(&policy(""), CAP_PERFMON));
        let all = policy("[[capability]]\nverdict = \"allow\"\ncapability = [\"*\"]\n");
        assert!(allows(&all, CAP_PERFMON));
    }
}
