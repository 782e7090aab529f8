//! Questions on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Subcommand, ValueEnum};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;

use gatekeeper_policy::explain::Question;
use gatekeeper_policy::links::Links;
use gatekeeper_policy::{PolicyError, cli_question};

/// Question that `explain` answers.
#[derive(Debug, Subcommand)]
pub enum Asked {
    /// Start a program.
    Exec {
        /// The name of an environment variable that is set; may be repeated.
        #[arg(long, value_name = "NAME")]
        env: Vec<OsString>,
        /// The name that the program is called by (`argv[0]`) [default: as it is written].
        #[arg(long, value_name = "NAME")]
        argv0: Option<OsString>,
        /// The program changes who runs it, by file capabilities, say; its mode is looked at in any case.
        #[arg(long)]
        setuid: bool,
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGV")]
        argv: Vec<OsString>,
    },
    /// Use a file.
    File {
        /// The file.
        path: PathBuf,
        /// How; several are judged together.
        #[arg(required = true, value_parser = one_of(FILE))]
        access: Vec<Operation>,
    },
    /// Use an address.
    Net {
        /// Address and port: `93.184.216.34:443`, `[::1]:80`.
        address: String,
        /// How.
        #[arg(long, default_value = "connect", value_parser = one_of(NET))]
        operation: Operation,
        /// Over which protocol.
        #[arg(long, default_value = "tcp")]
        protocol: ProtocolArg,
    },
    /// Use a UNIX socket of another's.
    Unix {
        /// The socket's path, or `@` and its abstract name.
        #[arg(value_name = "PATH|@NAME")]
        found_at: OsString,
        /// How.
        #[arg(default_value = "connect", value_parser = one_of(UNIX))]
        operation: Operation,
    },
    /// Send a signal to a process outside the session.
    Signal {
        /// The signal: TERM, RTMIN+3, 10.
        signal: String,
        /// The program that the process runs.
        program: PathBuf,
    },
    /// Use a capability.
    Capability {
        /// Its name, as in capabilities(7): `net_bind_service`.
        name: String,
    },
}

type Words = &'static [(&'static str, Operation)];

const FILE: Words = &[
    ("read", Operation::Read),
    ("write", Operation::Write),
    ("create", Operation::Create),
    ("delete", Operation::Delete),
    ("rename", Operation::Rename),
    ("link", Operation::Link),
    ("metadata", Operation::Metadata),
    ("map", Operation::Map),
];
const NET: Words = &[
    ("connect", Operation::Connect),
    ("bind", Operation::Bind),
    ("send", Operation::Send),
    ("listen", Operation::Listen),
    ("accept", Operation::Accept),
];
const UNIX: Words =
    &[("connect", Operation::UnixConnect), ("bind", Operation::UnixBind), ("send", Operation::UnixSend)];

/// One of these words.
fn one_of(words: Words) -> impl TypedValueParser<Value = Operation> {
    let known = words.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(known).try_map(|given| {
        let found = words.iter().find(|(word, _)| *word == given);
        found.map(|(_, operation)| *operation).ok_or("not one of the words listed")
    })
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ProtocolArg {
    Tcp,
    Udp,
    Other,
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

impl Asked {
    /// Returns the questions that the kernel would be asked.
    ///
    /// # Errors
    /// Where the words form no question that the kernel could ask.
    pub fn questions(self, links: &dyn Links) -> Result<Vec<Question>, PolicyError> {
        let one = match self {
            Self::Exec { env, argv0, setuid, argv } => {
                return cli_question::exec(&argv, argv0.as_deref(), &env, setuid, links);
            }
            Self::File { path, access } => cli_question::file(&path, access, links),
            Self::Net { address, operation, protocol } => {
                cli_question::net(&address, protocol.into(), operation)
            }
            Self::Unix { found_at, operation } => cli_question::unix(&found_at, operation, links),
            Self::Signal { signal, program } => cli_question::signal(&signal, &program, links),
            Self::Capability { name } => cli_question::capability(&name),
        };
        Ok(vec![one?])
    }
}
