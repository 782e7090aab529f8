//! Questions as a person puts them: names on PATH, relative paths, links; turned into what the kernel
//! would be asked.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;

use crate::address::parse_exact;
use crate::error::PolicyError;
use crate::links::{Links, real_path};
use crate::question::{Question, Start};
use crate::selftest::follows_last;
use crate::signal::number;

/// Interpreters of interpreters the kernel follows, at most (fs/exec.c `exec_binprm`).
const INTERPRETERS: usize = 5;

/// Starting this program: the file itself and, where it is a script, its interpreter too, whose arguments
/// are its own option, the script and then the script's. `called` is another name that it is called by: its `argv[0]`.
/// Variables are given by name.
///
/// # Errors
/// Where there is no such program on PATH, or it is no path.
pub fn exec(
    argv: &[OsString],
    called: Option<&OsStr>,
    env: &[OsString],
    setuid: bool,
    links: &dyn Links,
) -> Result<Vec<Question>, PolicyError> {
    let program = argv.first().map(OsString::as_os_str).unwrap_or_default();
    let found = if program.as_bytes().contains(&b'/') {
        absolute(Path::new(program))?
    } else {
        on_path(program).ok_or_else(|| {
            let problem = format!("no program `{}` on PATH", program.display());
            PolicyError::whole("", problem, "name the program by its path")
        })?
    };
    let bytes = |list: &[OsString]| list.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let (mut argv, env) = (bytes(argv), bytes(env));
    if let (Some(name), Some(called)) = (argv.first_mut(), called) {
        *name = called.as_bytes().to_vec();
    }
    let mut path = real_path(&found, links, true);
    let mut called = found;
    let mut starts: Vec<Start> = Vec::new();
    loop {
        let setuid = setuid || changes_owner(&path);
        starts.push(Start { program: path.clone(), argv: argv.clone(), env: env.clone(), setuid, memory: 0 });
        let next = interpreter_of(&path).filter(|_| starts.len() <= INTERPRETERS);
        let Some((interpreter, option)) = next else { break };
        // The kernel drops the name that a script is called by, and puts its path there.
        if let Some(name) = starts.last_mut().and_then(|start| start.argv.first_mut()) {
            name.clone_from(&called);
        }
        let own = [Some(interpreter.clone()), option, Some(called)];
        argv.splice(..argv.len().min(1), own.into_iter().flatten());
        path = real_path(&interpreter, links, true);
        called = interpreter;
    }
    let memory = starts.last().map_or(0, Start::bytes);
    Ok(starts.into_iter().map(|start| Question::Exec(Start { memory, ..start })).collect())
}

/// Using this file.
///
/// # Errors
/// Where it is no path.
pub fn file(path: &Path, operations: Vec<Operation>, links: &dyn Links) -> Result<Question, PolicyError> {
    let follow = operations.iter().copied().all(follows_last);
    Ok(Question::File(real_path(&absolute(path)?, links, follow), operations))
}

/// Using this address.
///
/// # Errors
/// Where it is no address with a port.
pub fn net(address: &str, protocol: Protocol, operation: Operation) -> Result<Question, PolicyError> {
    let address = parse_exact(address).map_err(|error| PolicyError::problem("", &error))?;
    Ok(Question::Net(address, protocol, operation))
}

/// Using a UNIX socket, by its path or by `@` and its abstract name.
///
/// # Errors
/// Where it is no path.
pub fn unix(name: &OsStr, operation: Operation, links: &dyn Links) -> Result<Question, PolicyError> {
    let word = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => [&[0], name].concat(),
        None => real_path(&absolute(Path::new(name))?, links, true),
    };
    Ok(Question::Unix(word, operation))
}

/// Sending this signal to a process of this program.
///
/// # Errors
/// Where there is no such signal, or the program is no path.
pub fn signal(signal: &str, program: &Path, links: &dyn Links) -> Result<Question, PolicyError> {
    let number = number(signal).map_err(|error| PolicyError::problem("", &error))?;
    Ok(Question::Signal(number, real_path(&absolute(program)?, links, true)))
}

/// Using this capability.
///
/// # Errors
/// Where there is no such capability.
pub fn capability(name: &str) -> Result<Question, PolicyError> {
    let number = crate::capability::number(name).map_err(|error| PolicyError::problem("", &error))?;
    Ok(Question::Capability(number))
}

fn absolute(path: &Path) -> Result<Vec<u8>, PolicyError> {
    match std::path::absolute(path) {
        Ok(path) => Ok(path.into_os_string().into_vec()),
        Err(error) => {
            let problem = format!("`{}` is no path: {error}", path.display());
            Err(PolicyError::whole("", problem, "name a path"))
        }
    }
}

fn on_path(program: &OsStr) -> Option<Vec<u8>> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|place| place.join(program));
    places.find(|file| file.is_file()).map(|file| file.into_os_string().into_vec())
}

/// The program named by a script's first line, and the one argument it is given there.
fn interpreter_of(path: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    use std::io::Read;
    let mut head = Vec::new();
    // As much as the kernel looks at (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h).
    std::fs::File::open(Path::new(OsStr::from_bytes(path))).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let blank = |byte: &u8| b" \t".contains(byte);
    let line = line.trim_ascii();
    let end = line.iter().position(blank).unwrap_or(line.len());
    let (program, option) = (&line[..end], line[end..].trim_ascii());
    let option = (!option.is_empty()).then(|| option.to_vec());
    program.starts_with(b"/").then(|| (program.to_vec(), option))
}

/// Whether starting the file changes who runs it, as far as its mode tells.
fn changes_owner(path: &[u8]) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let about = std::fs::metadata(OsStr::from_bytes(path));
    // S_ISUID, and S_ISGID with S_IXGRP: without the latter it means something else.
    about.is_ok_and(|about| {
        let mode = about.permissions().mode();
        mode & 0o4000 != 0 || mode & 0o2010 == 0o2010
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::NoLinks;

    #[test]
    fn a_script_asks_about_its_interpreter_too() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("run");
        std::fs::write(&script, "#! /usr/bin/env -S python3 -I\nprint(1)\n").unwrap();
        let argv = [script.clone().into_os_string(), "x".into()];
        let questions = exec(&argv, None, &["LANG".into()], false, &NoLinks).unwrap();
        let [Question::Exec(own), Question::Exec(env)] = questions.as_slice() else {
            panic!("{questions:?}")
        };
        let path = script.as_os_str().as_bytes();
        assert_eq!((own.program.as_slice(), own.word()), (path, [path, b"\0x\0"].concat()));
        let word = [b"/usr/bin/env\0-S python3 -I\0", path, b"\0x\0"].concat();
        assert_eq!((env.program.as_slice(), env.word()), (b"/usr/bin/env".as_slice(), word));
        assert_eq!(env.env, [b"LANG"]);
        assert_eq!((own.bytes(), env.bytes()), (env.memory, env.memory));
    }

    #[test]
    fn a_set_user_id_bit_is_seen() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (mode, changes) in [(0o755, false), (0o4755, true), (0o2755, true), (0o2745, false)] {
            let file = folder.path().join(format!("{mode:o}"));
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let questions = exec(&[file.into_os_string()], None, &[], false, &NoLinks).unwrap();
            assert!(matches!(&questions[0], Question::Exec(start) if start.setuid == changes), "{mode:o}");
        }
    }

    #[test]
    fn sockets_have_paths_or_names() {
        let question = |name: &str| unix(OsStr::new(name), Operation::UnixConnect, &NoLinks).unwrap();
        assert_eq!(question("/run/../x"), Question::Unix(b"/x".to_vec(), Operation::UnixConnect));
        assert_eq!(question("@a/b"), Question::Unix(b"\0a/b".to_vec(), Operation::UnixConnect));
        assert_eq!(signal("KILL", Path::new("/a"), &NoLinks).unwrap(), Question::Signal(9, b"/a".to_vec()));
        assert!(signal("NOPE", Path::new("/a"), &NoLinks).is_err() && capability("nope").is_err());
        assert_eq!(capability("kill").unwrap(), Question::Capability(5));
    }

    #[test]
    fn unknown_objects_are_refused() {
        assert!(exec(&["no-such-program-anywhere".into()], None, &[], false, &NoLinks).is_err());
        assert!(net("example.org:80", Protocol::Tcp, Operation::Connect).is_err());
        let question = file(Path::new("/a/../b"), vec![Operation::Read], &NoLinks).unwrap();
        assert_eq!(question, Question::File(b"/b".to_vec(), vec![Operation::Read]));
    }
}
