//! The policies that ship: every one compiles, passes its own tests and stays small, wherever it is used.

use std::path::{Path, PathBuf};

use gatekeeper_common::image::Size;

use crate::links::fake::{OneFile, Tree};
use crate::links::{Disk, Links, NoLinks};
use crate::pattern::Pattern;
use crate::question::{Question, Start};
use crate::source::Source;
use crate::vars::{Scope, Use};
use crate::{Policy, SearchPath, Vars, load};

fn shipped() -> SearchPath {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../policies");
    SearchPath { directories: vec![folder] }
}

fn names() -> Vec<String> {
    names_in(&shipped().directories[0])
}

/// The policies of a folder.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn five_ship() {
    assert_eq!(names(), ["base", "bastion", "ci-runner", "coding-assistant", "read-only"]);
}

#[test]
fn every_one_holds_on_every_kind_of_machine() {
    let old = Tree(vec![
        ("/bin", "usr/bin", true),
        ("/lib", "usr/lib", true),
        ("/lib64", "usr/lib64", true),
        ("/usr/bin/python3", "python3.11", true),
        ("/usr/bin/npm", "../share/nodejs/npm/bin/npm-cli.js", true),
        ("/usr/bin/sh", "dash", true),
        ("/home/dev/.bashrc", "dotfiles/bashrc", false),
    ]);
    let disk = Disk::default();
    for name in names() {
        let policy = load(&name, &shipped()).unwrap();
        assert!(policy.description.is_some(), "{name}");
        for (workspace, home, user) in [
            ("/home/dev/work", "/home/dev", "dev"),
            ("/tmp/build-7", "/root", "root"),
            ("/builds/group/project", "/home/gitlab-runner", "gitlab-runner"),
        ] {
            let vars = Vars::new(Path::new(workspace), Path::new(home), user, 1000, Path::new("/tmp"), "s");
            let trees: [&dyn Links; 3] = [&NoLinks, &disk, &old];
            for links in trees {
                let resolved = policy.resolve(&vars, links).unwrap();
                assert!(resolved.tests.len() >= 10, "{name}");
                let compiled = resolved.compile().unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(compiled.image.size(), Size::Small, "{name}");
            }
        }
    }
}

/// The tools that are described.
fn tools() -> Vec<String> {
    names_in(&shipped().directories[0].join("tools"))
}

#[test]
fn every_tool_is_described_with_its_source() {
    let expected = [
        "apt",
        "aws",
        "cargo",
        "docker",
        "gcloud",
        "gh",
        "git",
        "helm",
        "kubectl",
        "npm",
        "pip",
        "podman",
        "systemctl",
        "terraform",
    ];
    assert_eq!(tools(), expected);
    for name in tools() {
        let folder = shipped().directories[0].join("tools");
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        assert!(text.starts_with('#') && text.contains("Source: "), "{name}");
        assert!(text.contains(&format!("\n[tools.{name}]\n")), "{name}");
    }
}

#[test]
fn every_tool_reads_its_options() {
    for name in tools() {
        let text = format!(
            "version = 1\nname = 'x'\nextends = ['tools/{name}']\n[defaults]\nexec = 'allow'\n\
             [[exec]]\nverdict = 'deny'\ntool = '{name}'\nsubcommand = ['forbidden', 'a group of words']\n"
        );
        let policy = Policy::from_source(Source::new("x", None, text), &shipped()).unwrap();
        let vars = Vars::new(Path::new("/w"), Path::new("/h"), "dev", 1000, Path::new("/tmp"), "s");
        let compiled = policy.resolve(&vars, &NoLinks).unwrap().compile().unwrap();
        assert_eq!(compiled.image.size(), Size::Small, "{name}: {}", compiled.image.edges());
        let document = &policy.documents[0].document;
        let table = document.tools.values().next().unwrap().get_ref();
        let list = |list: &Option<toml::Spanned<Vec<toml::Spanned<String>>>>| -> Vec<String> {
            list.iter().flat_map(toml::Spanned::get_ref).map(|word| word.get_ref().clone()).collect()
        };
        let scope = Scope::new(&vars, &document.vars, &policy.documents[0].source).unwrap();
        let pattern = scope.expand(table.program.get_ref()[0].get_ref(), Use::Pattern).unwrap();
        let program = Pattern::parse(&pattern).unwrap()[0].text();
        let passes = |words: &[&str]| {
            let argv =
                std::iter::once(program.clone()).chain(words.iter().map(|word| word.as_bytes().to_vec()));
            let start = Start { program: program.clone(), argv: argv.collect(), ..Start::default() };
            compiled.explain(&Question::Exec(start)).passes()
        };
        assert!(passes(&[]) && passes(&["other", "forbidden"]) && passes(&["a", "group", "of"]), "{name}");
        assert!(!passes(&["forbidden"]) && !passes(&["a", "group", "of", "words"]), "{name}");
        assert!(!passes(&["--never-described", "other"]), "{name}");
        for flag in list(&table.flags) {
            let flag = flag.replace('*', "x");
            assert!(
                passes(&[&flag, "other", "forbidden"]) && !passes(&[&flag, "forbidden"]),
                "{name} {flag}"
            );
            assert!(!passes(&["a", &flag, "group", "of", &flag, "words"]), "{name} {flag}");
        }
        for option in list(&table.with_value) {
            assert!(passes(&[&option, "forbidden", "other"]), "{name} {option}");
            assert!(passes(&[&option]) && !passes(&[&option, "other", "forbidden"]), "{name} {option}");
        }
    }
}

#[test]
fn a_hard_link_of_git_is_git() {
    let text = "version = 1\nname = 'x'\nextends = ['tools/git']\n[defaults]\nexec = 'allow'\n[[exec]]\nverdict = 'deny'\n\
                tool = 'git'\nsubcommand = ['push']\n[[exec]]\nverdict = 'deny'\nprogram = ['/usr/bin/wget']\n";
    let policy = Policy::from_source(Source::new("x", None, text.to_owned()), &shipped()).unwrap();
    let vars = Vars::new(Path::new("/w"), Path::new("/h"), "dev", 1000, Path::new("/tmp"), "s");
    let links = OneFile(&["/usr/local/bin/git", "/usr/local/libexec/git-core/git-add", "/usr/bin/wget"]);
    let compiled = policy.resolve(&vars, &links).unwrap().compile().unwrap();
    let passes = |path: &str, words: &[&str]| {
        let argv = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        compiled.explain(&Question::Exec(Start { program: path.into(), argv, ..Start::default() })).passes()
    };
    let add = "/usr/local/libexec/git-core/git-add";
    assert!(
        !passes(add, &["git", "push"]) && passes(add, &["git", "add"]) && passes(add, &["git-add", "-A"])
    );
    // A rule about a program as a whole is about that name of the file.
    assert!(!passes("/usr/bin/wget", &["wget"]) && passes("/usr/local/bin/git", &["git", "log"]));
}

#[test]
fn the_manuals_example_holds() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/policy.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let example = manual.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy = Policy::from_source(Source::new("policy.md", None, example.to_owned()), &shipped()).unwrap();
    let vars = Vars::new(Path::new("/w"), Path::new("/h"), "dev", 1000, Path::new("/tmp"), "s");
    let resolved = policy.resolve(&vars, &NoLinks).unwrap();
    assert_eq!(resolved.tests.len(), 1);
    resolved.compile().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_rule_that_forbids_says_why() {
    for name in names() {
        let policy = load(&name, &shipped()).unwrap();
        let vars = Vars::new(Path::new("/w"), Path::new("/h"), "dev", 1000, Path::new("/tmp"), "s");
        for rule in policy.resolve(&vars, &NoLinks).unwrap().rules {
            assert!(rule.reason.is_some(), "{}", rule.id);
        }
    }
}

/// Examples extend the policies that ship, as a user's own do.
fn examples() -> (SearchPath, Vec<String>) {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = above.map(|folder| folder.join("examples")).find(|folder| folder.is_dir()).unwrap();
    let names = names_in(&folder);
    (SearchPath { directories: [vec![folder], shipped().directories].concat() }, names)
}

#[test]
fn every_example_holds_and_says_why() {
    let (search, names) = examples();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let policy = load(&name, &search).unwrap();
        assert!(policy.name == name && policy.description.is_some(), "{name}");
        let vars = Vars::new(Path::new("/h/w"), Path::new("/h"), "dev", 1000, Path::new("/tmp"), "s");
        for links in [&NoLinks as &dyn Links, &Disk::default()] {
            let resolved = policy.resolve(&vars, links).unwrap();
            assert!(resolved.tests.len() >= 10, "{name}");
            for rule in &resolved.rules {
                assert!(rule.reason.is_some(), "{}", rule.id);
            }
            let compiled = resolved.compile().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(compiled.image.size(), Size::Small, "{name}");
        }
    }
}

#[test]
fn the_examples_readme_names_each() {
    let (search, names) = examples();
    let readme = std::fs::read_to_string(search.directories[0].join("README.md")).unwrap();
    for name in names {
        assert!(readme.contains(&format!("[{name}.toml]({name}.toml)")), "{name}");
    }
}
