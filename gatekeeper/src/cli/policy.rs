//! `gatekeeper policy`: check, explain, test, show, schema. Printing only.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;

use crate::policy::caller::Given;
use crate::policy::explain::Question;
use crate::policy::links::Disk;
use crate::policy::selftest;
use crate::policy::view::{AnswerView, Named, RuleView, object};
use crate::policy::{self, Compiled, Policy, PolicyError, Resolved, SearchPath, Vars};

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
    /// What a policy says of one operation, and which rules said so.
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

#[derive(Debug, Subcommand)]
enum Asked {
    /// Start a program.
    Exec {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGV")]
        argv: Vec<OsString>,
    },
    /// Use a file.
    File {
        /// The file.
        path: PathBuf,
        /// How; several are judged together.
        #[arg(required = true)]
        access: Vec<AccessArg>,
    },
    /// Use an address.
    Net {
        /// Address and port: 93.184.216.34:443, [::1]:80.
        address: String,
        /// How.
        #[arg(long, default_value = "connect")]
        operation: ReachArg,
        /// Over which protocol.
        #[arg(long, default_value = "tcp")]
        protocol: ProtocolArg,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AccessArg {
    Read,
    Write,
    Create,
    Delete,
    Rename,
    Link,
    Metadata,
    Map,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReachArg {
    Connect,
    Bind,
    Send,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProtocolArg {
    Tcp,
    Udp,
    Other,
}

impl From<AccessArg> for Operation {
    fn from(access: AccessArg) -> Self {
        match access {
            AccessArg::Read => Self::Read,
            AccessArg::Write => Self::Write,
            AccessArg::Create => Self::Create,
            AccessArg::Delete => Self::Delete,
            AccessArg::Rename => Self::Rename,
            AccessArg::Link => Self::Link,
            AccessArg::Metadata => Self::Metadata,
            AccessArg::Map => Self::Map,
        }
    }
}

impl From<ReachArg> for Operation {
    fn from(reach: ReachArg) -> Self {
        match reach {
            ReachArg::Connect => Self::Connect,
            ReachArg::Bind => Self::Bind,
            ReachArg::Send => Self::Send,
        }
    }
}

impl From<ProtocolArg> for Protocol {
    fn from(protocol: ProtocolArg) -> Self {
        match protocol {
            ProtocolArg::Tcp => Self::Tcp,
            ProtocolArg::Udp => Self::Udp,
            ProtocolArg::Other => Self::Other,
        }
    }
}

/// Runs the command; a policy that is refused is an answer, printed, with a failing exit status.
pub fn run(args: PolicyArgs) -> anyhow::Result<ExitCode> {
    let setting = Setting::new(args.given)?;
    match args.command {
        Command::Check { files } => check(&setting, &files),
        Command::Explain { file, question } => explain(&setting, &file, question),
        Command::Test { file } => test(&setting, &file),
        Command::Show { file } => show(&setting, &file),
        Command::Schema => {
            anstream::println!("{}", serde_json::to_string_pretty(&policy::schema::schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What every command needs: where policies are, what variables stand for, how to print.
struct Setting {
    search: SearchPath,
    vars: Vars,
    links: Disk,
    json: bool,
}

impl Setting {
    fn new(given: GivenArgs) -> anyhow::Result<Self> {
        let mut search = SearchPath::default();
        if !given.policies.is_empty() {
            search.directories = given.policies;
        }
        let (workspace, user, home) = (given.workspace, given.user, given.home);
        let vars = Given { workspace, user, home, tmp: given.tmp, session: given.session }.vars()?;
        Ok(Self { search, vars, links: Disk::default(), json: given.json })
    }

    fn load(&self, file: &str) -> Result<(Policy, Resolved), PolicyError> {
        let policy = policy::load(file, &self.search)?;
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

fn check(setting: &Setting, files: &[String]) -> anyhow::Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    for file in files {
        let checked = setting.load(file).and_then(|(_, resolved)| {
            let tests = resolved.tests.len();
            Ok((resolved.compile()?, tests))
        });
        match checked {
            Ok((compiled, tests)) => {
                let (rules, image) = (compiled.rules.len(), &compiled.image);
                if setting.json {
                    line(&serde_json::json!({
                        "file": file, "ok": true, "name": compiled.name, "rules": rules, "tests": tests,
                        "rows": image.rows(), "edges": image.edges(),
                        "size": format!("{:?}", image.size()).to_lowercase(),
                    }))?;
                } else {
                    let good = paint("ok", "allow");
                    anstream::println!(
                        "{good}  {}  {rules} rules, {tests} tests passed, {} table entries",
                        compiled.name,
                        image.edges()
                    );
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

fn questions(setting: &Setting, asked: Asked) -> Result<Vec<Question>, PolicyError> {
    match asked {
        Asked::Exec { argv } => {
            policy::ask::exec(&argv.into_iter().next().unwrap_or_default(), &setting.links)
        }
        Asked::File { path, access } => {
            let operations = access.into_iter().map(Operation::from).collect();
            Ok(vec![policy::ask::file(&path, operations, &setting.links)?])
        }
        Asked::Net { address, operation, protocol } => {
            Ok(vec![policy::ask::net(&address, protocol.into(), operation.into())?])
        }
    }
}

fn explain(setting: &Setting, file: &str, asked: Asked) -> anyhow::Result<ExitCode> {
    let compiled = setting.compiled(file)?;
    for question in questions(setting, asked)? {
        let answer = AnswerView::new(&question, &compiled.explain(&question));
        if setting.json {
            line(&answer)?;
            continue;
        }
        anstream::println!(
            "{}  {} {}",
            paint(answer.verdict, answer.verdict),
            answer.operation,
            answer.object
        );
        if let Some(cause) = answer.cause {
            anstream::println!("  denied: {cause}");
        }
        match (&answer.rule, answer.default) {
            (Some(rule), _) => anstream::println!("  by    {}", named(rule)),
            (None, Some(default)) => anstream::println!("  by    no rule; [defaults] {default}"),
            (None, None) => anstream::println!("  by    a limit of the kernel side"),
        }
        for rule in &answer.also {
            anstream::println!("  also  {}", named(rule));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn named(rule: &Named<'_>) -> String {
    let reason = rule.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let place = place(rule.file, rule.line);
    format!("{} {} {place}{reason}", paint(rule.verdict, rule.verdict), rule.id)
}

fn place(file: &str, line: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("({file}:{line})") }
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
    let defaults = &compiled.defaults;
    let defaults = [("exec", defaults.exec), ("file", defaults.file), ("net", defaults.net)];
    let vars =
        || setting.vars.iter().map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
    if setting.json {
        let words: serde_json::Map<_, _> =
            defaults.iter().map(|(kind, verdict)| ((*kind).to_owned(), verdict.name().into())).collect();
        let vars: serde_json::Map<_, _> =
            vars().map(|(name, value)| (name.to_owned(), value.into())).collect();
        line(&serde_json::json!({
            "policy": policy.name, "description": policy.description, "documents": parts,
            "defaults": words, "vars": vars,
        }))?;
        for rule in compiled.rules.iter() {
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
    for rule in compiled.rules.iter() {
        print_rule(&RuleView::from(rule));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_rule(rule: &RuleView<'_>) {
    let reason = rule.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    anstream::println!();
    anstream::println!(
        "{}  {}  {}{reason}",
        paint(rule.verdict, rule.verdict),
        rule.id,
        place(rule.file, rule.line)
    );
    let over = rule.protocol.map(|protocol| format!(" over {protocol:?}").to_lowercase()).unwrap_or_default();
    anstream::println!("  {}{over}", rule.operations.join(" "));
    for path in &rule.paths {
        if path.written == path.pattern {
            anstream::println!("    {}", path.pattern);
        } else {
            anstream::println!("    {}  ({})", path.pattern, path.written);
        }
        for real in &path.resolved {
            anstream::println!("      → {real}");
        }
    }
    for address in &rule.to {
        anstream::println!("    {address}");
    }
}

/// A word in the colour of a verdict; `anstream` drops the colour where nobody would see it.
fn paint(word: &str, verdict: &str) -> String {
    let colour = match verdict {
        "allow" => AnsiColor::Green,
        "audit" => AnsiColor::Cyan,
        "ask" => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{word}{style:#}")
}
