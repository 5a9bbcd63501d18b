//! The service's side: files in, pieces out. Every file is opened in a child process of this binary, in a folder of its own that is
//! removed whatever happens; no byte of it is looked into here.
//!
//! Whatever goes wrong is told of the file that it happened to, and the others are read. Nothing here fails as a whole, but for a
//! folder that cannot be written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use crate::archive::{Entry, shown};
use crate::consultation::Consultation;
use crate::findings::Finding;
use crate::limits::{COMPUTING, CPU_SECONDS, MAX_INPUT, MAX_TEXT, PIECE_WALL, WALL};
use crate::piece::{Kind, Piece, Unread};
use crate::sandbox::{Answer, INPUT, Task, computed_too_long};

/// Folders of readings start with this; what a process that was killed left behind is known by it.
const PREFIX: &str = "vigie-lecture-";

/// Most bytes of an answer: the text and what is quoted of it, escaped.
const MAX_ANSWER: u64 = 4 * MAX_TEXT as u64;

/// Most text kept of all pieces together, in bytes.
const MAX_ALL_TEXT: usize = 4 * MAX_TEXT;

/// Reads consultations.
#[derive(Debug, Clone)]
pub struct Reader {
    program: PathBuf,
    pdftotext: Option<PathBuf>,
    folder: PathBuf,
}

/// A file as it came in.
#[derive(Debug, Clone)]
pub struct Given {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// How far a reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Pieces read.
    pub done: usize,
    /// Pieces known so far.
    pub of: usize,
    /// The one begun.
    pub name: String,
}

impl Reader {
    /// A reader whose children are this program, at work in the system's folder for temporary files.
    ///
    /// # Errors
    /// This program does not know its own file.
    pub fn open() -> std::io::Result<Self> {
        Self::within(&std::env::temp_dir())
    }

    /// The same, at work in `folder`; each reading has a folder there that only this user can enter.
    ///
    /// # Errors
    /// This program does not know its own file.
    pub fn within(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { program: std::env::current_exe()?, pdftotext: Self::converter(), folder: folder.to_owned() })
    }

    /// The same, whose children are another build of the program: in tests, that one is not this process.
    #[must_use]
    pub fn of(program: PathBuf, folder: &Path) -> Self {
        Self { program, pdftotext: Self::converter(), folder: folder.to_owned() }
    }

    /// poppler's `pdftotext`, where it is installed.
    #[must_use]
    pub fn converter() -> Option<PathBuf> {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|f| f.join("pdftotext")).find(|p| p.is_absolute() && p.is_file())
    }

    /// Removes what readings left behind whose process was killed: older than any reading lasts.
    pub fn sweep(&self) {
        let left = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in left.filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX)) {
            let age = entry.metadata().and_then(|m| m.modified()).map(|m| m.elapsed().unwrap_or_default());
            if age.is_ok_and(|age| age > WALL * 10) {
                // That of another user stays: it cannot be removed.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Reads files as one consultation; `progress` hears of every piece begun.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub async fn read(&self, given: Vec<Given>, progress: impl Fn(Progress)) -> std::io::Result<Consultation> {
        let mut left = Left { computing: COMPUTING, until: Instant::now() + WALL };
        let home = private_folder(&self.folder)?;
        let mut waiting: Vec<(String, Result<PathBuf, Unread>)> = Vec::new();
        let mut total = 0usize;
        for (i, file) in given.into_iter().enumerate() {
            let name =
                Some(shown(&file.name)).filter(|n| !n.is_empty()).unwrap_or_else(|| format!("fichier {}", i + 1));
            total = total.saturating_add(file.bytes.len());
            if total > MAX_INPUT {
                waiting.push((name, Err(Unread::TooLarge(format!("plus de {} Mo en tout", MAX_INPUT / 1_048_576)))));
                continue;
            }
            let folder = home.path().join(format!("d{i}"));
            std::fs::create_dir(&folder)?;
            std::fs::write(folder.join(INPUT), &file.bytes)?;
            let archive = file.bytes.starts_with(b"PK\x03\x04") || file.bytes.starts_with(b"PK\x05\x06");
            drop(file.bytes);
            match archive {
                true => self.unpack(&home, &folder, &name, &mut left, &mut waiting).await,
                false => waiting.push((name, Ok(folder))),
            }
        }
        let of = waiting.len();
        let mut pieces = Vec::with_capacity(of);
        let mut found = Vec::new();
        let mut room = MAX_ALL_TEXT;
        for (done, (name, place)) in waiting.into_iter().enumerate() {
            progress(Progress { done, of, name: name.clone() });
            let (kind, outcome, findings) = match place {
                Ok(folder) => self.read_piece(&folder, &name, &mut left).await,
                Err(why) => (Kind::Other, Err(why), Vec::new()),
            };
            let (outcome, findings) = match outcome {
                Ok(text) if text.len() > room => {
                    (Err(Unread::TooLarge("le dossier a plus de texte que Vigie n’en lit".to_owned())), Vec::new())
                }
                outcome => (outcome, findings),
            };
            room -= outcome.as_ref().map_or(0, |t| t.len());
            found.push(findings);
            pieces.push(Piece { name, kind, outcome });
        }
        // What cannot be removed now is swept later.
        drop(home);
        Ok(Consultation::gather(pieces, found))
    }

    /// An archive's entries, each in a folder of its own; a document that is a ZIP too is left as it is.
    async fn unpack(
        &self,
        home: &TempDir,
        folder: &Path,
        name: &str,
        left: &mut Left,
        waiting: &mut Vec<(String, Result<PathBuf, Unread>)>,
    ) {
        let entries = match self.ask(folder, &Task::Unpack, left).await {
            Ok(Answer::Unpacked(Ok(entries))) => entries,
            Ok(Answer::Unpacked(Err(Unread::NotAnArchive))) => {
                waiting.push((name.to_owned(), Ok(folder.to_owned())));
                return;
            }
            Ok(Answer::Unpacked(Err(why))) | Err(why) => {
                waiting.push((name.to_owned(), Err(why)));
                return;
            }
            Ok(Answer::Read { .. }) => {
                waiting.push((name.to_owned(), Err(Unread::Died)));
                return;
            }
        };
        for Entry { name: inside, file } in entries {
            let own = home.path().join(format!("d{}-{}", waiting.len(), "p"));
            // The child names files, but does not choose where they are looked for.
            let moved = file.and_then(|file| {
                let plain = file.bytes().all(|b| b.is_ascii_alphanumeric());
                let moved =
                    std::fs::create_dir(&own).and_then(|()| std::fs::rename(folder.join(&file), own.join(INPUT)));
                if plain && moved.is_ok() { Ok(own.clone()) } else { Err(Unread::Died) }
            });
            waiting.push((shown(&inside), moved));
        }
        let _ = std::fs::remove_dir_all(folder);
    }

    async fn read_piece(
        &self,
        folder: &Path,
        name: &str,
        left: &mut Left,
    ) -> (Kind, Result<crate::piece::Text, Unread>, Vec<Finding>) {
        let task = Task::Read { name: name.to_owned(), pdftotext: self.pdftotext.clone() };
        let answer = self.ask(folder, &task, left).await;
        let _ = std::fs::remove_dir_all(folder);
        match answer {
            Ok(Answer::Read { kind, outcome, findings }) => (kind, outcome, findings),
            Ok(Answer::Unpacked(_)) => (Kind::Other, Err(Unread::Died), Vec::new()),
            Err(why) => (Kind::Other, Err(why), Vec::new()),
        }
    }

    /// A child's answer; it is ended when its time is over, with all that it started.
    async fn ask(&self, folder: &Path, task: &Task, left: &mut Left) -> Result<Answer, Unread> {
        if left.computing.is_zero() {
            return Err(Unread::TooSlow(COMPUTING.as_secs()));
        }
        let begun = Instant::now();
        let until = left.until.min(begun + PIECE_WALL);
        let mut command = Command::new(&self.program);
        command
            .args(task.arguments())
            .current_dir(folder)
            .env_clear()
            // One heap: each further one takes address space that the limit counts.
            .envs(
                [("MALLOC_ARENA_MAX", "1"), ("LC_ALL", "C.UTF-8")].map(|(k, v)| (OsString::from(k), OsString::from(v))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|_| Unread::Died)?;
        let group = Group(child.id());
        let mut answer = Vec::new();
        let read = async {
            if let Some(out) = child.stdout.take() {
                out.take(MAX_ANSWER).read_to_end(&mut answer).await?;
            }
            // Once its state is asked for below, the system forgets what it computed.
            let computed = child.id().and_then(computed_by).unwrap_or_else(|| begun.elapsed());
            Ok::<_, std::io::Error>((computed, child.wait().await?))
        };
        let ended = timeout_at(until, read).await;
        drop(group);
        if ended.is_err() {
            let _ = child.wait().await;
        }
        let computed = match &ended {
            Ok(Ok((computed, _))) => *computed,
            _ => begun.elapsed(),
        };
        left.computing = left.computing.saturating_sub(computed);
        match ended {
            Err(_) => Err(Unread::OutOfTime(begun.elapsed().as_secs().div_ceil(60))),
            Ok(Ok((_, status))) if status.success() => serde_json::from_slice(&answer).map_err(|_| Unread::Died),
            Ok(Ok((_, status))) if computed_too_long(status) => Err(Unread::TooSlow(CPU_SECONDS)),
            Ok(_) => Err(Unread::Died),
        }
    }
}

/// What is left to a reading: of computing, which a hostile file takes, and of the clock, which a busy machine takes.
struct Left {
    computing: Duration,
    until: Instant,
}

/// What a process has computed, with those that it started and waited for; `None` where the system does not say (`proc(5)`).
fn computed_by(process: u32) -> Option<Duration> {
    let said = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    computed_of(&said)
}

/// The same of what `/proc/PID/stat` says: fields 14 to 17, of hundredths of a second, counted behind the name in brackets.
fn computed_of(said: &str) -> Option<Duration> {
    let (_, behind) = said.rsplit_once(')')?;
    let parts: Vec<u64> = behind.split_ascii_whitespace().skip(11).take(4).map_while(|n| n.parse().ok()).collect();
    (parts.len() == 4).then(|| Duration::from_millis(parts.iter().sum::<u64>() * 10))
}

/// A folder that only this user can enter.
fn private_folder(within: &Path) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(within)
}

/// A child and what it started, ended when this goes.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.0.and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_computed_is_read_whatever_its_name() {
        let rest = "S 1 7 7 0 -1 4194304 100 0 0 0 150 25 300 2 20 0 1 0 9000 1000 10";
        for name in ["vigie", "a b", "x) S 1 2", "(("] {
            assert_eq!(computed_of(&format!("7 ({name}) {rest}")), Some(Duration::from_millis(4_770)), "{name}");
        }
        for odd in ["", "7 (vigie", "7 (vigie) S 1 2 3", "7 (vigie) S 1 7 7 0 -1 4194304 100 0 0 0 x 25 300 2"] {
            assert_eq!(computed_of(odd), None, "{odd}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_process_computed_is_known() {
        assert!(computed_by(std::process::id()).is_some());
        assert_eq!(computed_by(u32::MAX), None);
    }
}
