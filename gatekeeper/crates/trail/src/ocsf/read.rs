//! From the stored form back to a record: nothing is lost on the way there and back.

use std::net::{IpAddr, SocketAddr};

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;
use serde::Deserialize;

use super::actor::{Container, Process, ProcessEntity};
use super::assistant_report;
use super::line::{LOG_VERSION, Line};
use super::objects::{Endpoint, File};
use super::text::Text;
use super::unmapped::Kind;
use gatekeeper_policy::document::Severity;
use gatekeeper_policy::rulebook::RuleInfo;
use gatekeeper_record::decision::Decision;
use gatekeeper_record::record::{
    DaemonChange, Event, FileId, HookChange, Lost, Object, PolicyRefused, Record, SessionChange, Task,
    TrailChange,
};
use gatekeeper_record::time::Moment;
use gatekeeper_record::words::{read_cause, read_protocol};

/// Not a record that this version of gatekeeper wrote.
#[derive(Debug, thiserror::Error)]
#[error("record {sequence} has no {what}: was it written by another version?")]
pub struct NotOurs {
    sequence: u64,
    what: &'static str,
}

impl Line<'_> {
    /// The record.
    ///
    /// # Errors
    /// Where the line is of a later version, or lacks what its kind needs.
    ///
    /// # Errors
    /// Where it is not in the form that this version of gatekeeper writes, or an earlier one.
    pub fn record(&self) -> Result<Record, NotOurs> {
        let missing = |what| NotOurs { sequence: self.metadata.sequence, what };
        if self.metadata.log_version.as_deref().is_some_and(|version| version != LOG_VERSION) {
            return Err(missing("log_version that is known here"));
        }
        let time = self.time_dt;
        Ok(match self.unmapped.kind {
            Kind::Event => Record::Event(Box::new(self.event().map_err(missing)?)),
            Kind::Session => Record::Session(self.session().map_err(missing)?),
            Kind::Lost => Record::Lost(Lost {
                time,
                families: self.unmapped.lost.clone(),
                unexplained: self.unmapped.unexplained.unwrap_or(0),
                unwritten: self.unmapped.unwritten.unwrap_or(0),
            }),
            Kind::Daemon => Record::Daemon(DaemonChange {
                time,
                started: matches!(self.activity_id, 3 | 8),
                version: self.app.as_ref().ok_or(missing("app"))?.version.to_string(),
                replaces: owned(self.unmapped.replaces.as_ref()),
                boot: self.device.boot_uid.to_string(),
                failure: owned(self.status_detail.as_ref()),
            }),
            Kind::PolicyRefused => Record::PolicyRefused(PolicyRefused {
                time,
                owner: self.owner().ok_or(missing("user"))?,
                policy: owned(self.entity.as_ref().and_then(|entity| entity.name.as_ref()))
                    .unwrap_or_default(),
                reason: owned(self.status_detail.as_ref()).unwrap_or_default(),
            }),
            Kind::Hook => {
                let feature = self.app.as_ref().and_then(|app| app.feature.as_ref());
                Record::Hook(HookChange {
                    time,
                    hook: feature.ok_or(missing("hook"))?.name.to_string(),
                    live: self.status_id == 1,
                    reason: owned(self.status_detail.as_ref()),
                })
            }
            Kind::Trail => Record::Trail(TrailChange {
                time,
                change: self.unmapped.trail_change.ok_or(missing("change"))?,
                note: owned(self.status_detail.as_ref()).unwrap_or_default(),
                kept_from: self.unmapped.kept_from,
            }),
            Kind::AssistantReport => {
                Record::AssistantReport(Box::new(assistant_report::read(self).ok_or(missing("report"))?))
            }
            Kind::Decision => Record::Decision(self.decision().map_err(missing)?),
            Kind::Missed => Record::Missed { count: self.unmapped.missed.unwrap_or(0) },
        })
    }

    fn owner(&self) -> Option<u32> {
        self.actor.as_ref()?.user.as_ref()?.uid.parse().ok()
    }

    fn session(&self) -> Result<SessionChange, &'static str> {
        let actor = self.actor.as_ref().ok_or("actor")?;
        Ok(SessionChange {
            time: self.time_dt,
            session: actor.session.as_ref().ok_or("session")?.uid,
            session_name: owned(self.unmapped.session_name.as_ref()),
            owner: self.owner().ok_or("user")?,
            change: self.unmapped.change.ok_or("change")?,
            policies: all(&self.unmapped.policies),
            purpose: owned(self.unmapped.purpose.as_ref()),
            parent: self.unmapped.parent,
            workspace: owned(self.unmapped.workspace.as_ref()),
            user: owned(actor.user.as_ref().and_then(|user| user.name.as_ref())),
            expires: self.unmapped.expires,
            container: self.unmapped.container.as_ref().map(Container::read),
            command: all(&self.unmapped.command),
            note: owned(self.status_detail.as_ref()),
        })
    }

    fn event(&self) -> Result<Event, &'static str> {
        let actor = self.actor.as_ref().ok_or("actor")?;
        let cause = self.status_code.as_ref().and_then(|word| read_cause(word));
        Ok(Event {
            owner: self.owner(),
            passed: self.unmapped.passed.ok_or("passed")?,
            cause: cause.ok_or("cause")?,
            reason: owned(self.status_detail.as_ref()).unwrap_or_default(),
            hold: self.unmapped.hold,
            ..self.asked(self.time_dt, actor.process.as_ref().ok_or("process")?)?
        })
    }

    fn decision(&self) -> Result<Box<Decision>, &'static str> {
        let mut decision = self.unmapped.decision.clone().ok_or("decision")?;
        if let Some(process) = &self.unmapped.process {
            let event = Event {
                owner: decision.owner,
                reason: owned(self.unmapped.hold_reason.as_ref()).unwrap_or_default(),
                hold: Some(decision.hold),
                ..self.asked(self.unmapped.held_since.ok_or("held_since")?, process)?
            };
            decision.event = Some(Box::new(event));
        }
        Ok(decision)
    }

    /// The operation that was asked for, as long as it waits.
    fn asked(&self, time: Moment, process: &Process<'_>) -> Result<Event, &'static str> {
        let actor = self.actor.as_ref().ok_or("actor")?;
        let operation = self.unmapped.operation.ok_or("operation")?;
        let program = process.file.as_ref();
        Ok(Event {
            sequence: self.unmapped.event.ok_or("event")?,
            time,
            boot_time: number(self.unmapped.boot_time.as_ref()).ok_or("boot_time")?,
            session: actor.session.as_ref().map(|session| session.uid),
            session_name: owned(self.unmapped.session_name.as_ref()),
            owner: None,
            purpose: owned(self.unmapped.purpose.as_ref()),
            assistant: self.ai_agent.as_ref().map(|agent| agent.uid.to_string()),
            verdict: self.unmapped.verdict.ok_or("verdict")?,
            passed: false,
            operation,
            object: self.object(operation).ok_or("object")?,
            cause: Cause::Held,
            reason: String::new(),
            rule: self.rule()?,
            policy: self.policy.as_ref().map(|policy| policy.name.to_string()),
            generation: self.unmapped.generation.ok_or("generation")?,
            layer: self.unmapped.layer.ok_or("layer")?,
            program: program.and_then(|file| owned(file.path.as_ref())),
            container: process.container.as_ref().map(Container::read),
            command_line: owned(process.cmd_line.as_ref()),
            program_file: program.and_then(file_id),
            task: task(process).ok_or("process start")?,
            ancestry: process.ancestry.iter().filter_map(ProcessEntity::ancestor).collect(),
            record_required: self.unmapped.record_required.unwrap_or(false),
            detail: self.unmapped.detail.unwrap_or(0),
            tool_call: self.unmapped.tool_call.clone(),
            hold: None,
        })
    }

    fn rule(&self) -> Result<Option<RuleInfo>, &'static str> {
        let Some(rule) = &self.firewall_rule else { return Ok(None) };
        let severity = match self.severity_id {
            1 => Severity::Info,
            2 => Severity::Low,
            3 => Severity::Medium,
            4 => Severity::High,
            5 => Severity::Critical,
            _ => return Err("severity"),
        };
        let (id, reason) = (rule.uid.to_string(), owned(rule.desc.as_ref()));
        Ok(Some(RuleInfo { id, reason, severity, tags: all(&self.unmapped.tags) }))
    }

    fn object(&self, operation: Operation) -> Option<Object> {
        if let Some(object) = &self.unmapped.object {
            return Object::deserialize(object).ok();
        }
        let (file, endpoint) = match operation.family() {
            Family::Exec => (self.process.as_ref().and_then(|process| process.file.as_ref()), None),
            Family::File => (self.file.as_ref().filter(|file| file.path.is_some()), None),
            Family::Net => {
                let end = self.dst_endpoint.as_ref().or(self.src_endpoint.as_ref());
                (None, end.filter(|end| end.ip.is_some()))
            }
            _ => (None, None),
        };
        let file = file.or(self.unmapped.file.as_ref());
        let endpoint = endpoint.or(self.unmapped.endpoint.as_ref());
        match (file, endpoint) {
            (Some(file), _) => {
                let id = file_id(file).unwrap_or_default();
                Some(Object::File {
                    path: owned(file.path.as_ref())?,
                    path_hex: owned(self.unmapped.path_hex.as_ref()),
                    workspace_path: owned(self.unmapped.workspace_path.as_ref()),
                    device: id.device,
                    inode: id.inode,
                })
            }
            (None, Some(endpoint)) => self.address(endpoint),
            (None, None) => Some(Object::None),
        }
    }

    fn address(&self, endpoint: &Endpoint<'_>) -> Option<Object> {
        let ip: IpAddr = endpoint.ip.as_ref()?.parse().ok()?;
        let word = self.unmapped.protocol.as_ref()?;
        let protocol = read_protocol(word)?;
        Some(Object::Address { address: SocketAddr::new(ip, endpoint.port?), protocol })
    }
}

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(ToString::to_string)
}

fn all(texts: &[Text<'_>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn number(text: Option<&Text<'_>>) -> Option<u64> {
    text?.parse().ok()
}

fn file_id(file: &File<'_>) -> Option<FileId> {
    let (device, inode) = file.uid.as_ref()?.split_once(':')?;
    Some(FileId { device: device.parse().ok()?, inode: inode.parse().ok()? })
}

fn task(process: &Process<'_>) -> Option<Task> {
    Some(Task {
        pid: process.pid,
        tid: process.tid,
        parent_pid: process.parent_process.pid,
        start: process.uid.split_once('-')?.1.parse().ok()?,
        uid: process.user.uid.parse().ok()?,
        comm: process.name.to_string(),
    })
}
