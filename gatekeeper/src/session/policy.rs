//! The seam to the policy rooms: from a choice to what the kernel takes.

use std::path::{Path, PathBuf};

use super::record::Owner;
use crate::config::Config;
use crate::protocol::messages::PolicyChoice;
use gatekeeper_policy::builtin::Places;
use gatekeeper_policy::is_policy_name;
use gatekeeper_policy::links::Disk;
use gatekeeper_policy::rulebook::Rules;
use gatekeeper_policy::secrets::Secrets;
use gatekeeper_policy::source::Source;
use gatekeeper_policy::{self, Policy, PolicyError, SearchPath, Vars, load};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_trail::export::setting::Target;

/// The value of `${tmp}`.
const TMP: &str = "/tmp";

/// The values of a policy's variables in one session.
#[derive(Clone, Debug)]
pub struct Variables {
    /// `${workspace}`.
    pub workspace: PathBuf,
    /// `${home}`, `${user}`, `${uid}`.
    pub owner: Owner,
    /// `${session}`.
    pub session: SessionId,
}

impl Variables {
    fn vars(&self) -> Vars {
        let Owner { uid, name, home } = &self.owner;
        // Policies name real paths, and a home can lie behind a link that root made.
        let home = home.canonicalize().unwrap_or_else(|_| home.clone());
        Vars::new(&self.workspace, &home, name, *uid, Path::new(TMP), &self.session.to_string())
    }
}

/// A compiled policy as a session needs it: the planes for the kernel, and the rules for the trail.
#[derive(Debug)]
pub struct SessionPolicy {
    /// Its name.
    pub name: String,
    /// Plane [`gatekeeper_common::image::HEAD`].
    pub head: Vec<u8>,
    /// Plane [`gatekeeper_common::image::COMB`].
    pub comb: Vec<u8>,
    /// The rules behind the numbers that the kernel reports.
    pub rules: Rules,
    /// The secrets that are masked in the record.
    pub secrets: Secrets,
}

impl SessionPolicy {
    /// The rules as the trail has to know them: for a session on its own, or for one inside another.
    #[must_use]
    pub fn rules(&self, inside_another: bool) -> Rules {
        Rules { secrets: self.secrets.counting(inside_another), ..self.rules.clone() }
    }
}

/// Finds, checks and compiles a policy, and runs its own tests.
///
/// # Errors
/// Where the policy is missing or wrong, or one of its tests fails.
pub fn compile(
    choice: &PolicyChoice,
    variables: &Variables,
    config: &Config,
) -> Result<SessionPolicy, PolicyError> {
    let compiled = compile_whole(choice, variables, config)?;
    Ok(SessionPolicy {
        head: compiled.image.head(),
        comb: compiled.image.comb().to_vec(),
        rules: Rules::of(&compiled),
        secrets: compiled.secrets,
        name: compiled.name,
    })
}

/// The whole policy compiled, for questions in user space.
///
/// # Errors
/// Where the policy is missing or wrong, or one of its tests fails.
pub fn compile_whole(
    choice: &PolicyChoice,
    variables: &Variables,
    config: &Config,
) -> Result<gatekeeper_policy::Compiled, PolicyError> {
    let search = SearchPath { directories: config.policies.clone() };
    let mut policy = match choice {
        // Whatever looks like a path is none of the daemon's to open.
        PolicyChoice::Name(name) if is_policy_name(name) && name.strip_suffix(".toml").is_none() => {
            load(name, &search)?
        }
        PolicyChoice::Name(name) => {
            return Err(PolicyError::whole(
                name,
                "this is not a policy's name",
                "name a policy or send its text",
            ));
        }
        PolicyChoice::Text { file, text } => {
            Policy::from_source(Source::new(file.as_str(), None, text.clone()), &search)?
        }
    };
    guard(&mut policy.places, config);
    policy.resolve(&variables.vars(), &Disk::default())?.compile()
}

/// Adds to what gatekeeper protects of itself where the configuration lies, and where it puts things.
pub fn guard(places: &mut Places, config: &Config) {
    let own = [&config.state, &config.socket, &config.pins, &config.cgroup];
    let lists = [&config.file, &config.checks.allowed, &config.checks.denied];
    let program = std::env::current_exe().ok();
    places.guarded.extend(config.policies.iter().chain(own).chain(lists.into_iter().flatten()).cloned());
    places.guarded.extend(program);
    places.secret.push(config.state.clone());
    // Whoever reads one could sign in gatekeeper's name.
    let mut keys: Vec<&PathBuf> = config.notify.webhook.iter().map(|hook| &hook.secret).collect();
    for export in &config.exports {
        match &export.target {
            Target::Webhook { secret, .. } => keys.push(secret),
            Target::File { path } => places.guarded.push(path.clone()),
            Target::Otlp(_) | Target::Syslog { .. } | Target::Journald { .. } => {}
        }
    }
    places.guarded.extend(keys.iter().copied().cloned());
    places.secret.extend(keys.into_iter().cloned());
    for list in [&mut places.guarded, &mut places.secret] {
        list.sort();
        list.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            workspace: "/srv/app".into(),
            owner: Owner { uid: 1000, name: "dev".into(), home: "/home/dev".into() },
            session: SessionId::from_kernel(1).unwrap(),
        }
    }

    fn text(text: &str) -> PolicyChoice {
        PolicyChoice::Text { file: "./mine.toml".into(), text: text.into() }
    }

    #[test]
    fn a_policy_becomes_planes_and_rules() {
        let source =
            "version = 1\n[[file]]\nverdict = \"deny\"\npath = [\"**/.env\"]\nreason = \"secrets\"\n";
        let compiled = compile(&text(source), &variables(), &Config::default()).unwrap();
        assert_eq!(compiled.name, "mine");
        assert_eq!(&compiled.head[..8], b"GKPOLICY");
        assert!(compiled.rules.rules.iter().any(|rule| rule.reason.as_deref() == Some("secrets")));
    }

    #[test]
    fn a_mistake_is_reported_with_its_place() {
        let error =
            compile(&text("version = 1\nverison = 2\n"), &variables(), &Config::default()).unwrap_err();
        assert!(error.to_string().starts_with("./mine.toml:2:"), "{error}");
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["/etc/passwd", "../x", "x.toml", ""] {
            let error =
                compile(&PolicyChoice::Name(name.into()), &variables(), &Config::default()).unwrap_err();
            assert!(error.to_string().contains("not a policy's name"), "{error}");
        }
    }

    #[test]
    fn moved_paths_are_guarded() {
        let mut places = Places::default();
        let config = Config {
            file: Some("/srv/gk/conf.toml".into()),
            state: "/srv/gk/state".into(),
            socket: "/srv/gk/run/c.sock".into(),
            ..Config::default()
        };
        guard(&mut places, &config);
        assert!(places.guarded.contains(&"/srv/gk/conf.toml".into()));
        assert!(places.guarded.contains(&"/srv/gk/run/c.sock".into()));
        assert!(places.secret.contains(&"/srv/gk/state".into()));
    }
}
