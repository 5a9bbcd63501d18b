//! The child's side: limits taken on before a byte is read, then one task.
//!
//! What a hostile file may reach is this process: its memory, its computing time, what it may write, its own folder, and programs
//! and libraries of the system to read (the PDF converter is one). The network is closed. Where the kernel has no Landlock, the
//! limits of memory, time and size hold all the same, and `vigie check` says what is missing.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::archive::{self, Entry};
use crate::findings::{self, Finding};
use crate::formats::{self, Tools};
use crate::kind;
use crate::limits::{CPU_SECONDS, MAX_PIECE, MEMORY};
use crate::piece::{Kind, Text, Unread};
use crate::written::Written;

/// The first argument of a child; no person types it.
pub const ARGUMENT: &str = "__lire-piece";

/// What a child is asked, as its arguments after [`ARGUMENT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Unpacks the archive `input` into the working folder.
    Unpack,
    /// Reads the file `input`.
    Read {
        /// What it is called.
        name: String,
        /// The PDF converter.
        pdftotext: Option<PathBuf>,
    },
}

/// The file in the child's folder that it is about.
pub(crate) const INPUT: &str = "piece";

impl Task {
    /// As arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::Unpack => vec![ARGUMENT.into(), "ouvrir".into()],
            Self::Read { name, pdftotext } => {
                let mut all = vec![ARGUMENT.into(), "lire".into(), name.into()];
                all.extend(pdftotext.as_ref().map(|p| p.clone().into_os_string()));
                all
            }
        }
    }

    fn of(arguments: &[OsString]) -> Option<Self> {
        match arguments.first()?.to_str()? {
            "ouvrir" => Some(Self::Unpack),
            "lire" => Some(Self::Read {
                name: arguments.get(1)?.to_string_lossy().into_owned(),
                pdftotext: arguments.get(2).map(PathBuf::from),
            }),
            _ => None,
        }
    }
}

/// What a child answers, as JSON on its standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Unpacked(Result<Vec<Entry>, Unread>),
    Read { kind: Kind, outcome: Result<Text, Unread>, findings: Vec<Finding> },
}

/// Does what a child is asked, if this process is one: to be called before anything else in `main`.
#[must_use]
pub fn child(html: fn(&[u8]) -> String) -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_none_or(|a| a != ARGUMENT) {
        return None;
    }
    let Some(task) = Task::of(&arguments[1..]) else { return Some(ExitCode::from(2)) };
    if limit().is_err() {
        return Some(ExitCode::from(3));
    }
    let answer = answer(&task, html);
    let Ok(json) = serde_json::to_vec(&answer) else { return Some(ExitCode::from(4)) };
    let written = std::io::stdout().lock().write_all(&json);
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(5) })
}

fn answer(task: &Task, html: fn(&[u8]) -> String) -> Answer {
    let input = Path::new(INPUT);
    match task {
        Task::Unpack => Answer::Unpacked(archive::unpack(input, Path::new("."))),
        Task::Read { name, pdftotext } => {
            let outcome = formats::read(input, name, &Tools { pdftotext: pdftotext.as_deref(), html });
            let (kind, findings) = match &outcome {
                Ok(text) => {
                    let kind = kind::kind(name, text);
                    (kind, findings::of_piece(&Written::of(name, kind, text)))
                }
                Err(_) => (kind::kind(name, &Text::default()), Vec::new()),
            };
            Answer::Read { kind, outcome, findings }
        }
    }
}

/// Whether a process ended because its computing time was over.
#[must_use]
pub(crate) fn computed_too_long(status: std::process::ExitStatus) -> bool {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status) == Some(rustix::process::Signal::XCPU.as_raw());
    #[cfg(not(unix))]
    false
}

/// Takes on the limits of this process.
#[cfg(unix)]
fn limit() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |n: u64| Rlimit { current: Some(n), maximum: Some(n) };
    // At the first the system says why it ends a process, at the second it does not.
    let computing = Rlimit { current: Some(CPU_SECONDS), maximum: Some(CPU_SECONDS + 1) };
    setrlimit(Resource::As, most(MEMORY))?;
    setrlimit(Resource::Cpu, computing)?;
    setrlimit(Resource::Fsize, most(MAX_PIECE + 1))?;
    setrlimit(Resource::Nofile, most(64))?;
    setrlimit(Resource::Core, most(0))?;
    #[cfg(target_os = "linux")]
    landlock::restrict();
    Ok(())
}

#[cfg(not(unix))]
fn limit() -> std::io::Result<()> {
    Ok(())
}

/// Whether the kernel keeps a child to its folder and off the network.
#[must_use]
pub fn is_fenced() -> bool {
    #[cfg(target_os = "linux")]
    return landlock::is_there();
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(target_os = "linux")]
mod landlock {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetError, Scope, path_beneath_rules,
    };

    /// Folders of programs and libraries: what the PDF converter is made of.
    const SYSTEM: &[&str] =
        &["/usr", "/lib", "/lib64", "/bin", "/opt", "/nix", "/gnu", "/etc/ld.so.cache", "/etc/fonts"];

    pub(super) fn restrict() {
        // Without it the other limits hold; `vigie check` tells.
        let _ = fence();
    }

    fn fence() -> Result<(), RulesetError> {
        let abi = ABI::V6;
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules(["."], AccessFs::from_all(abi)))?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::from_all(abi)))?
            .restrict_self()?;
        Ok(())
    }

    /// Asked without restricting this process.
    pub(super) fn is_there() -> bool {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))
            .and_then(Ruleset::create)
            .is_ok()
    }
}
