//! Programs that the daemon runs: bounded in time and output, and with fewer privileges than the daemon.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tracing::warn;

use crate::sys::drop_privileges::{drop_privileges, kill_group};
use crate::sys::passwd::Entry;

/// Bytes of an answer, at most.
const ANSWER: u64 = 16 << 10;
/// Bytes of its standard error that are read, at most.
const COMPLAINT: u64 = 1 << 10;

/// The output of a program.
#[derive(Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output, 16 KiB at most.
    pub answer: Vec<u8>,
    /// The start of its standard error, 1 KiB at most.
    pub complaint: Vec<u8>,
}

/// The reason that there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Silent {
    /// A program that could not be started or read from.
    #[error("{0}")]
    Failed(#[from] std::io::Error),
    /// No answer within the limit.
    #[error("no answer after {} s", .0.as_secs())]
    TooLong(Duration),
    /// An answer that is too long.
    #[error("more than {ANSWER} bytes of answer")]
    TooMuch,
}

/// All processes of a group, which end with this.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = kill_group(self.0) {
            warn!("killing a program of the daemon's: {error}");
        }
    }
}

/// Runs a program as this user with these words, writes `input` to it, and reads its output.
///
/// # Errors
/// Where there is no answer within the limit.
pub async fn ask(
    program: &Path,
    words: &[String],
    environment: &[(&str, String)],
    user: &Entry,
    input: &[u8],
    limit: Duration,
) -> Result<Output, Silent> {
    let mut command = std::process::Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    drop_privileges(&mut command, user);
    command.envs(environment.iter().map(|(name, value)| (name, value.as_str())));
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
    let _group = child.id().map(Group);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let hand_over = async {
        if let Some(mut stdin) = stdin {
            // Whoever does not read what it is handed has its reasons.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        }
    };
    let all = async {
        let ((), answer, complaint) =
            tokio::join!(hand_over, read_limited(stdout, ANSWER + 1), read_limited(stderr, COMPLAINT));
        Ok::<_, std::io::Error>((answer?, complaint?, child.wait().await?))
    };
    let (answer, complaint, status) =
        tokio::time::timeout(limit, all).await.map_err(|_| Silent::TooLong(limit))??;
    if answer.len() as u64 > ANSWER {
        return Err(Silent::TooMuch);
    }
    Ok(Output { status, answer, complaint })
}

async fn read_limited(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // With that the pipe is closed: who goes on is ended by the write.
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sys::{passwd, process};

    /// Somebody this process can become.
    pub fn somebody() -> Entry {
        let uid = process::effective_uid();
        let found = if uid == 0 { passwd::by_name("nobody") } else { passwd::by_uid(uid) };
        found.unwrap().unwrap()
    }

    async fn shell(script: &str, input: &str, limit: Duration) -> Result<Output, Silent> {
        let words = ["-c".to_owned(), script.to_owned()];
        ask(Path::new("/bin/sh"), &words, &[], &somebody(), input.as_bytes(), limit).await
    }

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn it_has_nothing_of_the_daemons() {
        let script = "id -u; id -G; env | grep -v PWD= | sort; ulimit -c; pwd; \
                      grep -E '^(NoNewPrivs|CapEff|CapPrm|CapAmb):' /proc/self/status";
        let output = shell(script, "", SOON).await.unwrap();
        let user = somebody();
        let expected = format!(
            "{}\n{}\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\n0\n/\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
             CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n",
            user.uid, user.gid
        );
        let text = String::from_utf8(output.answer).unwrap();
        // Who runs the tests as an ordinary user keeps their groups.
        if process::effective_uid() == 0 {
            assert_eq!(text, expected);
        } else {
            assert!(text.contains("NoNewPrivs:\t1") && text.contains("CapEff:\t0000000000000000"), "{text}");
        }
    }

    #[tokio::test]
    async fn who_takes_too_long_ends_with_its_children() {
        let begun = Instant::now();
        let mark = format!("{}.5", 3_000_000 + std::process::id());
        let script = format!("sleep {mark} & sleep {mark}");
        let error = shell(&script, "", Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, Silent::TooLong(_)), "{error}");
        assert!(begun.elapsed() < SOON);
        let runs = || {
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
                .any(|words| words.split(|byte| *byte == 0).any(|word| word == mark.as_bytes()))
        };
        while runs() {
            assert!(begun.elapsed() < SOON, "its child runs on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_none() {
        let error = shell("yes", "", SOON).await.unwrap_err();
        assert!(matches!(error, Silent::TooMuch), "{error}");
    }

    #[tokio::test]
    async fn input_arrives_whole_or_is_not_wanted() {
        let long = "x".repeat(1 << 20);
        let output = shell("wc -c", &long, SOON).await.unwrap();
        assert_eq!(String::from_utf8(output.answer).unwrap().trim(), "1048576");
        assert!(shell("exit 3", &long, SOON).await.unwrap().status.code() == Some(3));
    }
}
