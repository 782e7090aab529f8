//! Every hook's `// proto:` line against the BTF of every kernel of the matrix.
//!
//! A program reads its arguments by their number, so one that the kernel puts elsewhere is read as something
//! else and nothing shows it. Above each hook's body stands the whole prototype, `// proto: int hook(…)`. Where
//! kernels differ, several lines stand there: `// proto 6.12+: …` is for kernels from 6.12 on, and of the lines
//! that a kernel is new enough for, the last one holds; a version is the first of the matrix that has it so, since
//! longterm kernels get changes late. Types must agree, one by one; names are for the reader.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::{kernels, paths, setup, vmlinux};
use gatekeeper_btf::{Btf, Prototype};

/// The kind of attachment, which decides where a program's prototype is found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lsm,
    Tracepoint,
    Function,
}

/// One `// proto` line.
#[derive(Debug, PartialEq)]
struct Line {
    /// The oldest kernel it is for.
    since: Vec<u64>,
    prototype: Prototype,
}

/// Fails and names every line that a kernel contradicts, every program without a line and every line without
/// a program.
pub fn check() -> Result<()> {
    setup::kernels()?;
    let source = paths::root().join("gatekeeper-ebpf/src");
    let register =
        fs::read_to_string(source.join("main.rs")).context("cannot read the register of programs")?;
    let mut lines = BTreeMap::new();
    for file in fs::read_dir(source.join("hooks")).context("cannot list the hooks")? {
        let path = file?.path();
        let text = fs::read_to_string(&path)?;
        read(&text, &mut lines).with_context(|| path.display().to_string())?;
    }
    let programs = programs(&register);
    let mut wrong = unmatched(&programs, &lines);
    for series in kernels::SERIES {
        let kernel = kernels::get(series)?;
        let btf =
            Btf::parse(vmlinux::btf(&kernel)?).with_context(|| format!("the types of kernel {series}"))?;
        for (name, kind) in &programs {
            let Some(lines) = lines.get(name) else { continue };
            let actual = match kind {
                Kind::Lsm => btf.prototype(&format!("bpf_lsm_{name}"))?,
                Kind::Tracepoint => btf.tracepoint(name)?,
                Kind::Function => btf.prototype(name)?,
            };
            wrong.extend(differs(&kernel.name(), name, lines, actual));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// The programs of the register, by the name of what they are attached to.
fn programs(register: &str) -> BTreeMap<String, Kind> {
    let attribute = |line: &str, name: &str| {
        let rest = line.strip_prefix("#[")?.strip_prefix(name)?.strip_prefix("(function = \"")?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut programs = BTreeMap::new();
    for line in register.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" => hooks::") {
            programs.insert(name.to_owned(), Kind::Lsm);
        } else if let Some(name) = attribute(line, "btf_tracepoint") {
            programs.insert(name, Kind::Tracepoint);
        } else if let Some(name) = attribute(line, "fentry").or_else(|| attribute(line, "fexit")) {
            programs.insert(name, Kind::Function);
        }
    }
    programs
}

/// The `// proto` lines of one file, by hook.
fn read(text: &str, lines: &mut BTreeMap<String, Vec<Line>>) -> Result<()> {
    for (number, line) in text.lines().enumerate() {
        let Some(rest) = line.trim().strip_prefix("// proto") else { continue };
        let (name, line) = parse(rest).with_context(|| format!("line {}: {line}", number + 1))?;
        let of_hook = lines.entry(name).or_default();
        of_hook.push(line);
        of_hook.sort_by(|a, b| a.since.cmp(&b.since));
        if of_hook.windows(2).any(|pair| pair[0].since == pair[1].since) {
            bail!("line {}: two lines for the same kernels", number + 1);
        }
    }
    Ok(())
}

/// ` 6.12+: int hook(struct file *file, …)`, after the word itself.
fn parse(rest: &str) -> Result<(String, Line)> {
    let (since, prototype) = rest.split_once(':').context("no colon")?;
    let since = match since.trim() {
        "" => Vec::new(),
        version => kernels::numbers(version.strip_suffix('+').context("a version ends in `+`")?),
    };
    let (head, arguments) = prototype
        .trim()
        .strip_suffix(')')
        .context("no closing bracket")?
        .split_once('(')
        .context("no opening bracket")?;
    let (result, name) = head.rsplit_once([' ', '*']).context("no result")?;
    let arguments = arguments.split(',').filter(|one| one.trim() != "void").map(without_name).collect();
    Ok((name.to_owned(), Line { since, prototype: Prototype { result: plain(result), arguments } }))
}

/// `const struct path *` of `const struct path *dir`.
fn without_name(argument: &str) -> String {
    let argument = argument.trim();
    let end = argument.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    plain(&argument[..end])
}

/// One spelling for all of C's: `long unsigned int` is `unsigned long`.
fn plain(spelt: &str) -> String {
    let spaced = spelt.replace('*', " * ");
    let mut words: Vec<&str> = spaced.split_whitespace().filter(|word| *word != "signed").collect();
    if words.iter().any(|word| ["long", "short"].contains(word)) {
        words.retain(|word| *word != "int");
    }
    let size = words.iter().position(|word| ["unsigned", "long", "short", "char"].contains(word));
    if let (Some(unsigned), Some(first)) = (words.iter().position(|word| *word == "unsigned"), size) {
        words.swap(unsigned, first);
    }
    words.join(" ")
}

/// Programs without a line, and lines without a program.
fn unmatched(programs: &BTreeMap<String, Kind>, lines: &BTreeMap<String, Vec<Line>>) -> Vec<String> {
    let bare = programs.keys().filter(|name| !lines.contains_key(*name));
    let idle = lines.keys().filter(|name| !programs.contains_key(*name));
    bare.map(|name| format!("{name}: no `// proto:` line above its hook"))
        .chain(idle.map(|name| format!("{name}: a `// proto:` line, and no program of this name")))
        .collect()
}

/// The error in a hook's lines on one kernel, if any.
fn differs(series: &str, name: &str, lines: &[Line], actual: Option<Prototype>) -> Option<String> {
    let version = kernels::numbers(series);
    let stated = &lines.iter().rfind(|line| line.since <= version)?.prototype;
    let Some(actual) = actual else {
        return Some(format!("{name}: kernel {series} has no such hook"));
    };
    let actual = Prototype {
        result: plain(&actual.result),
        arguments: actual.arguments.iter().map(|one| plain(one)).collect(),
    };
    (*stated != actual).then(|| {
        let show = |one: &Prototype| format!("{} ({})", one.result, one.arguments.join(", "));
        format!("{name}: kernel {series} has {}, the line says {}", show(&actual), show(stated))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: &str = "// proto: int bpf(int cmd, union bpf_attr *attr, unsigned int size)\n\
                        // proto 6.15+: int bpf(int cmd, union bpf_attr *attr, unsigned int size, bool kernel)\n";

    fn lines(text: &str) -> BTreeMap<String, Vec<Line>> {
        let mut lines = BTreeMap::new();
        read(text, &mut lines).unwrap();
        lines
    }

    fn kernel(arguments: &[&str]) -> Option<Prototype> {
        let arguments = arguments.iter().map(|one| (*one).to_owned()).collect();
        Some(Prototype { result: "int".to_owned(), arguments })
    }

    #[test]
    fn each_kernel_has_its_line() {
        let lines = &lines(HOOK)["bpf"];
        let (old, new) = (["int", "union bpf_attr *", "unsigned int"], "_Bool");
        assert_eq!(differs("6.12", "bpf", lines, kernel(&old)), None);
        let old_there = differs("6.18", "bpf", lines, kernel(&old)).unwrap();
        assert!(old_there.contains("kernel 6.18"), "{old_there}");
        assert!(differs("6.12", "bpf", lines, kernel(&[old.as_slice(), &[new]].concat())).is_some());
    }

    #[test]
    fn a_wrong_line_is_found() {
        let right = kernel(&["const struct path *", "struct dentry *", "umode_t"]);
        for (line, agrees) in [
            ("// proto: int path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode)", true),
            ("// proto: int path_mkdir(struct dentry *dentry, const struct path *dir, umode_t mode)", false),
            ("// proto: int path_mkdir(struct path *dir, struct dentry *dentry, umode_t mode)", false),
            ("// proto: int path_mkdir(const struct path *dir, struct dentry *dentry)", false),
            ("// proto: void path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode)", false),
        ] {
            let error = differs("6.1", "path_mkdir", &lines(line)["path_mkdir"], right.clone());
            assert_eq!(error.is_none(), agrees, "{line}: {error:?}");
        }
        assert!(differs("6.1", "path_mkdir", &lines(HOOK)["bpf"], None).unwrap().contains("no such hook"));
    }

    #[test]
    fn programs_and_lines_belong_together() {
        let register = "  bpf => hooks::kernel::bpf;\n  mkdir => hooks::file::mkdir;\n\
                        #[fentry(function = \"security_key_free\")]\n";
        let found = unmatched(&programs(register), &lines(&format!("{HOOK}// proto: int rmdir(void)\n")));
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn lines_that_mean_nothing_are_refused() {
        for line in
            ["// proto int f(void)", "// proto 6.1: int f(void)", "// proto: int f", "// proto: f(void)"]
        {
            assert!(read(line, &mut BTreeMap::new()).is_err(), "{line}");
        }
        assert!(read(&HOOK.replace("6.15+", ""), &mut BTreeMap::new()).is_err());
    }

    #[test]
    fn types_are_spelt_in_one_way() {
        assert_eq!(plain("long unsigned int"), plain("unsigned long"));
        assert_eq!(plain("short int"), plain("short"));
        assert_eq!(plain("const char*"), plain("const char *"));
        assert_ne!(plain("unsigned int"), plain("int"));
    }
}
