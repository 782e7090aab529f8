//! Questions as a person puts them: names on PATH, relative paths, links; turned into what the kernel
//! would be asked.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;

use super::address::parse_exact;
use super::error::{Mend, PolicyError};
use super::explain::Question;
use super::links::{Links, real_path};
use super::selftest::follows_last;

/// Interpreters of interpreters the kernel follows, at most (fs/exec.c `exec_binprm`).
const INTERPRETERS: usize = 5;

/// Starting this program: the file itself and, where it is a script, its interpreter too.
pub fn exec(program: &OsStr, links: &dyn Links) -> Result<Vec<Question>, PolicyError> {
    let found = if program.as_bytes().contains(&b'/') {
        absolute(Path::new(program))?
    } else {
        on_path(program).ok_or_else(|| {
            let problem = format!("no program `{}` on PATH", program.display());
            PolicyError::whole("", problem, "name the program by its path")
        })?
    };
    let mut path = real_path(&found, links, true);
    let mut questions = vec![Question::Exec(path.clone())];
    while let Some(interpreter) = interpreter_of(&path).filter(|_| questions.len() <= INTERPRETERS) {
        path = real_path(&interpreter, links, true);
        questions.push(Question::Exec(path.clone()));
    }
    Ok(questions)
}

/// Using this file.
pub fn file(path: &Path, operations: Vec<Operation>, links: &dyn Links) -> Result<Question, PolicyError> {
    let follow = operations.iter().copied().all(follows_last);
    Ok(Question::File(real_path(&absolute(path)?, links, follow), operations))
}

/// Using this address.
pub fn net(address: &str, protocol: Protocol, operation: Operation) -> Result<Question, PolicyError> {
    let address =
        parse_exact(address).map_err(|error| PolicyError::whole("", error.to_string(), error.mend()))?;
    Ok(Question::Net(address, protocol, operation))
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

/// The program named by a script's first line.
fn interpreter_of(path: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut head = Vec::new();
    // As much as the kernel looks at (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h).
    std::fs::File::open(Path::new(OsStr::from_bytes(path))).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| b" \t".contains(byte)).find(|word| !word.is_empty())?;
    word.starts_with(b"/").then(|| word.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::links::NoLinks;

    #[test]
    fn a_script_asks_about_its_interpreter_too() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("run");
        std::fs::write(&script, "#! /usr/bin/env python3\nprint(1)\n").unwrap();
        let questions = exec(script.as_os_str(), &NoLinks).unwrap();
        let own = Question::Exec(script.as_os_str().as_bytes().to_vec());
        assert_eq!(questions, [own, Question::Exec(b"/usr/bin/env".to_vec())]);
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert!(exec(OsStr::new("no-such-program-anywhere"), &NoLinks).is_err());
        assert!(net("example.org:80", Protocol::Tcp, Operation::Connect).is_err());
        let question = file(Path::new("/a/../b"), vec![Operation::Read], &NoLinks).unwrap();
        assert_eq!(question, Question::File(b"/b".to_vec(), vec![Operation::Read]));
    }
}
