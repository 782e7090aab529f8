//! Files before and after.

use std::fs;

use super::place::of;
use super::*;
use crate::assistant::Assistant::{Claude, Codex, Copilot, Cursor, Gemini, Opencode};

const PROGRAM: &str = "/usr/bin/gatekeeper";

fn plan(assistant: Assistant, scope: &Scope, remove: bool) -> Change {
    Change::plan(assistant, scope, Path::new(PROGRAM), remove).unwrap()
}

fn scopes(root: &Path) -> [Scope; 3] {
    [Scope::System { root: root.join("s") }, Scope::User(root.join("u")), Scope::Project(root.join("p"))]
}

#[test]
fn everywhere_there_and_back_leaves_nothing() {
    for assistant in Assistant::ALL {
        let folder = tempfile::tempdir().unwrap();
        for scope in scopes(folder.path()) {
            if assistant == Opencode && matches!(scope, Scope::System { .. }) {
                assert!(Change::plan(assistant, &scope, Path::new(PROGRAM), false).is_err());
                continue;
            }
            let change = plan(assistant, &scope, false);
            assert!(change.before.is_none() && change.diff().contains('+'), "{assistant:?} {scope:?}");
            change.make().unwrap();
            let written = fs::read_to_string(&change.path).unwrap();
            assert!(written.contains(PROGRAM), "{written}");
            // Once more changes nothing.
            assert!(plan(assistant, &scope, false).is_none(), "{assistant:?} {scope:?}");
            let back = plan(assistant, &scope, true);
            assert_eq!(back.after, None, "{assistant:?} {scope:?}");
            back.make().unwrap();
            assert!(!change.path.exists());
            assert!(plan(assistant, &scope, true).is_none());
        }
    }
}

fn with(
    assistant: Assistant,
    scope: fn(PathBuf) -> Scope,
    text: &str,
) -> (tempfile::TempDir, Scope, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let scope = scope(folder.path().to_owned());
    let (path, _) = of(assistant, &scope).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    (folder, scope, path)
}

#[test]
fn lines_of_others_stay_as_they_are() {
    let text = "{\n    // mine\n    \"theme\": \"dark\",\n    \"hooks\": {\n        \"PreToolUse\": [\n            {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"check.sh\"}]}\n        ]\n    },\n    \"z\": [1, 2]\n}\n";
    let (_folder, scope, path) = with(Claude, Scope::User, text);
    let change = plan(Claude, &scope, false);
    let after = change.after.clone().unwrap();
    for line in
        text.lines().filter(|line| line.contains("mine") || line.contains("check.sh") || line.contains('z'))
    {
        assert!(after.contains(line.trim_end_matches(',')), "{line}\n{after}");
    }
    let gone: Vec<_> =
        change.diff().lines().filter(|line| line.starts_with('-')).map(str::to_owned).collect();
    // A line that gets a comma after it is all that changes of theirs.
    assert!(gone.len() <= 4, "{gone:#?}");
    change.make().unwrap();
    assert!(plan(Claude, &scope, false).is_none());
    let back = plan(Claude, &scope, true);
    let back = back.after.unwrap();
    assert!(!back.contains("gatekeeper") && back.contains("// mine") && back.contains("check.sh"), "{back}");
    let plain = |text: &str| {
        let options = jsonc_parser::ParseOptions::default();
        jsonc_parser::cst::CstRootNode::parse(text, &options).unwrap().to_serde_value()
    };
    assert_eq!(plain(&back), plain(text));
    assert_eq!(fs::read_to_string(&path).unwrap(), after);
}

#[test]
fn an_older_install_is_replaced_and_a_shared_group_kept() {
    let text = r#"{"hooks": {"PreToolUse": [
        {"matcher": "*", "hooks": [{"type": "command", "command": "/opt/old/gatekeeper hook --agent claude"}]},
        {"hooks": [{"type": "command", "command": "a"}, {"type": "command", "command": "/usr/bin/gatekeeper hook --agent claude"}]},
        {"hooks": [{"type": "command", "command": "evilgatekeeper hook --agent claude"}]}
    ]}}"#;
    let (_folder, scope, _) = with(Claude, Scope::Project, text);
    let after = plan(Claude, &scope, false).after.unwrap();
    assert!(
        !after.contains("/opt/old") && after.contains("\"a\"") && after.contains("evilgatekeeper"),
        "{after}"
    );
    let back = plan(Claude, &scope, true).after.unwrap();
    assert!(
        !back.contains("/usr/bin/gatekeeper") && back.contains("\"a\"") && back.contains("evil"),
        "{back}"
    );
}

#[test]
fn toml_keeps_its_comments() {
    let text = include_str!("company.toml");
    let (_folder, scope, _) = with(Codex, |root| Scope::System { root }, text);
    let change = plan(Codex, &scope, false);
    let after = change.after.clone().unwrap();
    assert!(after.starts_with(text), "{after}");
    assert!(
        after.contains("[[hooks.Stop.hooks]]\ncommand = \"/usr/bin/gatekeeper hook --agent codex\""),
        "{after}"
    );
    change.make().unwrap();
    assert!(plan(Codex, &scope, false).is_none());
    assert_eq!(plan(Codex, &scope, true).after.as_deref(), Some(text));
}

#[test]
fn each_assistants_form() {
    let root = tempfile::tempdir().unwrap();
    let first = |assistant, event: &str| {
        let text = plan(assistant, &Scope::Project(root.path().to_owned()), false).after.unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        (value["hooks"][event][0].to_string(), value["version"].clone())
    };
    assert_eq!(
        first(Claude, "PreToolUse").0,
        r#"{"hooks":[{"command":"/usr/bin/gatekeeper hook --agent claude","onFailure":"block","timeout":60,"type":"command"}],"matcher":"*"}"#
    );
    assert_eq!(
        first(Codex, "PostToolUse").0,
        r#"{"hooks":[{"command":"/usr/bin/gatekeeper hook --agent codex","timeout":60,"type":"command"}],"matcher":"*"}"#
    );
    assert_eq!(
        first(Gemini, "BeforeAgent").0,
        r#"{"hooks":[{"command":"/usr/bin/gatekeeper hook --agent gemini","name":"gatekeeper","timeout":60000,"type":"command"}]}"#
    );
    assert_eq!(
        first(Cursor, "preToolUse"),
        (
            r#"{"command":"/usr/bin/gatekeeper hook --agent cursor","failClosed":true,"timeout":60}"#
                .to_owned(),
            1.into()
        )
    );
    assert_eq!(first(Copilot, "preToolUse"), (r#"{"bash":"/usr/bin/gatekeeper hook --agent copilot --event preToolUse","timeoutSec":60,"type":"command"}"#.to_owned(), 1.into()));
}

#[test]
fn broken_and_foreign_files_are_left_alone() {
    let error = |assistant, scope: fn(PathBuf) -> Scope, text: &str| {
        let (_folder, scope, path) = with(assistant, scope, text);
        let error = Change::plan(assistant, &scope, Path::new(PROGRAM), false).unwrap_err().to_string();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        error.replace(&path.display().to_string(), "FILE")
    };
    let broken = error(Claude, Scope::User, "{\n  \"hooks\": {,}\n}");
    assert!(broken.starts_with("FILE:2:") && broken.contains("help the file first"), "{broken}");
    let system = |root| Scope::System { root };
    for (text, start) in [
        ("\n // a list\n [1]", "FILE:3:2: the file holds no JSON object: write {"),
        ("{\"ä\": 1, \"hooks\": 7}", "FILE:1:19: \"hooks\" is no JSON object: write it as {"),
        (
            "{\"a\": [{}],\n \"hooks\": {\n  \"Stop\": [],\n  \"PreToolUse\": {\"x\": 1}}}",
            "FILE:4:17: \"PreToolUse\" in \"hooks\" has no list: write it as [",
        ),
    ] {
        let message = error(Claude, Scope::User, text);
        assert!(message.starts_with(start) && message.ends_with("nothing was changed"), "{message}");
    }
    for (text, start) in [
        ("# ours\nhooks = 7\n", "FILE:2:9: \"hooks\" is no table: write it as [hooks]"),
        (
            "[hooks]\nmanaged_dir = \"/x\"\nStop = [{}]\n",
            "FILE:3:8: hooks.Stop has no list of tables: write it as [[hooks.Stop]]",
        ),
    ] {
        let message = error(Codex, system, text);
        assert!(message.starts_with(start) && message.ends_with("nothing was changed"), "{message}");
    }
    let toml = error(Codex, |root| Scope::System { root }, "a = 1\nb = = 2\n");
    assert!(toml.starts_with("FILE:2:"), "{toml}");
    assert!(error(Opencode, Scope::User, "export const X = 1\n").contains("not gatekeeper's"));
}

#[test]
fn a_files_mode_stays_and_root_follows_no_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (folder, scope, path) = with(Claude, Scope::User, "{}\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    plan(Claude, &scope, false).make().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    let elsewhere = folder.path().join("elsewhere.json");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let change = Change::plan(Claude, &scope, Path::new(PROGRAM), true);
    if crate::sys::process::effective_uid() == 0 {
        assert!(matches!(change, Err(SetupError::Link(_))));
    } else {
        change.unwrap().make().unwrap();
        assert!(!fs::read_to_string(&elsewhere).unwrap_or_default().contains("gatekeeper"));
    }
}

#[test]
fn root_keeps_the_owner_and_gives_what_it_makes_to_the_folders() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    const USER: (u32, u32) = (4711, 4712);
    if crate::sys::process::effective_uid() != 0 {
        return;
    }
    let owner = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        (found.uid(), found.gid())
    };
    let (folder, scope, path) = with(Claude, Scope::User, "{}\n");
    chown(&path, Some(USER.0), Some(USER.1)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    plan(Claude, &scope, false).make().unwrap();
    assert_eq!((owner(&path), fs::metadata(&path).unwrap().mode() & 0o777), (USER, 0o600));
    // A file and folders that were not there.
    chown(folder.path(), Some(USER.0), Some(USER.1)).unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    plan(Claude, &scope, false).make().unwrap();
    assert_eq!((owner(&path), owner(path.parent().unwrap())), (USER, USER));
}

#[test]
fn root_goes_through_no_linked_folder_and_waits_for_no_pipe() {
    use std::os::unix::fs::symlink;
    let (folder, scope, path) = with(Claude, Scope::User, "{}\n");
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let change = || Change::plan(Claude, &scope, Path::new(PROGRAM), false);
    assert!(matches!(change(), Err(SetupError::NoFile(_))));
    fs::remove_file(&path).unwrap();
    let (linked, elsewhere) = (path.parent().unwrap(), folder.path().join("elsewhere"));
    let planned = change().unwrap();
    fs::rename(linked, &elsewhere).unwrap();
    symlink(&elsewhere, linked).unwrap();
    if crate::sys::process::effective_uid() == 0 {
        assert!(matches!(change(), Err(SetupError::Link(_))));
        assert!(matches!(planned.make(), Err(SetupError::Link(_))), "linked between the plan and the change");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    } else {
        planned.make().unwrap();
        assert!(elsewhere.join("settings.json").is_file());
    }
}
