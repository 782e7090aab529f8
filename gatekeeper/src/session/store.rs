//! Sessions on disk: one JSON file each, there from before its first task to after its last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::Session;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_trail::files;
use gatekeeper_trail::state_file::{SetAside, json, make_folder, read_or_set_aside};

/// The folder in which sessions are written down.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A record that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}", path = path.display())]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

impl Store {
    /// Opens the store in the state folder.
    ///
    /// # Errors
    /// Where the folder can't be made.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let folder = state.join("sessions");
        make_folder(&folder).map_err(at(&folder))?;
        Ok(Self { folder })
    }

    /// Every session written down. Of one whose file is damaged and set aside, the tasks stay bound: their labels are in the
    /// kernel, and the slots of labels in use are not given away.
    ///
    /// # Errors
    /// Where the folder can't be read, or a damaged file can't be renamed.
    pub fn load(&self, set_aside: &mut Vec<SetAside>) -> Result<Vec<Session>, StoreError> {
        let mut sessions = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let path = entry.map_err(at(&self.folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                sessions.extend(read_or_set_aside(&path, set_aside, json).map_err(at(&path))?);
            }
        }
        Ok(sessions)
    }

    /// The files of sessions that were damaged, and that nobody has removed since.
    ///
    /// # Errors
    /// Where the folder can't be read.
    pub fn damaged(&self) -> Result<Vec<PathBuf>, StoreError> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let paths = entries.map_err(at(&self.folder))?.into_iter().map(|entry| entry.path());
        Ok(paths.filter(|path| path.to_string_lossy().contains(".json.aside-")).collect())
    }

    /// Writes a session down, also over what was written of it before.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn save(&self, session: &Session) -> Result<(), StoreError> {
        let path = self.path(session.id);
        let bytes = serde_json::to_vec(session).map_err(|error| at(&path)(error.into()))?;
        files::write_atomically(&path, &bytes).map_err(at(&path))
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// Where the file can't be removed; one that is missing is no error.
    pub fn remove(&self, id: SessionId) -> Result<(), StoreError> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }

    fn path(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { path, source }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::record::{LayerRef, OwnLayer, Owner};
    use super::*;
    use crate::protocol::messages::PolicyChoice;
    use crate::protocol::summary::Kind;
    use gatekeeper_record::time::Moment;

    /// One with a layer of its own in another's.
    pub fn session() -> Session {
        let layer = LayerRef { slot: 3, serial: 9 };
        let source = PolicyChoice::Text { file: "mine.toml".into(), text: "version = 1\n".into() };
        Session {
            id: SessionId::from_kernel(4242).unwrap(),
            name: Some("demo".into()),
            purpose: None,
            command: vec!["make".into()],
            owner: Owner { uid: 1000, name: "dev".into(), home: "/home/dev".into() },
            workspace: "/home/dev/app".into(),
            kind: Kind::Run,
            cgroup: "/sys/fs/cgroup/gatekeeper/x".into(),
            cgroup_id: 77,
            namespace: None,
            container: None,
            parent: None,
            opened: Moment::from_micros(1_800_000_000_000_000),
            ends: Some(7_200_000_000_000),
            expired: false,
            boot: "b".into(),
            inherited: vec![LayerRef { slot: 1, serial: 2 }],
            own: vec![OwnLayer { layer, policy: "mine".into(), generation: 1, source }],
        }
    }

    #[test]
    fn a_saved_session_is_loaded_until_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.save(&session()).unwrap();
        assert_eq!(store.load(&mut Vec::new()).unwrap(), [session()]);
        store.remove(session().id).unwrap();
        store.remove(session().id).unwrap();
        assert_eq!(store.load(&mut Vec::new()).unwrap(), []);
    }

    #[test]
    fn sessions_of_version_1_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let load = |version: u8| {
            let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
            let bytes = fs::read(fixtures.join(format!("state-{version}/sessions/000000002d.json"))).unwrap();
            fs::write(folder.path().join("sessions/000000002d.json"), &bytes).unwrap();
            (store.load(&mut Vec::new()).unwrap(), bytes)
        };
        let ((old, _), (new, bytes)) = (load(1), load(2));
        assert_eq!((old.len(), &old), (1, &new));
        assert!(old[0].container.as_ref().unwrap().pod_uid.is_some());
        // The fixture of the new form is what is written now.
        store.save(&old[0]).unwrap();
        assert_eq!(fs::read(folder.path().join("sessions/000000002d.json")).unwrap(), bytes);
    }

    #[test]
    fn sessions_of_versions_without_an_end_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut endless = session();
        endless.ends = None;
        store.save(&endless).unwrap();
        let path = store.path(endless.id);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("ends") && !text.contains("expired"), "{text}");
        assert_eq!(store.load(&mut Vec::new()).unwrap(), [endless]);
    }

    #[test]
    fn a_damaged_record_is_set_aside_and_the_others_are_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fs::write(folder.path().join("sessions/zz.json"), b"{").unwrap();
        store.save(&session()).unwrap();
        let mut aside = Vec::new();
        assert_eq!(store.load(&mut aside).unwrap(), [session()]);
        assert!(aside.len() == 1 && aside[0].to_string().contains("zz.json"), "{aside:?}");
        assert_eq!(fs::read(&aside[0].aside).unwrap(), b"{");
        assert_eq!(store.damaged().unwrap(), [aside[0].aside.clone()]);
    }

    #[test]
    fn the_label_has_the_inherited_layers_outermost() {
        let label = session().label().unwrap();
        assert_eq!((label.session, label.count), (4242, 2));
        assert_eq!(label.layers[0].serial, 2);
        assert_eq!(label.layers[1].serial, 9);
        let mut deep = session();
        deep.inherited = vec![LayerRef { slot: 1, serial: 2 }; 8];
        assert!(deep.label().is_err());
    }
}
