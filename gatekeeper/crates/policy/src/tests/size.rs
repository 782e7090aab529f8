//! Ten thousand rules fit, and what doesn't fit is refused in words.

use std::fmt::Write;
use std::time::Instant;

use gatekeeper_common::image::Size;

use super::{compile, vars};
use crate::Policy;
use crate::extends::SearchPath;
use crate::links::Disk;
use crate::source::Source;

/// Half exact files, half directories with all below, and a few that float, as in base.toml.
fn ten_thousand() -> String {
    let mut text = "version = 1\nname = 'many'\n".to_owned();
    for number in 0..10_000 {
        let path = if number % 2 == 0 {
            format!("/srv/project-{}/src/module_{number}/main.rs", number % 97)
        } else {
            format!("/var/data/tenant{number}/files/**")
        };
        let verdict = ["allow", "audit", "deny"][number % 3];
        writeln!(text, "[[file]]\nverdict = '{verdict}'\npath = ['{path}']").unwrap();
    }
    text + "[[file]]\nverdict = 'deny'\n\
        path = ['**/.env', '**/.env.*', '**/.git/hooks/**', '**/.ssh/**', '**/*.pem', '${home}/.aws/**']\n\
        [[net]]\nverdict = 'allow'\nto = ['10.0.0.0/8:443', '*:53', '[2001:db8::/32]']\n\
        [[test]]\nfile = '/srv/project-0/src/module_0/main.rs'\naccess = 'read'\nexpect = 'allow'\n\
        [[test]]\nfile = '/var/data/tenant5/files/x/y'\naccess = 'read'\nexpect = 'deny'\n"
}

#[test]
fn ten_thousand_rules_fit() {
    let text = ten_thousand();
    let search = SearchPath { directories: Vec::new() };
    let begun = Instant::now();
    let policy = Policy::from_source(Source::new("many", None, text), &search).unwrap();
    let parsed = begun.elapsed();
    let resolved = policy.resolve(&vars(), &Disk::default()).unwrap();
    let known = begun.elapsed();
    let compiled = resolved.compile().unwrap();
    println!("parsed {parsed:?}, resolved {known:?}, compiled {:?}", begun.elapsed());
    println!("{} rows, {} edges", compiled.image.rows(), compiled.image.edges());
    assert_eq!(compiled.image.size(), Size::Large);
    assert!(compiled.image.edges() < 200_000);
}

#[test]
fn ten_thousand_rules_about_arguments_fit() {
    let mut text =
        "version = 1\nname = 'many'\n[[exec]]\nverdict = 'deny'\nprogram = ['/usr/**']\nargs = ['never']\n"
            .to_owned();
    for number in 0..10_000 {
        let program = if number % 2 == 0 { "git".to_owned() } else { format!("tool-{}", number % 100) };
        let verdict = ["allow", "audit", "deny"][number % 3];
        writeln!(
            text,
            "[[exec]]\nverdict = '{verdict}'\nprogram = ['/usr/bin/{program}']\nargs = ['command-{number}', '**']"
        )
        .unwrap();
    }
    text += "[[test]]\nexec = ['/usr/bin/git', 'command-6', 'x', 'y']\nexpect = 'allow'\n\
        [[test]]\nexec = ['/usr/bin/git', 'command-7']\nexpect = 'deny'\n\
        [[test]]\nexec = ['/usr/bin/tool-7', 'command-7']\nexpect = 'audit'\n\
        [[test]]\nexec = ['/usr/bin/tool-7', 'never']\nexpect = 'deny'\n";
    let begun = Instant::now();
    let compiled = compile(&text).unwrap_or_else(|error| panic!("{error}"));
    println!("{:?}: {} rows, {} edges", begun.elapsed(), compiled.image.rows(), compiled.image.edges());
}

#[test]
fn rules_about_one_tool_share_its_options() {
    let mut text =
        "version = 1\nname = 'many'\n[tools.git]\nprogram = ['/usr/bin/git']\napplet = 'git-'\n".to_owned();
    let flags: Vec<_> = (0..100).map(|n| format!("'--option-{n}=*'")).collect();
    let with_value: Vec<_> = (0..100).map(|n| format!("'--option-{n}'")).collect();
    writeln!(text, "flags = [{}]\nwith_value = [{}]", flags.join(","), with_value.join(",")).unwrap();
    for number in 0..24 {
        let verdict = ["allow", "audit", "deny"][number % 3];
        let commands: Vec<_> = (0..20).map(|n| format!("'command-{number}-{n}'")).collect();
        let commands = commands.join(",");
        writeln!(text, "[[exec]]\nverdict = '{verdict}'\ntool = 'git'\nsubcommand = [{commands}]").unwrap();
    }
    text += "[[test]]\nexec = ['/usr/bin/git', '--option-7', 'x', 'command-6-7']\nexpect = 'allow'\n\
        [[test]]\nexec = ['/usr/bin/git', '--option-7=x', 'command-8-9', 'y']\nexpect = 'deny'\n";
    let begun = Instant::now();
    let compiled = compile(&text).unwrap_or_else(|error| panic!("{error}"));
    println!("{:?}: {} rows, {} edges", begun.elapsed(), compiled.image.rows(), compiled.image.edges());
    assert_eq!(compiled.image.size(), Size::Small);
}

#[test]
fn long_lists_in_one_rule_share_their_endings() {
    let list: Vec<_> = (0..3000).map(|n| format!("'/srv/{n:04}/some/long/ending/of/a/path'")).collect();
    let text = format!("version = 1\nname = 'l'\n[[file]]\nverdict = 'allow'\npath = [{}]\n", list.join(","));
    let compiled = compile(&text).unwrap();
    assert_eq!(compiled.image.size(), Size::Small);
    assert!(compiled.image.edges() < 2_000, "{}", compiled.image.edges());
}

#[test]
fn floating_directories_do_not_multiply() {
    let mut text = "version = 1\nname = 'f'\n".to_owned();
    for number in 0..40 {
        writeln!(text, "[[file]]\nverdict = 'deny'\npath = ['**/secret{number}/**', '**/*.key{number}']")
            .unwrap();
    }
    let compiled = compile(&text).unwrap();
    assert!(compiled.image.edges() < 20_000, "{}", compiled.image.edges());
}

#[test]
fn too_large_is_one_error_with_the_limit() {
    let mut text = "version = 1\nname = 'huge'\n".to_owned();
    for number in 0..24 {
        let verdict = ["allow", "deny"][number % 2];
        let access = ["read", "write", "create", "delete", "rename", "link", "metadata", "map"][number % 8];
        writeln!(
            text,
            "[[file]]\nverdict = '{verdict}'\naccess = ['{access}']\npath = ['**/a{number}*b/**/c{number}*d']"
        )
        .unwrap();
    }
    let error = compile(&text).expect_err("far too large");
    assert!(error.problem.contains("too large") && error.problem.contains("524288"), "{error}");
}
